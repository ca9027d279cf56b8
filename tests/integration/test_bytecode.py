"""``bytecode``, through whole builds: what ships is taken by the runtime's Python, and is the same each time."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.engine_answers import engine_environment
from tests.helpers.installed import installed_problems
from tests.helpers.interpreters import require_interpreter, unavailable
from tests.helpers.invoke import invoke, unpack
from tests.helpers.machine import HERE, artifacts, example, manifest, project

if TYPE_CHECKING:
    from tests.helpers.machine import Machine, Outcome

pytestmark = pytest.mark.network

ENGINES = [
    "host",
    pytest.param("docker", marks=pytest.mark.engine),
    pytest.param("podman", marks=pytest.mark.engine),
]
TABLE = """
[tool.lambda]
runtime = "python3.13"
bytecode = true
include = [{ from = "more/*", to = "more" }]

[tool.lambda.functions.api]
handler = "tiny.app.handler"
layers = ["deps"]

[tool.lambda.functions.alone]
handler = "tiny.app.handler"

[tool.lambda.functions.plain]
handler = "tiny.app.handler"
bytecode = false

[tool.lambda.functions.worker]
entry = "worker"

[tool.lambda.layers.deps]
include = []
"""
OLD = "print 'of Python 2'\n"
FILES = {
    "requirements.txt": "idna==3.10\nattrs==25.4.0\n./shared\n",
    "shared/pyproject.toml": '[build-system]\nrequires = ["setuptools>=77"]\n'
    'build-backend = "setuptools.build_meta"\n[project]\nname = "shared"\nversion = "1.0"\n'
    '[tool.setuptools]\npy-modules = ["shared"]\n',
    "shared/shared.py": "kinds = {None, 'a', 'b', 'c'}\n",
    "tiny/app.py": "import attr, idna, shared\n\ndef handler(event, context):\n    return __file__ and event\n",
    "more/extra.py": "x = 1 in {None, 1, 2}\n",
    "more/old.py": OLD,
    "worker/index.py": "import helper\n\ndef handler(event, context):\n    return event\n",
    "worker/helper.py": "def f():\n    return 1\n",
    "worker/__pycache__/stale.cpython-313.pyc": "stale",
}
COMPILING = "compiling "


def path_with(version: str) -> str:
    """A PATH on which a Python is found, before all others."""
    return os.pathsep.join((str(require_interpreter(version).parent), os.environ["PATH"]))


def said(outcome: Outcome, words: str) -> list[str]:
    return [line for line in outcome.log.splitlines() if line.startswith("lambda-backend:") and words in line]


def names(dist: Path, name: str) -> set[str]:
    (path,) = dist.glob(f"*-{name}-*.zip")
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_from_nothing(engine: str, machine: Machine, tmp_path: Path) -> None:
    found = []
    for number in (1, 2):
        made = project(tmp_path / f"tiny-{number}", TABLE, dependencies='["idna", "attrs", "shared"]', files=FILES)
        environment = {
            **engine_environment(engine),
            "PATH": path_with("3.13"),
            "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / f"cache-{number}"),
            "PYTHONHASHSEED": str(number),
        }
        machine.build(made, env=environment)
        found.append(artifacts(made / "dist"))
    assert found[0] == found[1]
    dist = tmp_path / "tiny-1/dist"
    for item in manifest(dist)["artifacts"]:
        members = names(dist, item["name"])
        sources = {path for path in members if path.endswith(".py") and not path.endswith("old.py")}
        compiled = {path for path in members if path.endswith(".pyc")}
        if item["name"] == "plain":
            assert (compiled, item["bytecode_size"]) == (set(), 0)
            continue
        assert len(compiled) == len(sources) > 0, "each source but those of Python 2"
        assert item["bytecode_size"] > 0
        assert not any("stale" in path for path in compiled)
        installed_problems(dist / item["file"], "3.13")
    layers = list(dist.glob("*-deps-*.zip"))
    for name, handler in (("api", "tiny.app.handler"), ("worker", "index.handler")):
        (function,) = dist.glob(f"*-{name}-*.zip")
        answer = invoke(function, handler, {"a": 1}, python="3.13", layers=layers if name == "api" else [])
        assert answer.payload == {"a": 1}


def test_every_file_is_taken_by_the_runtime_s_python(machine: Machine, tmp_path: Path) -> None:
    """From a folder where nothing can be written, and without compiling anything."""
    made = project(tmp_path / "tiny", TABLE, dependencies='["idna", "attrs", "shared"]', files=FILES)
    machine.build(made, env={"PATH": path_with("3.13")})
    root = tmp_path / "task"
    (zipped,) = (made / "dist").glob("*-alone-*.zip")
    unpack(zipped, root)
    text = (
        "import json, os, sys\n"
        "import attr, idna, shared, tiny.app, idna.codec, idna.uts46data, attr.validators, more.extra\n"
        "ours = [m for m in list(sys.modules.values()) if (getattr(m, '__file__', '') or '').startswith(os.getcwd())]\n"
        "print(json.dumps([[m.__file__, m.__spec__.cached, os.path.exists(m.__spec__.cached)] for m in ours]))\n"
    )
    argv = [str(require_interpreter("3.13")), "-v", "-B", "-S", "-c", text]
    done = subprocess.run(argv, cwd=root, env={"PATH": ""}, capture_output=True, text=True, check=True)
    loaded = done.stdout.count(".pyc")
    assert loaded > 15
    assert "false" not in done.stdout
    # What -v says of bytecode has quotes, and of a source that it compiles none (importlib's SourceLoader).
    assert done.stderr.count(f"# code object from '{root}") == loaded
    assert f"# code object from {root}" not in done.stderr


@pytest.mark.parametrize("engine", ENGINES)
def test_an_edit_compiles_what_changed_and_starts_no_container(engine: str, machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", TABLE, dependencies='["idna", "attrs", "shared"]', files=FILES)
    cache = str(tmp_path / "cache")
    environment = {**engine_environment(engine), "PATH": path_with("3.13"), "LAMBDA_BACKEND_CACHE_DIR": cache}
    machine.build(made, env=environment)
    before = artifacts(made / "dist")
    outcome = machine.build(made, env=environment)
    assert said(outcome, COMPILING) == []
    assert artifacts(made / "dist") == before
    (made / "tiny/app.py").write_text(FILES["tiny/app.py"] + "# edited\n", "utf-8")
    outcome = machine.build(made, env=environment)
    assert [line.split("compiling ")[1] for line in said(outcome, COMPILING)] == [
        "1 file to bytecode for python3.13-x86_64"
    ]
    assert said(outcome, "starting a container") == []
    after = artifacts(made / "dist")
    changed = {name.split("-")[2] for name in before if before[name] != after[name] and name.endswith(".zip")}
    assert changed == {"api", "alone", "plain"}


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_one_version_gives_the_same_here_and_in_a_container(engine: str, machine: Machine, tmp_path: Path) -> None:
    debian = Path("/usr/bin/python3.11")
    if not debian.exists():
        unavailable("no python3.11 of Debian's, which the stand-in of the build image has too")
    made = project(
        tmp_path / "tiny", TABLE.replace("3.13", "3.11"), dependencies='["idna", "attrs", "shared"]', files=FILES
    )
    digests = []
    for where in ("host", engine):
        # Without it on PATH, the container compiles the code too.
        tools = tmp_path / f"tools-{where}"
        tools.mkdir()
        path = f"{debian.parent}{os.pathsep}{os.environ['PATH']}" if where == "host" else str(tools)
        environment = {
            **engine_environment(where),
            "PATH": path if where == "host" else os.pathsep.join((path, "/usr/sbin", "/sbin")),
            "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / f"cache-{where}"),
            "LAMBDA_BACKEND_VERBOSE": "1",
        }
        if where == "podman":
            (tools / "podman").symlink_to(_found("podman"))
        outcome = machine.build(made, out=tmp_path / where, env=environment, python=_not("3.11"))
        digests.append({item["name"]: item["content_digest"] for item in manifest(tmp_path / where)["artifacts"]})
        versions = {line.strip() for line in outcome.log.splitlines() if line.strip().startswith("by cpython-")}
        assert len(versions) == 1, versions
        digests[-1]["version"] = versions.pop()
    if digests[0]["version"] != digests[1]["version"]:
        unavailable(f"here and in the image are two versions: {digests[0]['version']}, {digests[1]['version']}")
    assert digests[0] == digests[1]


def _not(version: str) -> str:
    return HERE if version != HERE else "3.12"


def _found(name: str) -> str:
    import shutil

    return shutil.which(name) or name


@pytest.mark.parametrize("engine", ENGINES)
def test_what_commands_leave_is_compiled(engine: str, machine: Machine, tmp_path: Path) -> None:
    bundling = (
        "\n[tool.lambda.bundling]\n"
        'after = ["echo \'edited = 1\' >> $LAMBDA_OUTPUT_DIR/tiny/app.py", "touch $LAMBDA_OUTPUT_DIR/made.py"]\n'
    )
    table = '[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"\nbytecode = true\n' + bundling
    files = {"requirements.txt": "idna==3.6\n", "tiny/app.py": "def handler(event, context):\n    return edited\n"}
    made = project(tmp_path / "tiny", table, dependencies='["idna"]', files=files)
    machine.build(made, env={**engine_environment(engine), "PATH": path_with("3.13")})
    members = names(made / "dist", "function")
    assert {"__pycache__/made.cpython-313.pyc", "idna/__pycache__/core.cpython-313.pyc"} <= members
    (zipped,) = (made / "dist").glob("*.zip")
    assert invoke(zipped, "tiny.app.handler", {}, python="3.13").payload == 1
    installed_problems(zipped, "3.13")


def test_a_pattern_of_the_user_s_wins(machine: Machine, tmp_path: Path) -> None:
    table = TABLE.replace("bytecode = true", 'bytecode = true\nexclude = ["tiny/__pycache__/", "idna/**/*.pyc"]')
    made = project(tmp_path / "tiny", table, dependencies='["idna", "attrs", "shared"]', files=FILES)
    machine.build(made, env={"PATH": path_with("3.13")})
    compiled = {path for path in names(made / "dist", "alone") if path.endswith(".pyc")}
    assert "attr/__pycache__/_make.cpython-313.pyc" in compiled
    assert not any(path.startswith(("tiny/", "idna/")) for path in compiled)


def test_without_a_python_it_says_what_to_do(machine: Machine, tmp_path: Path) -> None:
    version = "3.13" if HERE != "3.13" else "3.12"
    table = f'[tool.lambda]\nruntime = "python{version}"\nhandler = "tiny.app.handler"\nbytecode = true\n'
    made = project(tmp_path / "tiny", table)
    environment = {
        "PATH": str(tmp_path),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_PYTHON_INSTALL_DIR": str(tmp_path / "none"),
        "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache"),
    }
    outcome = machine.build(made, env=environment, check=False)
    assert outcome.exit_code != 0
    assert f"tool.lambda: bytecode is compiled by a Python {version}, and there is none on PATH" in outcome.message
    assert f"uv python install {version}" in outcome.message
    assert "bytecode = false" in outcome.message
    assert "Traceback" not in outcome.log
    assert not list((made / "dist").glob("*"))


def test_the_example_starts_in_less_time(machine: Machine, tmp_path: Path) -> None:
    """Processor time, since the machine has other things to do; both ways by turns."""
    made = example("api", tmp_path / "api")
    roots = {}
    for kind in ("false", "true"):
        out = tmp_path / kind
        environment = {"PATH": path_with("3.13"), "LAMBDA_BACKEND_BYTECODE": kind}
        machine.build(made, out=out, env=environment)
        roots[kind] = tmp_path / f"task-{kind}"
        (zipped,) = out.glob("*.zip")
        unpack(zipped, roots[kind])
    text = "import shop.api, time; print(time.process_time())"
    argv = [str(require_interpreter("3.13")), "-S", "-B", "-c", text]
    seconds: dict[str, list[float]] = {kind: [] for kind in roots}
    for _ in range(6):
        for kind, root in roots.items():
            done = subprocess.run(argv, cwd=root, env={"PATH": ""}, capture_output=True, text=True, check=True)
            seconds[kind].append(float(done.stdout))
    medians = {kind: statistics.median(found[1:]) for kind, found in seconds.items()}  # the first one reads the disk
    print(medians, file=sys.stderr)  # noqa: T201 - for those who ask pytest for it
    assert medians["true"] < 0.6 * medians["false"], seconds
