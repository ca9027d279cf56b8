"""Moving over from AWS CDK: the example of docs/how-to/from-aws-cdk.md, and AWS CodeArtifact as its own page has it."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from lambda_backend.install.open import DEFAULT_UV
from tests.helpers.engine_answers import engine_environment
from tests.helpers.machine import CHECKOUT, artifacts, manifest, project, snapshot, write
from tests.helpers.package_index import serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.machine import Machine, Outcome

pytestmark = pytest.mark.network

PAGE = CHECKOUT / "docs/how-to/from-aws-cdk.md"
# What is asked of an engine is the same in each: variables, files, no container. One of them will do, in turn.
DOCKER = ["host", pytest.param("docker", marks=pytest.mark.engine)]
PODMAN = ["host", pytest.param("podman", marks=pytest.mark.engine)]
YESTERDAY = "t0ken-of-yesterday"
TODAY = "t0ken-of-t0day"
# What of the developer's own would be asked beside the index of the test, or in its place.
NOT_OURS: dict[str, str | None] = dict.fromkeys(
    (
        *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CONFIG_FILE"),
        *("UV_DEFAULT_INDEX", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"),
    )
)


@pytest.fixture(scope="module")
def uv_wheel(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a container gets its uv from, where its image is not made yet: from the one index that it is told of."""
    folder = tmp_path_factory.mktemp("uv")
    argv = ["-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", folder, f"uv=={DEFAULT_UV}"]
    machine.run([machine.python(), *argv], cwd=folder)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture
def wheels(uv_wheel: Path, tmp_path: Path) -> Path:
    """A repository: uv, and one small wheel."""
    folder = tmp_path / "repository"
    folder.mkdir()
    shutil.copy(uv_wheel, folder)
    info = "parcel-1.4.dist-info"
    with zipfile.ZipFile(folder / "parcel-1.4-py3-none-any.whl", "w") as archive:
        archive.writestr("parcel.py", "weight = 3\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: parcel\nVersion: 1.4\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"parcel.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return folder


HANDLER = "def handler(event, context):\n    return event\n"


def made(folder: Path, bundling: str, **files: str) -> Path:
    table = f'[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"\n{bundling}\n'
    return project(folder, table, dependencies='["parcel==1.4"]', files=files)


def build(machine: Machine, folder: Path, engine: str, *, check: bool = True, **env: str) -> Outcome:
    own = {"HOME": str(folder.parent), "LAMBDA_BACKEND_CACHE_DIR": str(folder.parent / "cache")}
    verbose = {"LAMBDA_BACKEND_VERBOSE": "1", "NO_PROXY": "127.0.0.1"}
    return machine.build(folder, env={**NOT_OURS, **engine_environment(engine), **own, **verbose, **env}, check=check)


def assert_installed(folder: Path) -> None:
    (artifact,) = manifest(folder / "dist")["artifacts"]
    assert [(item["name"], item["version"]) for item in artifact["requirements"]] == [("parcel", "1.4")]


@pytest.mark.parametrize("engine", DOCKER)
def test_a_new_token_builds_nothing_anew(engine: str, machine: Machine, wheels: Path, tmp_path: Path) -> None:
    with serving(wheels, user="aws", password=YESTERDAY) as index:
        url = index.url_of("aws", "${CODEARTIFACT_TOKEN}")
        folder = made(tmp_path / "project", f'[tool.lambda.bundling.environment]\nPIP_INDEX_URL = "{url}"')
        first = build(machine, folder, engine, CODEARTIFACT_TOKEN=YESTERDAY)
        assert_installed(folder)
        digests = artifacts(folder / "dist")
        asked = list(index.asked)
        # The index would refuse it, and is not asked.
        second = build(machine, folder, engine, CODEARTIFACT_TOKEN=TODAY)
        without = build(machine, folder, engine)
    assert asked
    assert index.asked == asked
    assert artifacts(folder / "dist") == digests
    for outcome in (second, without):
        assert "starting a container" not in outcome.log
        assert "lambda-backend: installing" not in outcome.log
    assert not [word for word in (YESTERDAY, TODAY) if word in first.log + second.log]
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert not [path for path in kept if YESTERDAY.encode() in path.read_bytes()]


@pytest.mark.parametrize("engine", PODMAN)
def test_a_token_that_has_expired(engine: str, machine: Machine, wheels: Path, tmp_path: Path) -> None:
    with serving(wheels, user="aws", password=TODAY) as index:
        url = index.url_of("aws", "${CODEARTIFACT_TOKEN}")
        folder = made(tmp_path / "project", f'[tool.lambda.bundling.environment]\nPIP_INDEX_URL = "{url}"')
        # So that the image is there, which the first build in a container makes.
        build(machine, folder, engine, CODEARTIFACT_TOKEN=TODAY)
        for name in ("cache", "project/dist"):
            shutil.rmtree(tmp_path / name)
        expired = build(machine, folder, engine, check=False, CODEARTIFACT_TOKEN=YESTERDAY)
        unset = build(machine, folder, engine, check=False)
    assert "401 Unauthorized" in expired.message
    assert "give the index its credentials" in expired.message
    assert YESTERDAY not in expired.log
    assert "tool.lambda.bundling.environment.PIP_INDEX_URL" in unset.message
    assert "CODEARTIFACT_TOKEN is not set" in unset.message
    assert snapshot(folder / "dist") == {}


@pytest.mark.parametrize("engine", DOCKER)
def test_credentials_of_a_named_index(engine: str, machine: Machine, wheels: Path, tmp_path: Path) -> None:
    with serving(wheels, user="aws", password=TODAY) as index:
        table = f'[[tool.uv.index]]\nname = "main"\ndefault = true\nurl = "{index.url}"'
        folder = made(tmp_path / "project", table)
        variables = {"UV_INDEX_MAIN_USERNAME": "aws", "UV_INDEX_MAIN_PASSWORD": TODAY}
        machine.run(
            [machine.python(), "-m", "uv", "lock"], cwd=folder, env={**NOT_OURS, **variables, "NO_PROXY": "127.0.0.1"}
        )
        assert TODAY not in (folder / "uv.lock").read_text("utf-8")
        build(machine, folder, engine, **variables)
    assert_installed(folder)


@pytest.mark.parametrize("engine", PODMAN)
def test_by_netrc(engine: str, machine: Machine, wheels: Path, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc-of-ci"
    netrc.write_text(f"machine 127.0.0.1 login aws password {TODAY}\n", "utf-8")
    with serving(wheels, user="aws", password=TODAY) as index:
        folder = made(tmp_path / "project", f'[tool.lambda.bundling.environment]\nPIP_INDEX_URL = "{index.url}"')
        outcome = build(machine, folder, engine, NETRC=str(netrc))
    assert_installed(folder)
    assert TODAY not in outcome.log


@pytest.mark.parametrize("engine", DOCKER)
def test_by_keyring(engine: str, machine: Machine, wheels: Path, tmp_path: Path) -> None:
    """``keyring`` with CodeArtifact's plugin answers with a token that it gets for the AWS credentials of the host."""
    command = tmp_path / "bin/keyring"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\ntest "$AWS_ACCESS_KEY_ID" = key && echo {TODAY}\n', "utf-8")
    command.chmod(0o755)
    with serving(wheels, user="aws", password=TODAY) as index:
        table = f"""
[tool.lambda.bundling.environment]
UV_KEYRING_PROVIDER = "subprocess"
UV_DEFAULT_INDEX = "{index.url.replace("://", "://aws@")}"
"""
        folder = made(tmp_path / "project", table)
        path = f"{command.parent}:{machine.environment()['PATH']}"
        outcome = build(machine, folder, engine, PATH=path, AWS_ACCESS_KEY_ID="key")
    assert_installed(folder)
    assert TODAY not in outcome.log


@pytest.mark.parametrize("engine", PODMAN)
def test_the_example_of_the_page(engine: str, machine: Machine, wheels: Path, tmp_path: Path) -> None:
    page = PAGE.read_text("utf-8")
    (table,) = re.findall(r"^```toml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    after = re.findall(r"^```ts\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)[1]
    test = (
        "import unittest\nfrom app.main import handle\n\n\nclass Test(unittest.TestCase):\n    def test(self):\n"
        '        print("hook was here")\n        self.assertEqual(handle(3, None), 3)\n'
    )
    folder = write(
        tmp_path / "project",
        {
            "functions/api/requirements.txt": "parcel==1.4\n",
            "functions/api/app/main.py": "def handle(event, context):\n    return event\n",
            "functions/api/tests/test_main.py": test,
            "functions/api/bin/tool": "#!/bin/sh\n",
            "layers/deps/requirements.txt": "parcel==1.4\n",
            "layers/deps/common/shared.py": "",
        },
    )
    (tmp_path / "wheels").mkdir()
    with serving(wheels, user="aws", password=TODAY) as index:
        for written, here in (
            ("https://aws:${TOKEN}@example.com/simple/", index.url_of("aws", "${TOKEN}")),
            ('"/opt/wheels"', f'"{tmp_path / "wheels"}"'),
        ):
            assert written in table
            table = table.replace(written, here)
        # What is made for an architecture that is not this machine's needs an emulator, and is another test's business.
        table = table.replace('"arm64"', '"x86_64"')
        write(folder, {"pyproject.toml": table})
        outcome = build(machine, folder, engine, TOKEN=TODAY)
    assert "hook was here" in outcome.log
    names = {item["file"].replace("x86_64", "arm64"): item for item in manifest(folder / "dist")["artifacts"]}
    assert names.keys() == set(re.findall(r'"dist/(.*)"', after))
    function = next(item for item in names.values() if item["kind"] == "function")
    assert f'handler: "{function["handler"]}"' in after
    assert function["layers"] == ["deps"]
    members = {name: set(zipfile.ZipFile(folder / "dist" / item["file"]).namelist()) for name, item in names.items()}
    (layer,) = (found for name, found in members.items() if "-deps-" in name)
    assert {"python/parcel.py", "python/common/shared.py"} <= layer
    (own,) = (found for name, found in members.items() if "-api-" in name)
    assert own == {"app/main.py"}


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_options_of_the_container(engine: str, machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    (tmp_path / "shared/there").write_text("from the host", "utf-8")
    seen = [
        'echo "user $(id -u):$(id -g)"',
        'echo "privileges $(grep NoNewPrivs /proc/self/status | tr -dc 01)"',
        'echo "volume $(cat /mnt/shared/there)"',
        "touch /mnt/shared/new || echo volume is read-only",
        "echo \"networks $(ls /sys/class/net | tr -d '\\n')\"",
        'echo "folder $PWD"',
        'echo "variable $GREETING"',
        'echo "wrapped $WRAPPED"',
        "test -f $LAMBDA_INPUT_DIR/app.py && echo the source is there",
    ]
    bundling = f"""
[tool.lambda.bundling]
network = "none"
user = "1234:1235"
security-opt = ["no-new-privileges"]
volumes = [{{ host-path = "{tmp_path}/shared", container-path = "/mnt/shared", read-only = true }}]
environment = {{ GREETING = "hello ${{NAME_OF_A_USER:-you}}" }}
entrypoint = ["env", "WRAPPED=yes"]
working-directory = "/var/task"
after = {json.dumps(seen)}
"""
    folder = made(tmp_path / "project", bundling, **{"fn/app.py": HANDLER})
    text = (folder / "pyproject.toml").read_text("utf-8")
    entry = text.replace('handler = "tiny.app.handler"', 'entry = "fn"\nhandler = "app.handler"')
    write(folder, {"pyproject.toml": entry.replace('["parcel==1.4"]', "[]")})
    outcome = build(machine, folder, engine, LAMBDA_BACKEND_BUNDLING_NETWORK="none")
    said = {line.strip() for line in outcome.log.splitlines()}
    assert said >= {
        "user 1234:1235",
        "privileges 1",
        "volume from the host",
        "volume is read-only",
        "networks lo",
        "folder /var/task",
        "variable hello you",
        "wrapped yes",
        "the source is there",
    }
    assert {path.name for path in (tmp_path / "shared").iterdir()} == {"there"}


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_volumes_of_a_container_that_is_not_there(engine: str, machine: Machine, tmp_path: Path) -> None:
    folder = made(tmp_path / "project", '[tool.lambda.bundling]\nvolumes-from = ["777f7dc92da7"]')
    outcome = build(machine, folder, engine, check=False)
    assert "tool.lambda.bundling.volumes-from[0]" in outcome.message
    assert "777f7dc92da7" in outcome.message
    assert snapshot(folder / "dist") == {}


def test_output_path_suffix(machine: Machine, wheels: Path, tmp_path: Path) -> None:
    folder = made(
        tmp_path / "project", '[tool.lambda.layers.deps]\npath-prefix = "python/lib/python3.13/site-packages"'
    )
    with serving(wheels, user="aws", password=TODAY) as index:
        build(machine, folder, "host", PIP_INDEX_URL=index.url_with_user)
    (zip_file,) = (folder / "dist").glob("*-deps-*.zip")
    with zipfile.ZipFile(zip_file) as archive:
        names = archive.namelist()
    assert "python/lib/python3.13/site-packages/parcel.py" in names
    assert all(name.startswith("python/lib/python3.13/site-packages/") for name in names)
    text = (folder / "pyproject.toml").read_text("utf-8")
    (folder / "pyproject.toml").write_text(text.replace('"python/lib/python3.13/', '"../'), "utf-8")
    outcome = build(machine, folder, "host", check=False)
    assert "tool.lambda.layers.deps.path-prefix" in outcome.message


@pytest.mark.parametrize("engine", DOCKER)
def test_an_excluded_file_is_no_reason_to_build_anew(
    engine: str, machine: Machine, wheels: Path, tmp_path: Path
) -> None:
    folder = made(tmp_path / "project", 'entry = "fn"\nexclude = ["*.md", "/tests/"]', **{"fn/index.py": HANDLER})
    text = (folder / "pyproject.toml").read_text("utf-8")
    write(folder, {"pyproject.toml": text.replace('handler = "tiny.app.handler"', "")})
    write(folder / "fn", {"requirements.txt": "parcel==1.4\n", "notes.md": "one", "tests/test_index.py": "one"})
    with serving(wheels, user="aws", password=TODAY) as index:
        build(machine, folder, engine, PIP_INDEX_URL=index.url_with_user)
        digests = artifacts(folder / "dist")
        write(folder / "fn", {"notes.md": "two", "tests/test_index.py": "two", ".venv/pyvenv.cfg": "", "new.md": ""})
        outcome = build(machine, folder, engine, PIP_INDEX_URL=index.url_with_user)
    assert artifacts(folder / "dist") == digests
    assert "starting a container" not in outcome.log
    assert "lambda-backend: installing" not in outcome.log


def test_the_tests_that_the_page_names_are_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.read_text("utf-8"))
    assert named
    assert [
        f"{path}::{name}"
        for path, name in named
        if not (CHECKOUT / path).is_file() or f"def {name}(" not in (CHECKOUT / path).read_text("utf-8")
    ] == []
