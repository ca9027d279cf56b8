"""An edit of code starts no container and no resolver, and is quick."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.helpers.engine_answers import engine_environment
from tests.helpers.machine import artifacts, example, manifest, project, write
from tests.helpers.package_index import serving
from tests.helpers.wheels import make_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.machine import Machine, Outcome

pytestmark = pytest.mark.network

WORK = ("starting a container", "resolving ", "installing ", "building a wheel of")
ONE_HOOK = """
import os, sys
import lambda_backend
lambda_backend.build_wheel(sys.argv[1])
print("seconds", sum(os.times()[:4]))  # its own and its children's, whatever else runs on this machine
"""


METADATA = "Metadata-Version: 2.1\nName: one\nVersion: 1.0\n"
IN_TREE = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
COMPILER = """
import base64, hashlib, time, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name, info = "one-1.0-cp313-cp313-linux_x86_64.whl", "one-1.0.dist-info"
    files = {
        "one.py": f"made = {time.time_ns()}\\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: one\\nVersion: 1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: cp313-cp313-linux_x86_64\\n",
    }
    rows = ""
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        for path, text in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows += f"{path},sha256={digest},{len(text)}\\n"
            wheel.writestr(path, text)
        wheel.writestr(f"{info}/RECORD", f"{rows}{info}/RECORD,,\\n")
    return name
"""

GONE = """
[tool.lambda]
runtime = "python3.13"
handler = "tiny.app.handler"
"""


def did(outcome: Outcome) -> list[str]:
    said = [line for line in outcome.log.splitlines() if line.startswith("lambda-backend:")]
    return [line for line in said if any(words in line for words in WORK)]


@pytest.mark.parametrize(
    "engine",
    ["host", pytest.param("docker", marks=pytest.mark.engine), pytest.param("podman", marks=pytest.mark.engine)],
)
def test_an_edited_line(engine: str, machine: Machine, tmp_path: Path) -> None:
    environment = engine_environment(engine)
    made = example("data", tmp_path / "data")
    first = tmp_path / "first"
    machine.build(made, out=first, env=environment)
    code = made / "stats/summary.py"
    code.write_text(code.read_text("utf-8") + "\n# edited\n", "utf-8")
    outcome = machine.build(made, env=environment)
    assert did(outcome) == []
    before, after = artifacts(first), artifacts(made / "dist")
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"stats-1.0.0-summary-python3.13-x86_64.zip", "stats-1.0.0.lambda.json"}
    engines = {item["name"]: item["engine"] for item in manifest(made / "dist")["artifacts"]}
    assert engines == {"summary": None, "deps": engine}  # the layer has all that the function needs


def test_the_hook_takes_below_a_second(machine: Machine, tmp_path: Path) -> None:
    made = example("data", tmp_path / "data")
    machine.build(made)
    times = []
    for number in range(3):
        code = made / "stats/summary.py"
        code.write_text(code.read_text("utf-8") + f"\n# {number}\n", "utf-8")
        outcome = machine.run([machine.python(), "-c", ONE_HOOK, made / "dist"], cwd=made)
        assert did(outcome) == []
        times += [float(line.split()[1]) for line in outcome.log.splitlines() if line.startswith("seconds")]
    assert min(times) < 1, times


def test_a_changed_dependency_is_installed_anew(machine: Machine, tmp_path: Path) -> None:
    table = '[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"'
    made = project(tmp_path / "tiny", table, files={"requirements.txt": "idna==3.9\n"})
    # One of its own: another test may have installed them.
    env = {"LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")}
    machine.build(made, env=env)
    (made / "requirements.txt").write_text("idna==3.10\n", "utf-8")
    outcome = machine.build(made, env=env)
    assert any("installing" in line for line in did(outcome))
    assert [item["version"] for item in manifest(made / "dist")["artifacts"][0]["requirements"]] == ["3.10"]


def test_artefacts_of_one_target_share_their_dependencies(machine: Machine, tmp_path: Path) -> None:
    functions = "".join(f'[tool.lambda.functions.f{n}]\nhandler = "tiny.app.handler"\n' for n in range(4))
    made = project(
        tmp_path / "tiny", f'[tool.lambda]\nruntime = "python3.13"\n{functions}', dependencies='["idna==3.7"]'
    )
    outcome = machine.build(made, env={"LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")})
    assert len([line for line in did(outcome) if "installing" in line]) == 1
    assert len([line for line in did(outcome) if "resolving" in line]) == 1
    assert len({item["sha256"] for item in manifest(made / "dist")["artifacts"]}) == 1


def test_a_damaged_entry_is_made_again(machine: Machine, tmp_path: Path) -> None:
    table = '[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"'
    made = project(tmp_path / "tiny", table, files={"requirements.txt": "idna==3.10\n"})
    cache = tmp_path / "cache"
    machine.build(made, env={"LAMBDA_BACKEND_CACHE_DIR": str(cache)})
    before = artifacts(made / "dist")
    spoilt = [path for path in cache.rglob("*") if path.is_file() and path.suffix in {".json", ".zip"}]
    assert spoilt
    for path in spoilt:
        path.write_bytes(json.dumps("spoilt").encode())
    machine.build(made, env={"LAMBDA_BACKEND_CACHE_DIR": str(cache)})
    assert artifacts(made / "dist") == before


@pytest.mark.parametrize("commands", ["", "[tool.lambda.bundling]\nafter = ['true']"], ids=["copied", "unpacked"])
def test_an_archive_that_lost_a_byte_is_made_again(commands: str, machine: Machine, tmp_path: Path) -> None:
    table = f'[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"\n{commands}'
    made = project(tmp_path / "tiny", table, files={"requirements.txt": "idna==3.10\n"})
    cache = tmp_path / "cache"
    env = {"LAMBDA_BACKEND_CACHE_DIR": str(cache)}
    machine.build(made, env=env)
    before = artifacts(made / "dist")
    (archive,) = cache.glob("v1/deps/*/*/archive.zip")
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)
    (made / "tiny/app.py").write_text("def handler(event, context):\n    return None\n", "utf-8")
    outcome = machine.build(made, env=env)
    assert [line for line in did(outcome) if "installing" in line]
    (made / "tiny/app.py").write_text("def handler(event, context):\n    return event\n", "utf-8")
    assert not [line for line in did(machine.build(made, env=env)) if "installing" in line]
    assert artifacts(made / "dist") == before


@pytest.mark.parametrize(
    "change", ["idna==3.10 --hash=sha256:{digest}", "-c c.txt\nidna==3.10"], ids=["hash", "constraint"]
)
def test_an_answer_counts_only_for_what_was_asked(change: str, machine: Machine, tmp_path: Path) -> None:
    table = '[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"'
    files = {"requirements.txt": "idna==3.10\n", "c.txt": "idna<3\n"}
    made = project(tmp_path / "tiny", table, files=files)
    machine.build(made)
    (made / "requirements.txt").write_text(change.format(digest="0" * 64) + "\n", "utf-8")
    assert machine.build(made, check=False).exit_code != 0


def test_a_module_that_is_gone_does_not_ship(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", GONE, files={"tiny/old.py": "x = 1\n"})
    machine.build(made)
    assert "tiny/old.py" in zipfile.ZipFile(next((made / "dist").glob("*.zip"))).namelist()
    assert not (made / "build").exists()
    (made / "tiny/old.py").unlink()
    machine.build(made)
    for path in (*(made / "dist").glob("*.zip"), *(made / "dist").glob("*.whl")):
        assert "tiny/old.py" not in zipfile.ZipFile(path).namelist()


def test_an_archive_is_fetched_once(machine: Machine, tmp_path: Path) -> None:
    """Dependencies that are installed anew come from uv's cache."""
    links = tmp_path / "links"
    links.mkdir()
    wheel = make_wheel(links, "one")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    table = '[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"\n'
    made = project(tmp_path / "tiny", table, dependencies='["one"]')
    with serving(links) as index:
        place = f'{{ url = "{index.url}one/{wheel.name}", hashes = {{ sha256 = "{digest}" }} }}'
        package = f'[[packages]]\nname = "one"\nversion = "1.0"\nwheels = [{place}]\n'
        (made / "pylock.toml").write_text(f'lock-version = "1.0"\ncreated-by = "test"\n{package}', "utf-8")
        env = {"UV_DEFAULT_INDEX": index.url, "UV_CACHE_DIR": str(tmp_path / "uv")}
        for number in range(2):
            outcome = machine.build(made, env={**env, "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / f"cache{number}")})
            assert [line for line in did(outcome) if "installing" in line]
    assert index.asked == [f"/simple/one/{wheel.name}"]


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_what_an_sdist_compiles_to_is_compiled_once(engine: str, machine: Machine, tmp_path: Path) -> None:
    """uv keeps the wheel, which no other build of the same sources would be."""
    links = tmp_path / "links"
    links.mkdir()
    source = write(tmp_path / "one-1.0", {"backend.py": COMPILER, "pyproject.toml": IN_TREE, "PKG-INFO": METADATA})
    with tarfile.open(links / "one-1.0.tar.gz", "w:gz") as archive:
        archive.add(source, "one-1.0")
    digest = hashlib.sha256((links / "one-1.0.tar.gz").read_bytes()).hexdigest()
    table = '[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"\n'
    made = project(tmp_path / "tiny", table, dependencies='["one"]')
    cache = tmp_path / "cache"
    with serving(links) as index:
        place = f'{{ url = "{index.url}one/one-1.0.tar.gz", hashes = {{ sha256 = "{digest}" }} }}'
        package = f'[[packages]]\nname = "one"\nversion = "1.0"\nsdist = {place}\n'
        (made / "pylock.toml").write_text(f'lock-version = "1.0"\ncreated-by = "test"\n{package}', "utf-8")
        env = {**engine_environment(engine), "UV_DEFAULT_INDEX": index.url, "LAMBDA_BACKEND_CACHE_DIR": str(cache)}
        machine.build(made, env=env)
        before = artifacts(made / "dist")
        shutil.rmtree(cache / "v1")
        outcome = machine.build(made, env=env)
    assert [line for line in did(outcome) if "installing" in line]
    assert artifacts(made / "dist") == before


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["host", "docker", "podman"])
def test_what_was_changed_in_uvs_cache_does_not_ship(machine: Machine, engine: str, tmp_path: Path) -> None:
    """Environments share files with uv's cache, and programs write into them: certificates, for example."""
    table = '[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"'
    made = project(tmp_path / "tiny", table, files={"requirements.txt": "idna==3.10\n"})
    cache, uv = tmp_path / "cache", tmp_path / "uv"
    env = {**engine_environment(engine), "UV_CACHE_DIR": str(uv), "LAMBDA_BACKEND_CACHE_DIR": str(cache)}
    machine.build(made, env=env)
    before = artifacts(made / "dist")
    (kept,) = (uv if engine == "host" else cache / "engines").rglob("idna/core.py")
    kept.write_text(kept.read_text("utf-8") + "# not as published\n", "utf-8")
    shutil.rmtree(cache / "v1")
    outcome = machine.build(made, env=env)
    assert "idna in uv's cache: not as published, so all is fetched anew" in outcome.log
    # By then the container was no longer needed, and went.
    assert outcome.log.count("starting a container") == (0 if engine == "host" else 2)
    assert artifacts(made / "dist") == before


ASKED = "import lambda_backend; print('asked', *lambda_backend.get_requires_for_build_wheel())"


def asked(machine: Machine, project: Path, cache: Path) -> set[str]:
    """What an isolated build would install for its wheel, by names."""
    outcome = machine.run(
        [machine.python(), "-c", ASKED], cwd=project, env={"LAMBDA_BACKEND_CACHE_DIR": str(cache), "PATH": os.defpath}
    )
    (line,) = [line for line in outcome.log.splitlines() if line.startswith("asked")]
    assert "lambda-backend:" not in outcome.log  # nothing is said, whatever is found
    return {word.partition(">")[0] for word in line.split()[1:]}


def test_what_is_not_asked_for_is_not_used(machine: Machine, tmp_path: Path) -> None:
    made = example("quickstart", tmp_path / "quickstart")
    env = {"LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")}
    machine.build(made, env=env)
    assert asked(machine, made, tmp_path / "cache") == set()
    without = "import sys; sys.modules |= dict.fromkeys(['docker', 'elftools', 'filelock', 'uv']); "
    for number in range(3):
        (made / "hello/new.py").write_text(f"x = {number // 2}\n", "utf-8")
        # A build that locks goes on beside it, or was killed.
        (tmp_path / "cache/v1/tmp/locked").mkdir(exist_ok=True)
        (tmp_path / "cache/v1/tmp/locked.lock").touch()
        outcome = machine.run(
            [machine.python(), "-c", f"{without} import lambda_backend; lambda_backend.build_wheel('dist')"],
            cwd=made,
            env={**env, "PATH": os.defpath},
        )
        assert ("nothing has changed" in outcome.log) == (number == 1)
        assert (tmp_path / "cache/v1/tmp/locked").exists()
    machine.build(made, env=env)
    assert not (tmp_path / "cache/v1/tmp/locked").exists()


def test_uv_is_asked_for_where_something_will_be_installed(machine: Machine, tmp_path: Path) -> None:
    function = 'handler = "tiny.app.handler"\nlayers = ["deps"]\nextras = ["more"]\n'
    table = f"""
[project.optional-dependencies]
more = ["certifi>=2024"]

[tool.lambda]
runtime = ["python3.12", "python3.13"]

[tool.lambda.functions.f]
{function}
[tool.lambda.layers.deps]
"""
    made = project(tmp_path / "tiny", table, dependencies="[\"idna >=3.7 ; python_version > '3'\"]")
    cache = tmp_path / "cache"
    assert asked(machine, made, cache) == {"uv", "filelock", "pyelftools"}
    assert not cache.exists()
    machine.build(made, env={"LAMBDA_BACKEND_CACHE_DIR": str(cache)})
    assert asked(machine, made, cache) == set()
    # That is enough, also from an sdist, which lies elsewhere.
    machine.build(
        shutil.copytree(made, tmp_path / "moved", ignore=shutil.ignore_patterns("dist")),
        *("--sdist", "--wheel"),
        env={"LAMBDA_BACKEND_CACHE_DIR": str(cache), "PATH": os.defpath},
    )
    text = (made / "pyproject.toml").read_text("utf-8")
    for old, new in (
        ('"certifi>=2024"', '"certifi>=2025"'),
        ('"python3.13"]', '"python3.14"]'),
        ("extras = ", "strip = true\nextras = "),
        ("extras = ", "bytecode = true\nextras = "),
        ("extras = ", "bundling.after = ['true']\nextras = "),
        ('extras = ["more"]', 'extras = ["mroe"]'),
    ):
        assert text.count(old) == 1
        (made / "pyproject.toml").write_text(text.replace(old, new), "utf-8")
        assert asked(machine, made, cache) >= {"uv", "filelock", "pyelftools"}, new
    (made / "pyproject.toml").write_text(text, "utf-8")
    assert asked(machine, made, cache) == set()
    # Of use for half an hour, and a build takes its time.
    for answer, time in (("pins/*/*/pins.json", "made"), ("needs/*/*/record.json", "until")):
        for path in cache.glob(f"v1/{answer}"):
            document = json.loads(path.read_text("utf-8"))
            document[time] -= 24 * 60 * 60 - 30 * 60
            path.write_text(json.dumps(document), "utf-8")
    assert asked(machine, made, cache) >= {"uv", "filelock", "pyelftools"}


def test_a_local_folder_that_changed_is_built(machine: Machine, tmp_path: Path) -> None:
    table = '[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"'
    lock = "./beside\n"
    beside = '[build-system]\nrequires = ["setuptools>=77"]\nbuild-backend = "setuptools.build_meta"\n'
    beside += '[project]\nname = "beside"\nversion = "1"\n'
    files = {"requirements.txt": lock, "beside/pyproject.toml": beside, "beside/beside.py": "value = 1\n"}
    made = project(tmp_path / "tiny", table, files=files)
    cache = tmp_path / "cache"
    machine.build(made, env={"LAMBDA_BACKEND_CACHE_DIR": str(cache)})
    assert asked(machine, made, cache) == set()
    (made / "beside/beside.py").write_text("value = 2\n", "utf-8")
    assert asked(machine, made, cache) >= {"uv"}


def test_a_cache_that_is_emptied_between_two_hooks(machine: Machine, tmp_path: Path) -> None:
    table = '[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"'
    made = project(tmp_path / "tiny", table, files={"requirements.txt": "idna==3.10\n"})
    hidden = "import sys; sys.modules['uv'] = None; import lambda_backend; lambda_backend.build_wheel('dist')"
    outcome = machine.run(
        [machine.python(), "-c", hidden],
        cwd=made,
        env={"LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache"), "PATH": os.defpath},
        check=False,
    )
    assert "start it again" in outcome.message
