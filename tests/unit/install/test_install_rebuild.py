from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lambda_backend.errors import InstallError
from lambda_backend.install.rebuild import rebuilt
from lambda_backend.wheel_backend import SETUPTOOLS, SETUPTOOLS_REQUIREMENT, WheelBackend
from tests.unit.install.conftest import FakeWorkbench, make_folder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.install.conftest import Call, MakeInstaller

TAG = "cp313-cp313-linux_x86_64"


def running(workbench: FakeWorkbench, call: Call) -> str:
    """Runs the calls of the build backend with this Python; leaves environments and installations out."""
    if call.argv[0] == "uv":
        return ""
    argv = [sys.executable, *call.argv[1:-1]]
    argv.append(str(workbench.outside(call.argv[-1])) if call.argv[-1].startswith("/") else call.argv[-1])
    environ = {"PYTHONPATH": str(call.cwd)}
    done = subprocess.run(argv, cwd=call.cwd, env=environ, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = make_folder(tmp_path / "shop", "shop", tag=TAG)
    text = (root / "pyproject.toml").read_text()
    requires = 'requires = ["Lambda_Backend[uv]>=0.1", "cython>=3"]'
    (root / "pyproject.toml").write_text(text.replace("requires = []", requires))
    (root / "src").mkdir()
    (root / "src" / "native.c").write_text("")
    return root


def commands(workbench: FakeWorkbench) -> list[str]:
    return [" ".join(call.argv[:2] if call.argv[0] == "uv" else call.argv[:1]) for call in workbench.calls]


def test_the_project_is_built_for_its_target(make_installer: MakeInstaller, fake: FakeWorkbench, project: Path) -> None:
    fake.answer = running
    with make_installer(fake) as installer:
        built = rebuilt(installer, WheelBackend("backend"), root=project, name="shop")
    assert built.path.name == f"shop-1.0-{TAG}.whl"
    assert commands(fake) == [
        "uv venv",
        "uv pip",
        "/inside/output/build-environment/bin/python",
        "/inside/output/build-environment/bin/python",
    ]
    # What it is built with is the project's, and never ourselves.
    assert fake.calls[1].argv[-1:] == ["cython>=3"]
    assert (fake.calls[0].cwd / "src" / "native.c").is_file()
    with make_installer(fake) as installer:
        assert rebuilt(installer, WheelBackend("backend"), root=project, name="shop").from_cache
        (project / "src" / "native.c").write_text("int x;")
    assert len(fake.calls) == 4


def test_what_the_backend_asks_for_is_installed_too(
    make_installer: MakeInstaller, fake: FakeWorkbench, project: Path
) -> None:
    more = 'def get_requires_for_build_wheel(settings=None):\n    print("noise")\n    return ["cmake", "ninja>=1"]\n'
    (project / "backend.py").write_text((project / "backend.py").read_text() + more)
    fake.answer = running
    with make_installer(fake) as installer:
        rebuilt(installer, WheelBackend("backend"), root=project, name="shop")
    assert fake.calls[3].argv[-2:] == ["cmake", "ninja>=1"]
    assert len(fake.calls) == 5


def test_setuptools_is_the_default_and_in_nobody_s_requires(
    make_installer: MakeInstaller, fake: FakeWorkbench, project: Path
) -> None:
    def answer(_workbench: FakeWorkbench, call: Call) -> str:
        if "install" in call.argv:
            raise InstallError("that is all")
        return ""

    fake.answer = answer
    with make_installer(fake) as installer, pytest.raises(InstallError, match="that is all"):
        rebuilt(installer, WheelBackend(SETUPTOOLS), root=project, name="shop")
    assert fake.calls[1].argv[-2:] == ["cython>=3", SETUPTOOLS_REQUIREMENT]


def test_a_project_that_requires_nothing_installs_nothing(
    make_installer: MakeInstaller, fake: FakeWorkbench, tmp_path: Path
) -> None:
    root = make_folder(tmp_path / "shop", "shop", tag=TAG)
    fake.answer = running
    with make_installer(fake) as installer:
        rebuilt(installer, WheelBackend("backend"), root=root, name="shop")
    assert "uv pip" not in commands(fake)


def test_the_host_cannot(make_installer: MakeInstaller, fake: FakeWorkbench, project: Path) -> None:
    fake.native = False
    with (
        make_installer(fake) as installer,
        pytest.raises(InstallError, match="shop's own wheel holds compiled") as error,
    ):
        rebuilt(installer, WheelBackend("backend"), root=project, name="shop")
    assert "container engine" in str(error.value.hint)
