"""What a frontend is asked to install for a build."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambda_backend import pipeline
from lambda_backend.pipeline import Build

ROOT = Path(__file__).parents[2]
TABLE = """
[build-system]
requires = ["lambda-backend"]
[project]
name = "x"
version = "1"
dependencies = {dependencies}
[tool.lambda]
runtime = "python3.13"
handler = "x.handler"
wheel-backend = "flit_core.buildapi"
engine = "{engine}"
{more}
"""


INSTALLING = {"filelock", "pyelftools"}


def asked(root: Path, engine: str, environ: dict[str, str], dependencies: str = '["six"]', more: str = "") -> set[str]:
    (root / "pyproject.toml").write_text(TABLE.format(engine=engine, dependencies=dependencies, more=more))
    found = Build.load(root, {}, {"HOME": str(root), "PATH": str(root), **environ}).requires_for_wheel()
    return {line.partition(">")[0] for line in found}


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        ("host", {"uv", *INSTALLING}),
        ("docker", {"docker", *INSTALLING}),
        ("podman", INSTALLING),
        ("auto", {"docker", "uv", *INSTALLING}),
    ],
)
def test_by_engine(tmp_path: Path, engine: str, expected: set[str]) -> None:
    # With auto an engine may answer and yet have no build image: the host takes over, and needs uv.
    assert asked(tmp_path, engine, {"DOCKER_HOST": "tcp://127.0.0.1:9"}) == expected


def test_auto_without_an_engine(tmp_path: Path) -> None:
    assert asked(tmp_path, "auto", {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"}) >= {"uv"}


@pytest.mark.parametrize("environ", [{"LAMBDA_BACKEND": "off"}, {"PIP_BUILD_TRACKER": "x"}])
def test_nothing_where_nothing_is_packaged(tmp_path: Path, environ: dict[str, str]) -> None:
    assert asked(tmp_path, "host", environ, more="sbom = true") == set()


@pytest.mark.parametrize(("dependencies", "expected"), [("[]", set()), ('["six"]', {"uv", *INSTALLING})])
def test_a_library_for_bills_of_materials(tmp_path: Path, dependencies: str, expected: set[str]) -> None:
    library = {"cyclonedx-python-lib"}
    assert asked(tmp_path, "host", {}, dependencies=dependencies, more="sbom = true") == expected | library
    assert asked(tmp_path, "host", {"LAMBDA_BACKEND_SBOM": "true"}, dependencies=dependencies) == expected | library
    environ = {"LAMBDA_BACKEND_SBOM": "off"}
    assert asked(tmp_path, "host", environ, dependencies=dependencies, more="sbom = true") == expected


def test_nothing_where_nothing_is_installed(tmp_path: Path) -> None:
    assert asked(tmp_path, "host", {}, dependencies="[]") == set()


def test_commands_run_in_the_engine_too(tmp_path: Path) -> None:
    more = 'bundling.after = ["true"]'
    assert asked(tmp_path, "docker", {"DOCKER_HOST": "tcp://127.0.0.1:9"}, dependencies="[]", more=more) == {
        "docker",
        *INSTALLING,
    }


@pytest.mark.parametrize("place", ["x", "x/inner", ".venv", "environment", "node_modules"])
def test_compiled_code_of_the_project_has_to_be_read(tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "tool").write_text("#!/bin/sh\n")
    (tmp_path / place / "tool.py").write_bytes(b"\x7fELF")
    (tmp_path / "environment").mkdir(exist_ok=True)
    (tmp_path / "environment/pyvenv.cfg").touch()
    assert asked(tmp_path, "host", {}, dependencies="[]") == set()
    (tmp_path / place / "tool").write_bytes(b"\x7fELF\2\1\1")
    ships = place.startswith("x")
    assert asked(tmp_path, "host", {}, dependencies="[]") == ({"pyelftools"} if ships else set())


def test_what_is_wrong_is_told_by_the_build(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("./gone\n")
    assert asked(tmp_path, "host", {}, dependencies="[]") >= {"pyelftools"}


def test_what_is_asked_for_is_what_the_extras_bring() -> None:
    """An isolated build and a person who installs an extra get the same versions."""
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    extras = {line.partition(" = ")[0]: line.partition(" = ")[2] for line in lines if line.endswith('"]')}
    assert extras["install"] == f'["{pipeline._FOR_LOCKS}", "{pipeline._FOR_COMPILED_CODE}"]'
    assert extras["docker"] == f'["{pipeline._REQUIREMENTS["docker"]}", "lambda-backend[install]"]'
    assert extras["uv"] == f'["{pipeline._REQUIREMENTS["host"]}", "lambda-backend[install]"]'
    assert extras["sbom"] == f'["{pipeline._FOR_SBOM}"]'


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("setup.py", "import setuptools; setuptools.setup(setup_requires=['six'])"),
        ("setup.cfg", "[options]\nsetup_requires = six"),
    ],
)
def test_what_setuptools_is_told_to_ask_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\n')
    environ = {"HOME": str(tmp_path)}
    (tmp_path / "setup.cfg").write_text("[egg_info]\ntag_build = \ntag_date = 0\n")  # as in each sdist
    for hook in ("wheel", "sdist", "editable"):
        assert Build.load(tmp_path, {}, environ).requires(f"get_requires_for_build_{hook}") == []
    (tmp_path / file).write_text(text)
    for hook in ("wheel", "sdist", "editable"):
        assert Build.load(tmp_path, {}, environ).requires(f"get_requires_for_build_{hook}") == ["six"]


def test_bytecode_may_need_a_python_of_theirs(tmp_path: Path) -> None:
    assert asked(tmp_path, "host", {}, dependencies="[]", more="bytecode = true") == {"uv", *INSTALLING}
