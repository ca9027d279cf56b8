"""Secrets that a build is given, each in another way, are nowhere afterwards, and nobody else sees them meanwhile."""

from __future__ import annotations

import base64
import gzip
import io
import re
import tarfile
import zipfile
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from lambda_backend.install.open import DEFAULT_UV
from tests.helpers.engine_answers import engine_environment
from tests.helpers.leaks import Watch, engine_facts, folder_leaks, leaks, planted, remove_images
from tests.helpers.machine import manifest, project, write
from tests.helpers.package_index import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.machine import Machine
    from tests.helpers.package_index import PackageIndex

ENGINES = [
    "host",
    pytest.param("docker", marks=pytest.mark.engine),
    pytest.param("podman", marks=pytest.mark.engine),
]
# The same where the engine does not see this machine's files.
COPYING = [pytest.param(f"{name} copying", marks=pytest.mark.engine) for name in ("docker", "podman")]
BASE = "public.ecr.aws/sam/build-python3.13:latest-x86_64"
POETRY = "2.2.1"
INDEXES = ("index", "extra", "netrc", "keyring", "tools")
SECRETS = (*INDEXES, "image", "environment", "password", "hook", "file")
KEYRING = """\
#!/bin/sh
test "$1 $3" = "get keyring-user" && cat "$KEYRING_FILE"
"""
# Of the developer's own, which would be asked beside the indexes of the test.
NOT_OURS: dict[str, str | None] = dict.fromkeys(
    (
        *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CONFIG_FILE"),
        *("UV_DEFAULT_INDEX", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"),
    )
)


def parcel(folder: Path, name: str) -> Path:
    """A folder with one wheel."""
    folder.mkdir(parents=True)
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", "weight = 3\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "".join(f"{info}/{file},,\n" for file in ("METADATA", "WHEEL", "RECORD")))
    return folder


class Household:
    """A user with secrets, and private indexes that want to know them."""

    def __init__(self, root: Path, engine: str, stack: ExitStack) -> None:
        self.root = root
        self.engine = engine
        self.token = "/run/secrets/token" if engine != "host" else str(root / "home/.token")
        """Where commands see the secret file."""
        self.secrets = {name: planted(name) for name in SECRETS}
        # What is put into a URL by ${NAME} is quoted already, or needs no quotes.
        self.secrets |= {name: re.sub("[@/]", "-", self.secrets[name]) for name in ("extra", "tools")}
        self.indexes: dict[str, PackageIndex] = {}
        for name in INDEXES:
            folder = parcel(root / "indexes" / name, f"{name}_parcel")
            served = serving(folder, user=f"{name}-user", password=self.secrets[name])
            self.indexes[name] = stack.enter_context(served)
        files = {
            ".netrc": f"machine localhost login netrc-user password {self.secrets['netrc']}\n",
            ".token": f"TOKEN={self.secrets['file']}\n",
            ".keyring": f"{self.secrets['keyring']}\n",
            "bin/keyring": KEYRING,
        }
        write(root / "home", files)
        (root / "home/bin/keyring").chmod(0o755)

    def environment(self, path: str) -> dict[str, str | None]:
        """The user's variables; each index but one is named in another way."""
        home = self.root / "home"
        of_netrc = self.indexes["netrc"].url.replace("127.0.0.1", "localhost")
        of_keyring = self.indexes["keyring"].url.replace("://", "://keyring-user@")
        return {
            **NOT_OURS,
            **engine_environment(self.engine),
            "HOME": str(home),
            "LAMBDA_BACKEND_CACHE_DIR": str(self.root / "cache"),
            "LAMBDA_BACKEND_VERBOSE": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "PATH": f"{home}/bin:{path}",
            "PIP_INDEX_URL": self.indexes["index"].url_with_user,
            "PIP_EXTRA_INDEX_URL": f"{of_netrc} {of_keyring}",
            "UV_KEYRING_PROVIDER": "subprocess",
            "KEYRING_FILE": f"{home}/.keyring",
            "EXTRA_TOKEN": self.secrets["extra"],
            "TOOLS_TOKEN": self.secrets["tools"],
            "IMAGE_TOKEN": self.secrets["image"],
            "ENVIRONMENT_TOKEN": self.secrets["environment"],
            "REGISTRY_PASSWORD": self.secrets["password"],
            "HOOK_TOKEN": self.secrets["hook"],
        }

    def project(self, bundling: str) -> Path:
        """A project that takes a package of each index and, in a container, an image of its own."""
        extra = self.indexes["extra"].url_of("extra-user", "${EXTRA_TOKEN}")
        tools = self.indexes["tools"].url_of("tools-user", "${TOOLS_TOKEN}")
        own = f"""
image = {{ context = "docker" }}
build-args = {{ IMAGE_TOKEN = "${{IMAGE_TOKEN}}", PIP_INDEX_URL = "{tools}" }}
"""
        table = f"""
[tool.lambda]
runtime = "python3.13"
handler = "tiny.app.handler"
[tool.lambda.bundling]
environment = {{ SERVICE_TOKEN = "${{ENVIRONMENT_TOKEN}}", DOCKER_PASSWORD = "${{REGISTRY_PASSWORD}}" }}
secrets = [{{ id = "token", source = "~/.token" }}]
{"" if self.engine == "host" else own}
{bundling}
"""
        lines = [f"--extra-index-url {extra}", *(f"{name}-parcel==1.0" for name in self.indexes if name != "tools")]
        files = {
            "requirements.txt": "".join(f"{line}\n" for line in lines),
            # An argument that comes before FROM is in no image; one that RUN is given would be, by Docker's own rules.
            "docker/Containerfile": f"ARG IMAGE_TOKEN\nFROM {BASE}\nLABEL test={self.root.name}\n",
        }
        return project(self.root / "project", table, files=files)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """Without what is said about how files reach it."""
    return str(request.param)


@pytest.fixture
def household(engine: str, machine: Machine, tmp_path: Path) -> Iterator[Household]:
    with ExitStack() as stack:
        made = Household(tmp_path, engine.partition(" ")[0], stack)
        if made.engine != "host":
            # What is built on the image of the project's Containerfile has its label too.
            stack.callback(remove_images, made.engine, f"test={tmp_path.name}")
            # The one index that has what installs: it comes as everything else does, from where the settings say.
            folder = tmp_path / "indexes/tools"
            argv = [
                "-m",
                "pip",
                "download",
                "-q",
                "--no-deps",
                "--only-binary",
                ":all:",
                "-d",
                folder,
                f"uv=={DEFAULT_UV}",
            ]
            machine.run([machine.python(), *argv], cwd=tmp_path)
        yield made


@pytest.mark.network
@pytest.mark.parametrize("engine", [*ENGINES, *COPYING], indirect=True)
def test_nothing_leaks(engine: str, machine: Machine, household: Household) -> None:
    says = f"""
echo "hook says $HOOK_TOKEN $SERVICE_TOKEN $DOCKER_PASSWORD"
test -n "$HOOK_TOKEN" && grep -q TOKEN= {household.token} && echo "file says $(cat {household.token})" && sleep 2
"""
    access = 'file-access = "volume-copy"' if engine.endswith("copying") else ""
    folder = household.project(f"after = ['''{says}''']\n{access}")
    with Watch(household.engine) as watch:
        # The wheel is made of the sdist.
        outcome = machine.build(folder, "--verbose", env=household.environment(machine.environment()["PATH"]))

    # Everything was used.
    names = {item["name"] for item in manifest(folder / "dist")["artifacts"][0]["requirements"]}
    assert names == {f"{name}-parcel" for name in INDEXES if name != "tools"}
    assert "hook says *** *** ***" in outcome.log
    assert "file says ***" in outcome.log
    assert any("hook says $HOOK_TOKEN" in line for line in watch.processes)
    assert len(list((folder / "dist").iterdir())) == 4
    # Nothing is left of it.
    assert folder_leaks(folder, household.secrets) == {}
    assert folder_leaks(household.root / "cache", household.secrets) == {}
    assert leaks(outcome.log.encode(), household.secrets) == set()
    assert leaks("\n".join(watch.processes).encode(), household.secrets) == set()
    if household.engine != "host":
        assert any(asked.endswith(".whl") for asked in household.indexes["tools"].asked)
        assert any('"Running": true' in facts for facts in watch.containers)
        assert leaks("\n".join(watch.containers).encode(), household.secrets) == set()
        facts = engine_facts(household.engine)
        assert household.root.name in facts
        assert leaks(facts.encode(), household.secrets) == set()


@pytest.mark.network
@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_a_failing_build_tells_nothing(machine: Machine, household: Household) -> None:
    env = household.environment(machine.environment()["PATH"])
    hook = f'echo "$HOOK_TOKEN $SERVICE_TOKEN"; cat {household.token}; exit 3'
    outcome = machine.build(household.project(f"after = ['{hook}']"), env=env, check=False)
    assert "(exit code 3)" in outcome.message
    assert "*** ***" in outcome.message
    assert leaks(outcome.log.encode(), household.secrets) == set()
    wrong = household.indexes["index"].url_of("somebody", quote(household.secrets["file"], safe=""))
    outcome = machine.build(household.project(""), env={**env, "UV_DEFAULT_INDEX": wrong}, check=False)
    assert "401" in outcome.message
    assert leaks(outcome.log.encode(), household.secrets) == set()
    assert folder_leaks(household.root / "cache", household.secrets) == {}


@pytest.mark.network
@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_credentials_of_poetry_leak_nowhere(engine: str, machine: Machine, tmp_path: Path) -> None:
    secret = {"poetry": planted("poetry")}
    with serving(parcel(tmp_path / "index", "parcel"), user="poetry-user", password=secret["poetry"]) as index:
        env = {
            **engine_environment(engine),
            "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache"),
            "LAMBDA_BACKEND_VERBOSE": "1",
            "NO_PROXY": "127.0.0.1",
            # Poetry remembers hashes by the names of source and package, which are the same in every run.
            "POETRY_CACHE_DIR": str(tmp_path / "poetry"),
            "POETRY_HTTP_BASIC_PRIVATE_USERNAME": "poetry-user",
            "POETRY_HTTP_BASIC_PRIVATE_PASSWORD": secret["poetry"],
        }
        worker = f"""\
[tool.poetry]
package-mode = false
[tool.poetry.dependencies]
python = ">=3.11"
parcel = {{ version = "1.0", source = "private" }}
[[tool.poetry.source]]
name = "private"
url = "{index.url}"
priority = "explicit"
"""
        table = """
[tool.lambda.functions.worker]
runtime = "python3.13"
entry = "worker"
bundling.after = ["test -f $LAMBDA_OUTPUT_DIR/parcel.py && sleep 1"]
"""
        files = {"worker/pyproject.toml": worker, "worker/index.py": "def handler(event, context):\n    return event\n"}
        folder = project(tmp_path / "project", table, files=files)
        poetry = ("-m", "uv", "tool", "run", "--from", f"poetry=={POETRY}", "poetry", "lock")
        machine.run([machine.python(), *poetry], cwd=folder / "worker", env=env)
        assert folder_leaks(folder, secret) == {}
        with Watch(engine) as watch:
            outcome = machine.build(folder, "--verbose", env=env)
    (made,) = manifest(folder / "dist")["artifacts"]
    assert (made["lock"], [item["name"] for item in made["requirements"]]) == ("poetry.lock", ["parcel"])
    assert folder_leaks(folder, secret) == {}
    assert folder_leaks(tmp_path / "cache", secret) == {}
    assert leaks(outcome.log.encode(), secret) == set()
    assert leaks("\n".join((*watch.processes, *watch.containers)).encode(), secret) == set()


@pytest.mark.network
@pytest.mark.parametrize("engine", ["host"], indirect=True)
def test_a_secret_that_ships_is_found(machine: Machine, household: Household) -> None:
    """The proof that the tests above can fail."""
    folder = household.project("""after = ['echo $HOOK_TOKEN | base64 -w0 > "$LAMBDA_OUTPUT_DIR/leak.txt"']""")
    write(folder, {"tiny/leak.py": f"TOKEN = {household.secrets['file']!r}\n"})
    machine.build(folder, "--verbose", env=household.environment(machine.environment()["PATH"]))
    found = folder_leaks(folder, household.secrets)
    shipped = {path.name: found.get(f"dist/{path.name}") for path in (folder / "dist").iterdir()}
    assert shipped == {
        "tiny-1.0.0.tar.gz": {"file"},
        "tiny-1.0.0-py3-none-any.whl": {"file"},
        "tiny-1.0.0-function-python3.13-x86_64.zip": {"file", "hook"},
        "tiny-1.0.0.lambda.json": None,
    }
    assert any("hook" in names for names in folder_leaks(household.root / "cache", household.secrets).values())


def test_the_scanner_sees_every_form() -> None:
    secret = {"x": planted("x")}
    text = secret["x"].encode()
    for before in (b"", b"u:", b"user:"):
        for after in (b"", b"\n", b"@h"):
            assert leaks(b"..." + base64.b64encode(before + text + after) + b"...", secret) == {"x"}
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        info = tarfile.TarInfo("a")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as inner:
        inner.writestr("b.tar.gz", gzip.compress(tar.getvalue()))
    assert text not in zipped.getvalue()
    assert leaks(zipped.getvalue(), secret) == {"x"}
    assert leaks(b"nothing", secret) == set()
