"""``bundling.image`` as a table, through a whole build: sdist, wheel from it, artefact, cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.engine_answers import engine_environment
from tests.helpers.interpreters import require_interpreter
from tests.helpers.machine import artifacts, manifest, project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.helpers.machine import Machine, Outcome

pytestmark = [pytest.mark.engine, pytest.mark.network]

BASE = "public.ecr.aws/sam/build-python3.13:latest-x86_64"
THROUGH_SDIST = ("--verbose",)  # any argument but --wheel
BUILDING = "building the image of Containerfile"
SECRET = "s3cr3t-of-an-index"  # noqa: S105 - what must not show
C = """\
#include <Python.h>
#include <factor.h>

static PyObject *factor(PyObject *self, PyObject *unused) { return PyLong_FromLong(FACTOR); }
static PyMethodDef methods[] = {{"factor", factor, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "scaled", NULL, -1, methods};
PyMODINIT_FUNC PyInit_scaled(void) { return PyModule_Create(&module); }
"""
SCALED = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "scaled"
version = "1.0"

[tool.setuptools]
ext-modules = [{ name = "scaled", sources = ["scaled.c"] }]
"""
TABLE = """
[tool.lambda]
runtime = "python3.13"
handler = "tiny.app.handler"
exclude = ["*.c"]

[tool.lambda.bundling]
image = { context = "docker/${FOLDER:-image}", target = "lib" }
build-args = { LIBRARY = "factor", TOKEN = "${TOKEN}", PIP_EXTRA_INDEX_URL = "${EXTRA:-}" }
"""


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> str:
    engine_environment(request.param)
    return str(request.param)


@pytest.fixture
def folder(engine: str, tmp_path: Path) -> Iterator[Path]:
    """A project with a dependency in C that needs a header, which only its own image has."""
    label = f"test={tmp_path.name}-{os.getpid()}"
    containerfile = f"""\
FROM {BASE} AS lib
ARG LIBRARY
COPY *.h /usr/include/
RUN test -f /usr/include/$LIBRARY.h
LABEL {label}

FROM lib
RUN exit 1
"""
    files = {
        "docker/image/Containerfile": containerfile,
        "docker/image/factor.h": "#define FACTOR 21\n",
        "docker/image/notes.md": "left out\n",
        "docker/image/.containerignore": "*.md\n",
        "requirements.txt": "./vendor/scaled\n",
        "vendor/scaled/pyproject.toml": SCALED,
        "vendor/scaled/scaled.c": C,
    }
    yield project(tmp_path / "project", TABLE, dependencies='["scaled"]', files=files)
    program = "/usr/bin/docker" if engine == "docker" and Path("/usr/bin/docker").exists() else engine
    listed = subprocess.run(
        [program, "images", "--quiet", "--filter", f"label={label}"], capture_output=True, text=True, check=True
    )
    if images := dict.fromkeys(listed.stdout.split()):  # the newest first, which lie on the others
        subprocess.run([program, "rmi", "--force", *images], capture_output=True, check=True)


def build(machine: Machine, folder: Path, engine: str, *arguments: str, check: bool = True, **env: str) -> Outcome:
    shutil.rmtree(folder / "dist", ignore_errors=True)
    variables = {
        **engine_environment(engine),
        "LAMBDA_BACKEND_CACHE_DIR": str(folder.parent / "cache"),
        "LAMBDA_BACKEND_VERBOSE": "1",
        "TOKEN": SECRET,
        **env,
    }
    return machine.build(folder, *arguments, env=variables, check=check)


def factor(folder: Path) -> int:
    """What the compiled dependency in the zip says."""
    (path,) = (folder / "dist").glob("*-function-*.zip")
    unpacked = folder.parent / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(unpacked)  # noqa: S202 - made just now
    python = require_interpreter("3.13")
    argv = [str(python), "-c", "import scaled; print(scaled.factor())"]
    done = subprocess.run(argv, env={"PYTHONPATH": str(unpacked)}, capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_a_dependency_compiles_in_the_project_s_own_image(machine: Machine, folder: Path, engine: str) -> None:
    first = build(machine, folder, engine, *THROUGH_SDIST)
    assert first.log.count(BUILDING) == 1
    assert factor(folder) == 21
    with tarfile.open(next((folder / "dist").glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"docker/image/{name}" for name in ("Containerfile", "factor.h", ".containerignore")} <= names
    assert "docker/image/notes.md" not in names
    (artifact,) = manifest(folder / "dist")["artifacts"]
    assert artifact["image"]["reference"].startswith("lambda-backend/own-amd64:")
    made = artifacts(folder / "dist")

    # The source tree, another token, another file that is left out, code that changed: no image, no compiler.
    (folder / "docker/image/notes.md").write_text("other notes\n")
    again = build(machine, folder, engine, TOKEN="another")  # noqa: S106 - none
    assert artifacts(folder / "dist") == made
    assert BUILDING not in again.log
    assert "starting a container" not in again.log
    (folder / "tiny/app.py").write_text("def handler(event, context):\n    return 1\n")
    again = build(machine, folder, engine)
    assert artifacts(folder / "dist") != made
    assert "starting a container" not in again.log

    # What the image is made of: both.
    (folder / "docker/image/factor.h").write_text("#define FACTOR 42\n")
    changed = build(machine, folder, engine)
    assert changed.log.count(BUILDING) == 1
    assert factor(folder) == 42

    # No secret in a log, the cache or what ships.
    assert SECRET not in first.log + again.log + changed.log
    for path in [*folder.parent.joinpath("cache").rglob("*"), *folder.joinpath("dist").iterdir()]:
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()


def test_a_build_that_fails_ends_ours_with_its_last_lines(machine: Machine, folder: Path, engine: str) -> None:
    containerfile = folder / "docker/image/Containerfile"
    containerfile.write_text(f'FROM {BASE} AS lib\nARG TOKEN\nRUN echo "the token is $TOKEN" && exit 9\n')
    failed = build(machine, folder, engine, check=False)
    assert failed.exit_code != 0
    assert "tool.lambda.bundling.image: " in failed.message
    assert "the token is ***" in failed.message
    assert "mend Containerfile" in failed.message
    assert SECRET not in failed.log
    assert "Traceback" not in failed.log
    assert not list(folder.glob("dist/*"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"FOLDER": "none"}, "tool.lambda.bundling.image.context: there is no folder 'docker/none'"),
        ({"FOLDER": "../.."}, 'tool.lambda.bundling.image.context: "docker/../.." leaves the project'),
        ({"TOKEN": None}, "tool.lambda.bundling.build-args.TOKEN: the environment variable TOKEN is not set"),
    ],
)
@pytest.mark.parametrize("engine", ["docker"], indirect=True)  # which is not asked
def test_what_is_missing_is_told_by_its_key(
    machine: Machine, folder: Path, engine: str, changes: dict[str, str], message: str
) -> None:
    failed = build(machine, folder, engine, check=False, **changes)
    assert failed.exit_code != 0
    assert message in failed.message


def test_an_image_with_another_python_is_told_by_its_key(machine: Machine, folder: Path, engine: str) -> None:
    text = (folder / "docker/image/Containerfile").read_text()
    (folder / "docker/image/Containerfile").write_text(text.replace("python3.13", "python3.11"))
    failed = build(machine, folder, engine, check=False)
    assert failed.exit_code != 0
    assert "tool.lambda.bundling.image: " in failed.message
    assert "no Python 3.13 " in failed.message
    assert "python3: 3.11" in failed.message


def test_build_arguments_say_where_tools_come_from(machine: Machine, folder: Path, engine: str) -> None:
    """Without an image of the project's own: the uv in ours comes from the index that they name."""
    text = (folder / "pyproject.toml").read_text()
    changed = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(("image", "build-args")))
    args = 'build-args = { PIP_INDEX_URL = "http://user:${TOKEN}@localhost:1/simple", PIP_RETRIES = "0" }'
    (folder / "pyproject.toml").write_text(f'{changed}{args}\ntools.uv = "0.13.8"\n')
    failed = build(machine, folder, engine, check=False)
    assert failed.exit_code != 0
    assert "uv 0.13.8 cannot be fetched" in failed.message
    assert SECRET not in failed.log


def test_secret_files_are_mounted_while_the_image_is_built(machine: Machine, folder: Path, engine: str) -> None:
    text = (folder / "docker/image/Containerfile").read_text()
    step = f"RUN --mount=type=secret,id=token grep -q {SECRET[:6]} /run/secrets/token && cat /run/secrets/token"
    (folder / "docker/image/Containerfile").write_text(text.replace("ARG LIBRARY", f"{step}\nARG LIBRARY"))
    (folder.parent / "token").write_text(f"{SECRET}\n")
    with (folder / "pyproject.toml").open("a") as file:
        file.write('secrets = [{ id = "token", source = "${TOKEN_FILE}" }]\n')
    done = build(machine, folder, engine, TOKEN_FILE=str(folder.parent / "token"))
    assert done.log.count(BUILDING) == 1
    assert factor(folder) == 21
    # The step prints it; the log does not.
    assert SECRET not in done.log
