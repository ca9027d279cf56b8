"""The edge: a frontend's words in, errors out as one message. No logic.

PEP 517 and PEP 660 fix the names and signatures. A frontend runs hooks in the project's folder.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from lambda_backend.errors import LambdaBackendError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "has_hook",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Config = dict[str, Any] | None


def _edge(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Known errors leave as one message and exit code 1; unknown ones keep their traceback."""

    @functools.wraps(function)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            with _terminable():
                return function(*args, **kwargs)
        except LambdaBackendError as error:
            message = str(error)
        except KeyboardInterrupt:
            print("\nlambda-backend: interrupted; nothing was written", file=sys.stderr, flush=True)  # noqa: T201
            raise SystemExit(130) from None
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            place = error.filename or "a temporary folder, the cache or the output folder"
            message = str(
                OutputError(
                    f"no space left on the device: {place}",
                    hint="make room, or name other folders (TMPDIR, LAMBDA_BACKEND_CACHE_DIR, -C lambda.output-dir=…)",
                )
            )
        print(f"lambda-backend: error: {message}", file=sys.stderr, flush=True)  # noqa: T201 - the edge prints
        raise SystemExit(1) from None

    return wrapper


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM unwinds as an exception, so that every context manager cleans up behind itself."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _build(config_settings: _Config) -> Any:  # noqa: ANN401 - imported late
    from lambda_backend.pipeline import Build

    return Build.load(Path.cwd(), dict(config_settings or {}), os.environ)


@_edge
def has_hook(name: str) -> bool:
    """Whether the wheel backend has an optional hook (PEP 517: one that is lacking is absent)."""
    return bool(_build(None).wheel_backend.has(name))


@_edge
def get_requires_for_build_wheel(config_settings: _Config = None) -> list[str]:
    """PEP 517; asks for ``docker`` or ``uv`` only when this build will use them."""
    return list(_build(config_settings).requires_for_wheel())


@_edge
def get_requires_for_build_sdist(config_settings: _Config = None) -> list[str]:
    """PEP 517."""
    return list(_build(config_settings).requires("get_requires_for_build_sdist"))


@_edge
def get_requires_for_build_editable(config_settings: _Config = None) -> list[str]:
    """PEP 660."""
    return list(_build(config_settings).requires("get_requires_for_build_editable"))


@_edge
def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: _Config = None) -> str:
    """PEP 517."""
    return str(_build(config_settings).delegate("prepare_metadata_for_build_wheel", metadata_directory))


@_edge
def prepare_metadata_for_build_editable(metadata_directory: str, config_settings: _Config = None) -> str:
    """PEP 660."""
    return str(_build(config_settings).delegate("prepare_metadata_for_build_editable", metadata_directory))


@_edge
def build_wheel(wheel_directory: str, config_settings: _Config = None, metadata_directory: str | None = None) -> str:
    """PEP 517; makes the wheel and, beside it, the Lambda artefacts."""
    return str(_build(config_settings).wheel(Path(wheel_directory), metadata_directory))


@_edge
def build_editable(wheel_directory: str, config_settings: _Config = None, metadata_directory: str | None = None) -> str:
    """PEP 660; never packages."""
    return str(_build(config_settings).delegate("build_editable", wheel_directory, after=(metadata_directory,)))


@_edge
def build_sdist(sdist_directory: str, config_settings: _Config = None) -> str:
    """PEP 517; the sdist holds everything that the Lambda step will read."""
    return str(_build(config_settings).sdist(Path(sdist_directory)))
