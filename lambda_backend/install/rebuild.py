"""A project whose own wheel is not pure is built again where its compiled parts fit the target."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lambda_backend.bundle.sources import files_digest
from lambda_backend.documents import read_toml
from lambda_backend.errors import InstallError
from lambda_backend.sources import local_sources
from lambda_backend.wheel_backend import SETUPTOOLS, SETUPTOOLS_REQUIREMENT

if TYPE_CHECKING:
    from pathlib import Path

    from lambda_backend.install.installer import BuiltWheel, Installer
    from lambda_backend.install.workbench import Workbench
    from lambda_backend.wheel_backend import WheelBackend

__all__ = ["rebuilt"]

# PEP 517: a backend is a module, or an object in one. Run in the project's folder by the build environment's Python.
_CALL = """
import functools, importlib, sys
module, _, path = sys.argv[1].partition(":")
backend = functools.reduce(getattr, filter(None, path.split(".")), importlib.import_module(module))
if sys.argv[2] == "requires":
    hook = getattr(backend, "get_requires_for_build_wheel", lambda: [])
    print("\\n".join(["", "requires:", *hook()]))
else:
    print(backend.build_wheel(sys.argv[3]))
"""


def rebuilt(installer: Installer, backend: WheelBackend, *, root: Path, name: str) -> BuiltWheel:
    """The project's wheel for the installer's target.

    Raises:
        InstallError: on the host, which cannot compile for the target; or the build failed.
    """
    sources = local_sources(root, root)

    def build(workbench: Workbench) -> Path:
        if not workbench.native:
            raise InstallError(
                f"{name}'s own wheel holds compiled code, which has to be built for {installer.target.name}",
                hint="install or start a container engine (docker, podman), or name it with tool.lambda.engine",
            )
        folder = workbench.input / ".lambda-backend-project"
        for relative, source in sources.items():
            target = folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        workbench.push(folder)
        return _build(workbench, folder, backend)

    return installer.own_wheel(files_digest(sources), build)


def _build(workbench: Workbench, folder: Path, backend: WheelBackend) -> Path:
    what = "building the project's wheel"
    environment = workbench.output / "build-environment"
    workbench.uv(["venv", "--quiet", workbench.inside(environment)], cwd=folder, what=what)
    asked = [
        line
        for line in read_toml(folder / "pyproject.toml").get("build-system", {}).get("requires", [])
        if canonicalize_name(Requirement(line).name) != "lambda-backend"
    ]
    if backend.name.startswith(SETUPTOOLS):
        asked.append(SETUPTOOLS_REQUIREMENT)
    install = ["pip", "install", "--quiet", "--python", workbench.inside(environment / "bin" / "python")]
    if asked:
        workbench.uv([*install, *asked], cwd=folder, what=what)
    call = ["-c", _CALL, backend.name]
    python = workbench.inside(environment / "bin" / "python")
    said = workbench.run([python, *call, "requires"], cwd=folder, what=what)
    more = [line for line in said.rpartition("\nrequires:")[2].splitlines() if line]
    if more:
        workbench.uv([*install, *more], cwd=folder, what=what)
    made = workbench.output / "project-wheel"
    made.mkdir()
    workbench.push(made)
    workbench.run([python, *call, "build", workbench.inside(made)], cwd=folder, what=what)
    workbench.pull(made)
    return next(made.glob("*.whl"))
