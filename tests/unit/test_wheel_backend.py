from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambda_backend.documents import read_toml
from lambda_backend.errors import WheelBackendError
from lambda_backend.wheel_backend import SETUPTOOLS, SETUPTOOLS_REQUIREMENT, WheelBackend

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Makes a module that can be imported."""

    def make(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, name, raising=False)

    return make


@pytest.fixture
def hide(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes an environment without a package."""

    def hidden(package: str) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == package]:
            monkeypatch.delitem(sys.modules, name)

        class Hidden:
            def find_spec(self, name: str, *_: object) -> None:
                if name.partition(".")[0] == package:
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        monkeypatch.setattr(sys, "meta_path", [Hidden(), *sys.meta_path])

    return hidden


@pytest.fixture
def without_setuptools(hide: Callable[[str], None]) -> None:
    """An environment as an isolated build has at first."""
    hide("setuptools")


@pytest.mark.usefixtures("without_setuptools")
def test_setuptools_is_not_looked_at_for_its_hooks() -> None:
    assert not WheelBackend(SETUPTOOLS).installed
    for name in (SETUPTOOLS, f"{SETUPTOOLS}:__legacy__"):
        assert WheelBackend(name).has("build_editable")


@pytest.mark.usefixtures("without_setuptools")
def test_setuptools_missing_without_isolation() -> None:
    with pytest.raises(WheelBackendError) as error:
        WheelBackend(SETUPTOOLS).call("build_wheel", "dist")
    assert error.value.message == (
        'tool.lambda.wheel-backend: "setuptools.build_meta" cannot be imported: no module setuptools'
    )
    assert error.value.hint is not None
    assert error.value.hint.startswith("add setuptools to build-system.requires")


def test_setuptools_comes_with_us_and_asks_for_what_a_project_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = read_toml(Path(__file__).parents[2] / "pyproject.toml")["project"]
    assert SETUPTOOLS_REQUIREMENT in project["dependencies"]
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "a"\nversion = "1"\n')
    (tmp_path / "setup.cfg").write_text("[options]\nsetup_requires = six\n")
    monkeypatch.chdir(tmp_path)
    assert WheelBackend(SETUPTOOLS).requires("get_requires_for_build_wheel", {}) == ["six"]


def test_a_module_or_an_object_in_it(module: Callable[[str, str], None]) -> None:
    module(
        "inner",
        "class Outer:\n"
        "    class backend:\n"
        "        build_wheel = staticmethod(lambda *words: words[0] + '.whl')\n"
        "        get_requires_for_build_wheel = staticmethod(lambda settings: [f'{name}' for name in settings])\n",
    )
    backend = WheelBackend("inner:Outer.backend")
    assert backend.installed
    assert backend.call("build_wheel", "a", {}) == "a.whl"
    assert backend.requires("get_requires_for_build_wheel", {"x": "1"}) == ["x"]
    assert backend.requires("get_requires_for_build_sdist", {}) == []
    assert backend.has("build_wheel")
    assert not backend.has("build_editable")


def test_a_hook_that_is_lacking(module: Callable[[str, str], None]) -> None:
    module("inner", "")
    with pytest.raises(WheelBackendError, match='"inner" has no hook build_editable'):
        WheelBackend("inner").call("build_editable", "dist")


@pytest.mark.parametrize("name", ["hatchlinx.build", "hatchlinx"])
def test_a_missing_backend_is_named(name: str) -> None:
    assert not WheelBackend(name).installed
    with pytest.raises(WheelBackendError) as error:
        WheelBackend(name).requires("get_requires_for_build_wheel", {})
    assert error.value.message == f'tool.lambda.wheel-backend: "{name}" cannot be imported: no module hatchlinx'
    assert error.value.hint == ("add hatchlinx to build-system.requires, or install it for a build without isolation")


def test_a_missing_module_of_an_installed_backend() -> None:
    with pytest.raises(WheelBackendError, match=r"cannot be imported: no module hatchling\.nothing"):
        WheelBackend("hatchling.nothing").call("build_wheel", "dist")


def test_a_missing_object(module: Callable[[str, str], None]) -> None:
    module("inner", "")
    with pytest.raises(WheelBackendError, match=r'"inner:nothing": .*has no attribute'):
        WheelBackend("inner:nothing").has("build_wheel")


def test_a_bug_inside_a_backend_keeps_its_traceback(module: Callable[[str, str], None]) -> None:
    module("inner", "import missing_dependency_of_the_backend\n")
    with pytest.raises(ModuleNotFoundError, match="missing_dependency_of_the_backend") as error:
        WheelBackend("inner").call("build_wheel", "dist")
    assert any(frame.filename.endswith("inner.py") for frame in traceback.extract_tb(error.value.__traceback__))
    module("faulty", "def build_wheel(*words):\n    return 1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        WheelBackend("faulty").call("build_wheel", "dist")


def test_an_attribute_error_at_import_is_a_bug_of_the_backend(module: Callable[[str, str], None]) -> None:
    module("inner", "import sys\nsys.no_such_attribute\n")
    with pytest.raises(AttributeError, match="no_such_attribute"):
        WheelBackend("inner").call("build_wheel", "dist")


def test_a_backend_whose_finder_knows_no_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(name: str) -> importlib.machinery.ModuleSpec:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(importlib.util, "find_spec", raising)
    assert not WheelBackend("inner").installed


def test_entries_alone_are_no_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import setuptools

    (tmp_path / "pyproject.toml").write_text('[project]\nname = "backoffice"\nversion = "1"\n')
    for name in ("invoices", "orders"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.py").write_text("")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dist").mkdir()
    before = setuptools.setup
    name = WheelBackend(SETUPTOOLS, without_modules=True).call("build_wheel", str(tmp_path / "dist"), {}, None)
    assert name == "backoffice-1-py3-none-any.whl"
    assert setuptools.setup is before
    assert not any("index" in path.name for path in (tmp_path / "build").rglob("*"))


def test_without_modules_is_about_setuptools_alone(module: Callable[[str, str], None]) -> None:
    module("inner", "import setuptools\nbuild_wheel = lambda: type(setuptools.setup).__name__\n")
    assert WheelBackend("inner", without_modules=True).call("build_wheel") == "function"


def test_what_a_backend_ends_with(module: Callable[[str, str], None]) -> None:
    module("inner", "def build_wheel(code):\n    raise SystemExit(code)\n")
    with pytest.raises(WheelBackendError, match="the wheel backend inner failed in build_wheel: your mistake"):
        WheelBackend("inner").call("build_wheel", "your mistake")
    with pytest.raises(SystemExit) as ended:
        WheelBackend("inner").call("build_wheel", 7)
    assert ended.value.code == 7
