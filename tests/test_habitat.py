"""The project's own rules, held against the project."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "lambda_backend"
MODULES = sorted(PACKAGE.rglob("*.py"))
MODULE_LINES = 400
FUNCTION_LINES = 60

# Written in parts, for this file is searched too.
REGISTRIES = re.compile(r"\b(?:test\.)?pypi\.(?:org)\b|\bfiles\.python(?:hosted)\.org\b|\bcrates\.(?:io)\b")
HOMES = re.compile(r"(?<![\w.~}-])(?:/root|/work|/home/(?!build\b)\w+|/Users/\w+|[A-Z]:\\Users\\\w+)(?=[/\\])")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def files() -> tuple[Path, ...]:
    """What is, or could be, committed."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no git checkout, so nobody knows which files are the project's")
    argv = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(argv, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return tuple(path for name in names if name and (path := ROOT / name).is_file())


def texts() -> Iterator[tuple[str, str]]:
    for path in files():
        yield name_of(path), path.read_bytes().decode("utf-8", "replace")


@pytest.mark.parametrize(
    "command",
    ["ruff check", "ruff format --check", "mypy", "lint-imports"],
)
def test_tool_is_content(command: str) -> None:
    name, *arguments = command.split()
    beside = str(Path(sys.executable).parent)
    tool = shutil.which(name, path=os.pathsep.join((beside, os.environ.get("PATH", os.defpath))))
    if tool is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed, and CI has to run it")
        pytest.skip(f"{name} is not installed (dependency group lint)")
    environ = os.environ | {"NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([tool, *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_modules_and_functions_are_small() -> None:
    long = []
    for path in MODULES:
        text = path.read_text("utf-8")
        if len(text.splitlines()) >= MODULE_LINES:
            long.append(name_of(path))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                described = len((ast.get_docstring(node, clean=False) or "").splitlines())
                lines = (node.end_lineno or 0) - node.lineno + 1 - described
                if lines >= FUNCTION_LINES:
                    long.append(f"{name_of(path)}: {node.name} has {lines} lines")
    assert long == []


def test_only_the_edges_know_the_process() -> None:
    """Environment and working folder are passed in."""
    edges = {PACKAGE / "hooks.py", *(PACKAGE / "cli").rglob("*.py")}
    found = [
        f"{name_of(path)}:{line}: {what}"
        for path in MODULES
        if path not in edges
        for line, what in uses_of_the_process(ast.parse(path.read_text("utf-8")))
    ]
    assert found == []


def uses_of_the_process(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            whole = ast.unparse(node)
            if whole in {"os.environ", "os.environb", "os.getenv", "os.getcwd", "Path.cwd"}:
                yield node.lineno, whole
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            for alias in node.names:
                if alias.name in {"environ", "environb", "getenv", "getcwd"}:
                    yield node.lineno, f"os.{alias.name}"


def test_no_registry_is_named() -> None:
    """Where packages come from is the reader's to say, and a mirror's name is nobody's business."""
    assert [name for name, text in texts() if REGISTRIES.search(text)] == []


def test_no_machine_is_named() -> None:
    places = ((name, found) for name, text in texts() for found in HOMES.findall(text))
    assert list(places) == []


def test_one_containerfile() -> None:
    """Read on GitHub at the top, shipped from the package."""
    link = ROOT / "Containerfile"
    copies = [path for path in files() if path.name == "Containerfile" and path.is_relative_to(PACKAGE)]
    assert len(copies) == 1
    assert link.is_symlink()
    assert not link.readlink().is_absolute()
    assert link.resolve() == copies[0].resolve()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own wheel, made by its own backend from a copy: setuptools leaves build/ beside what it builds."""
    source = tmp_path_factory.mktemp("source")
    for path in files():
        if path.is_relative_to(PACKAGE) or path.parent == ROOT:
            target = source / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target, follow_symlinks=False)
    made = tmp_path_factory.mktemp("dist")
    script = "import lambda_backend, sys; print(lambda_backend.build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", script, str(made)],
        cwd=source,
        env={name: value for name, value in os.environ.items() if not name.startswith("COV_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = made.iterdir()
    assert path.name == done.stdout.splitlines()[-1]
    return path


def test_the_wheel_is_complete(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    there = {name.rpartition("/")[2] for name in names if name.startswith("lambda_backend/")}
    assert {"runtimes.toml", "schema.json", "Containerfile", "page.html", "page.css", "page.js", "py.typed"} <= there
    assert {name_of(path) for path in MODULES} <= set(names)
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"lambda_backend"}


def test_the_wheel_names_its_extras(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(name).decode()
    assert set(re.findall(r"^Provides-Extra: (.+)$", text, re.MULTILINE)) == {
        *("install", "docker", "uv", "sbom", "cli", "all")
    }


@pytest.mark.parametrize("pyproject", sorted(ROOT.glob("examples/*/pyproject.toml")), ids=lambda path: path.parent.name)
def test_examples_are_valid(pyproject: Path) -> None:
    """By the plugin that our entry point gives to validate-pyproject, not by our own parser."""
    pytest.importorskip("validate_pyproject", reason="validate-pyproject is not installed (dependency group test)")
    from validate_pyproject.api import Validator
    from validate_pyproject.plugins import list_from_entry_points

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    plugins = list_from_entry_points()
    assert "lambda" in {plugin.tool for plugin in plugins}
    document = tomllib.loads(pyproject.read_text("utf-8"))
    assert "lambda" in document["tool"]
    Validator(plugins=plugins)(document)
