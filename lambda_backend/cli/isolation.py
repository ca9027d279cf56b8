"""Builds in an environment of their own, by the ``build`` package."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_backend.errors import WheelBackendError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["available", "build_wheel"]


def available() -> bool:
    """Whether the ``build`` package is installed."""
    # A folder called build, such as setuptools leaves, is found too, as a package without code.
    found = importlib.util.find_spec("build")
    return found is not None and found.origin is not None


def build_wheel(root: Path, directory: Path, config_settings: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """Build as ``python -m build --wheel`` does; what tools print goes to standard error.

    Args:
        root: the project's folder.
        directory: where the wheel goes.
        config_settings: for the hooks.
        environ: for the hooks.

    Returns:
        The wheel's file name.

    Raises:
        WheelBackendError: the environment cannot be made, or the build failed and has said why.
    """
    from build import BuildBackendException, BuildException, FailedProcessError, ProjectBuilder
    from build.env import DefaultIsolatedEnv

    def run(cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
        sys.stderr.flush()
        subprocess.run(cmd, cwd=cwd, env={**environ, **(extra_environ or {})}, stdout=sys.stderr.fileno(), check=True)

    try:
        with DefaultIsolatedEnv() as isolated:
            builder = ProjectBuilder.from_isolated_env(isolated, root, runner=run)
            isolated.install(builder.build_system_requires)
            isolated.install(builder.get_requires_for_build("wheel", config_settings))
            return Path(builder.build("wheel", directory, config_settings)).name
    except (BuildException, BuildBackendException, FailedProcessError) as error:
        raise WheelBackendError(f"{root.name} could not be built in an isolated environment: {error}") from None
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or b"").decode("utf-8", "replace").strip()
        raise WheelBackendError(
            f"the isolated environment of {root.name} could not be made: {said or error}",
            hint="check the network and the index, or install what build-system.requires names here",
        ) from None
