"""Lambda's own runtime client, and what else the runtime brings, for where there is no image of the runtime."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from lambda_backend.cache import key as cache_key
from lambda_backend.errors import InstallError, MissingExtraError
from lambda_backend.install.workbench import HostWorkbench
from lambda_backend.running.model import RunningError

if TYPE_CHECKING:
    from pathlib import Path

    from lambda_backend.running.model import Surroundings
    from lambda_backend.targets import Target

__all__ = ["runtime_client"]

_DISTRIBUTIONS = ("awslambdaric>=3", "boto3")
"""Source: AWS documentation, "Runtime-included SDK versions"; botocore and the like come with boto3."""
_FOLDER = "site"


def runtime_client(target: Target, interpreter: Path | None, surroundings: Surroundings) -> Path:
    """A folder with the packages of the runtime; installed once, by uv, and kept in the cache.

    Args:
        target: what for.
        interpreter: of this machine that they are for; None for the target's own, in a container.
        surroundings: cache, and where packages come from.

    Raises:
        RunningError: they cannot be had.
    """
    python = target.runtime.python_version
    if interpreter is None:
        where = ["target", target.name]
        place = ["--python-version", python, "--python-platform", target.uv_platforms[0]]
    else:
        where = ["host", platform.machine(), *platform.libc_ver()]
        place = ["--python", str(interpreter)]
    key = cache_key(1, _DISTRIBUTIONS, python, where)
    cache = surroundings.cache
    with cache.locked("runtime-client", key) as kept:
        if kept is not None:
            return kept / _FOLDER
        surroundings.say(f"installing Lambda's runtime client for Python {python}")
        try:
            with cache.make("runtime-client", key) as folder, cache.scratch() as scratch:
                bench = HostWorkbench(scratch, environ=surroundings.environ, on_line=surroundings.detail)
                argv = ["pip", "install", "--quiet", "--target", str(folder / _FOLDER), *place]
                argv += ["--only-binary", ":all:", "--no-config", "--no-python-downloads", *_DISTRIBUTIONS]
                bench.uv(argv, cwd=bench.input, what=f"installing Lambda's runtime client for Python {python}")
        except (InstallError, MissingExtraError) as error:
            raise RunningError(
                f"Lambda's runtime client cannot be had: {error.message}",
                hint=error.hint or "it comes from the package index, once; UV_DEFAULT_INDEX names another one",
            ) from error
        return cache.entry("runtime-client", key) / _FOLDER
