"""A wheel that is used again is, byte for byte, the one that setuptools would make."""

from __future__ import annotations

import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.helpers.machine import manifest, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.helpers.machine import Machine

HOOK = """
import sys
import lambda_backend
lambda_backend.build_wheel(sys.argv[1])
"""
EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}
PYPROJECT = """\
[build-system]
requires = ["lambda-backend"]
build-backend = "lambda_backend"

[project]
name = "tiny"
version = "1.0.0"
readme = "README.md"
requires-python = ">=3.10"
license-files = ["LICENSE"]

[project.scripts]
tiny = "tiny.app:main"

[tool.setuptools.package-data]
"*" = ["*.json"]

[tool.lambda]
runtime = "python3.13"
handler = "tiny.app.handler"
"""
APP = "def handler(event, context):\n    return event\n\n\ndef main():\n    pass\n"
FILES = {
    "pyproject.toml": PYPROJECT,
    "README.md": "# Tiny\n",
    "LICENSE": "All rights reserved.\n",
    "src/tiny/__init__.py": "",
    "src/tiny/app.py": APP,
    "src/tiny/inner/__init__.py": "",
    "src/tiny/inner/other.py": "x = 1\n",
    "src/tiny/inner/same.py": "x = 1\n",
    "src/tiny/inner/data.json": "{}\n",
    "notes/todo.txt": "nothing\n",
}


def append(name: str, text: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((path.read_text("utf-8") if path.exists() else "") + text, "utf-8")

    return change


def replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        text = (root / name).read_text("utf-8")
        assert old in text
        (root / name).write_text(text.replace(old, new), "utf-8")

    return change


def nothing(root: Path) -> None:
    del root


def touched(root: Path) -> None:
    (root / "src/tiny/app.py").touch()


def two_modules(root: Path) -> None:
    append("src/tiny/app.py", "# café\n")(root)
    (root / "src/tiny/inner/other.py").write_text("", "utf-8")


def cleaned(root: Path) -> None:
    for name in ("build", "dist", "src/tiny/__pycache__"):
        shutil.rmtree(root / name, ignore_errors=True)


# Names of the cases, and what is done between two builds.
WITHOUT_SETUPTOOLS = {
    "nothing": nothing,
    "a module": append("src/tiny/app.py", "# edited\n"),
    "an empty module": append("src/tiny/__init__.py", "# no longer\n"),
    "one of two equal modules": append("src/tiny/inner/same.py", "# differs\n"),
    "two modules": two_modules,
    "a time stamp": touched,
    "what is beside the project": append("notes/todo.txt", "more\n"),
    "what builds leave": cleaned,
}
WITH_SETUPTOOLS = {
    "a new module": append("src/tiny/new.py", "y = 2\n"),
    "a new package": append("src/tiny/more/__init__.py", ""),
    "a new package of a name that builds use": append("src/tiny/build/__init__.py", ""),
    "a new top-level package": append("src/other/__init__.py", ""),
    "a new top-level module": append("src/single.py", ""),
    "a module is gone": lambda root: (root / "src/tiny/inner/other.py").unlink(),
    "a module is renamed": lambda root: (root / "src/tiny/inner/other.py").rename(root / "src/tiny/inner/new.py"),
    "data": append("src/tiny/inner/data.json", "\n"),
    "new data": append("src/tiny/py.typed", ""),
    "modules that are executable": lambda root: (root / "src/tiny/inner/data.json").chmod(0o755),
    "the licence": append("LICENSE", "No, none.\n"),
    "another licence": append("src/tiny/LICENSE", "Mine.\n"),
    "the readme": append("README.md", "More.\n"),
    "the description": replace("pyproject.toml", 'version = "1.0.0"', 'version = "1.0.0"\ndescription = "Tiny"'),
    "the version": replace("pyproject.toml", 'version = "1.0.0"', 'version = "1.0.1"'),
    "a manifest template": append("MANIFEST.in", "include src/tiny/inner/*.json\n"),
    "a setup.py": append("setup.py", "from setuptools import setup\nsetup()\n"),
    "a setup.cfg": append("setup.cfg", "[bdist_wheel]\npython_tag = py39\n"),
}


def hook(machine: Machine, root: Path, out: Path, env: dict[str, str | None]) -> bool:
    """Call the hook; whether setuptools ran."""
    out.mkdir(exist_ok=True)
    return "running bdist_wheel" in machine.run([machine.python(), "-c", HOOK, out], cwd=root, env=env).log


def wheel(folder: Path) -> Path:
    (found,) = folder.glob("*.whl")
    return found


def contents(path: Path) -> dict[str, tuple[int, bytes]]:
    with zipfile.ZipFile(path) as archive:
        return {info.filename: (info.external_attr, archive.read(info)) for info in archive.infolist()}


def changed_and_built(
    change: Callable[[Path], None], machine: Machine, tmp_path: Path, env: dict[str, str | None]
) -> tuple[bool, Path, Path]:
    """Whether setuptools ran after a change, the wheel that came of it, and setuptools' own wheel."""
    root = write(tmp_path / "tiny", FILES)
    cache = {**env, "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")}
    assert hook(machine, root, tmp_path / "first", cache)
    change(root)
    alone = tmp_path / "alone"
    shutil.copytree(root, alone)
    shutil.rmtree(alone / "src/tiny.egg-info")
    ran = hook(machine, root, root / "dist", cache)
    hook(machine, alone, tmp_path / "expected", {**env, "LAMBDA_BACKEND": "off"})
    return ran, wheel(root / "dist"), wheel(tmp_path / "expected")


def test_what_setuptools_refuses(machine: Machine, tmp_path: Path) -> None:
    """It runs beside other work, and its error is the build's."""
    root = write(tmp_path / "tiny", FILES)
    append("pyproject.toml", '\n[tool.setuptools]\npackages = ["gone"]\n')(root)
    text = (root / "pyproject.toml").read_text("utf-8").replace("[tool.setuptools.package-data]", "[tool.other]")
    (root / "pyproject.toml").write_text(text, "utf-8")
    (root / "dist").mkdir()
    outcome = machine.run([machine.python(), "-c", HOOK, root / "dist"], cwd=root, check=False)
    assert outcome.exit_code == 1
    error = "error: the wheel backend setuptools.build_meta failed in build_wheel: error: package directory 'gone'"
    assert outcome.log.count(error) == 1
    assert "Traceback" not in outcome.log
    assert list((root / "dist").iterdir()) == []


@pytest.mark.parametrize("name", WITHOUT_SETUPTOOLS)
def test_what_needs_no_setuptools(name: str, machine: Machine, tmp_path: Path) -> None:
    ran, made, expected = changed_and_built(WITHOUT_SETUPTOOLS[name], machine, tmp_path, {**EPOCH})
    assert not ran
    assert made.name == expected.name
    assert made.read_bytes() == expected.read_bytes()


@pytest.mark.parametrize("name", WITH_SETUPTOOLS)
def test_what_setuptools_has_to_see(name: str, machine: Machine, tmp_path: Path) -> None:
    ran, made, expected = changed_and_built(WITH_SETUPTOOLS[name], machine, tmp_path, {**EPOCH})
    assert ran
    assert made.name == expected.name
    assert contents(made) == contents(expected)


def test_without_an_epoch_members_have_the_time_of_their_source(machine: Machine, tmp_path: Path) -> None:
    ran, made, expected = changed_and_built(append("src/tiny/app.py", "# edited\n"), machine, tmp_path, {})
    assert not ran
    assert contents(made) == contents(expected)
    with zipfile.ZipFile(made) as one, zipfile.ZipFile(expected) as other:
        name = "tiny/app.py"
        assert one.getinfo(name).date_time == other.getinfo(name).date_time


def test_the_function_has_the_edited_module(machine: Machine, tmp_path: Path) -> None:
    root = write(tmp_path / "tiny", FILES)
    env = {"LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")}
    hook(machine, root, root / "dist", env)
    before = manifest(root / "dist")["artifacts"][0]["content_digest"]
    append("src/tiny/app.py", "# edited\n")(root)
    assert not hook(machine, root, root / "dist", env)
    (made,) = manifest(root / "dist")["artifacts"]
    assert made["content_digest"] != before
    with zipfile.ZipFile(root / "dist" / made["file"]) as archive:
        assert archive.read("tiny/app.py").decode() == APP + "# edited\n"


@pytest.mark.parametrize("file", ["wheel.whl", "record.json"])
def test_a_damaged_cache_is_noticed(file: str, machine: Machine, tmp_path: Path) -> None:
    root = write(tmp_path / "tiny", FILES)
    env = {**EPOCH, "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")}
    hook(machine, root, tmp_path / "first", env)
    (kept,) = (tmp_path / "cache/v1/own-wheels").rglob(file)
    kept.write_bytes(kept.read_bytes()[:-40] + b"0" * 20)
    assert hook(machine, root, tmp_path / "second", env)
    assert wheel(tmp_path / "first").read_bytes() == wheel(tmp_path / "second").read_bytes()
    assert not hook(machine, root, tmp_path / "third", env)


SCRIPT = '[tool.setuptools]\nscript-files = ["src/tiny/app.py"]'


@pytest.mark.parametrize(
    ("table", "files"),
    [
        ('dynamic = ["version"]\n[tool.setuptools.dynamic]\nversion = {attr = "tiny.__version__"}', {}),
        ("", {"setup.py": "import setuptools\nsetuptools.setup()\n"}),
    ],
)
def test_what_runs_code_of_the_project_is_built_each_time(
    table: str, files: dict[str, str], machine: Machine, tmp_path: Path
) -> None:
    text = PYPROJECT.replace('version = "1.0.0"\n', "") if table else PYPROJECT
    text = text.replace("license-files", f"{table.partition(chr(10))[0]}\nlicense-files")
    text += table.partition("\n")[2]
    version = {"src/tiny/__init__.py": '__version__ = "1.0.0"\n'}
    root = write(tmp_path / "tiny", {**FILES, "pyproject.toml": text, **version, **files})
    env = {"LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")}
    for _ in range(2):
        assert hook(machine, root, root / "dist", env)


def test_a_module_that_is_a_script_too(machine: Machine, tmp_path: Path) -> None:
    text = PYPROJECT.replace("[tool.setuptools.package-data]", f"{SCRIPT}\n\n[tool.setuptools.package-data]")
    app = f"#!/usr/bin/python\n{APP}"
    root = write(tmp_path / "tiny", {**FILES, "pyproject.toml": text, "src/tiny/app.py": app})
    env = {**EPOCH, "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")}
    hook(machine, root, root / "dist", env)
    append("src/tiny/app.py", "# edited\n")(root)
    assert hook(machine, root, root / "dist", env)
    made = contents(wheel(root / "dist"))
    assert all(data.endswith(b"# edited\n") for name, (_, data) in made.items() if name.endswith("app.py"))


def test_a_date_in_the_settings_of_others(machine: Machine, tmp_path: Path) -> None:
    text = f"{PYPROJECT}\n[tool.other]\nsince = 2024-01-01\nratio = nan\n"
    root = write(tmp_path / "tiny", {**FILES, "pyproject.toml": text})
    env = {"LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")}
    assert hook(machine, root, root / "dist", env)
    assert not hook(machine, root, root / "dist", env)


def test_a_configuration_of_the_user(machine: Machine, tmp_path: Path) -> None:
    root = write(tmp_path / "tiny", FILES)
    home = write(tmp_path / "home", {"readme.txt": ""})
    env = {"LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache"), "HOME": str(home)}
    hook(machine, root, root / "dist", env)
    assert not hook(machine, root, root / "dist", env)
    write(home, {".pydistutils.cfg": "[bdist_wheel]\nbuild_number = 7\n"})
    assert hook(machine, root, root / "dist", env)
    assert (root / "dist/tiny-1.0.0-7-py3-none-any.whl").exists()


def test_a_plugin_of_setuptools_may_do_anything(machine: Machine, tmp_path: Path) -> None:
    root = write(tmp_path / "tiny", FILES)
    plugin = write(
        tmp_path / "plugins",
        {
            "plug-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: plug\nVersion: 1.0\n",
            "plug-1.0.dist-info/entry_points.txt": "[setuptools.finalize_distribution_options]\nplug = plug:finalize\n",
            "plug.py": "def finalize(dist):\n    print('plugged')\n",
        },
    )
    env = {"LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")}
    hook(machine, root, root / "dist", env)
    assert not hook(machine, root, root / "dist", env)
    with_plugin = {**env, "PYTHONPATH": str(plugin)}
    for _ in range(2):
        outcome = machine.run([machine.python(), "-c", HOOK, root / "dist"], cwd=root, env=with_plugin)
        assert "plugged" in outcome.log.splitlines()


def test_a_branch_that_is_switched_back(machine: Machine, tmp_path: Path) -> None:
    root = write(tmp_path / "tiny", FILES)
    env = {**EPOCH, "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")}
    hook(machine, root, tmp_path / "first", env)
    text = (root / "src/tiny/app.py").read_text("utf-8")
    append("src/tiny/app.py", "# other branch\n")(root)
    hook(machine, root, tmp_path / "other", env)
    (root / "src/tiny/app.py").write_text(text, "utf-8")
    hook(machine, root, tmp_path / "again", env)
    assert wheel(tmp_path / "first").read_bytes() == wheel(tmp_path / "again").read_bytes()
    assert wheel(tmp_path / "first").read_bytes() != wheel(tmp_path / "other").read_bytes()
