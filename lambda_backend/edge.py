"""Where words and errors leave the process: for a frontend that calls a hook, and for a person at a terminal."""

from __future__ import annotations

import contextlib
import errno
import functools
import gc
import signal
import sys
import threading
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from lambda_backend.errors import LambdaBackendError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

__all__ = ["INTERRUPTED", "edge", "print_error"]

INTERRUPTED = 130
"""Exit code of what Ctrl-C ended, as shells have it."""

_OBJECTS = 100_000
"""New ones before garbage among them is looked for; CPython's own number is 700 or 2000."""
_P = ParamSpec("_P")
_T = TypeVar("_T")


def edge(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Known errors leave as one message and exit code 1; unknown ones keep their traceback."""

    @functools.wraps(function)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            with _terminable(), _collecting_seldom():
                return function(*args, **kwargs)
        except LambdaBackendError as error:
            print_error(error)
        except KeyboardInterrupt:
            print("\nlambda-backend: interrupted; nothing was written", file=sys.stderr, flush=True)  # noqa: T201
            raise SystemExit(INTERRUPTED) from None
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            place = error.filename or "a temporary folder, the cache or the output folder"
            print_error(
                OutputError(
                    f"no space left on the device: {place}",
                    hint="make room, or name other folders (TMPDIR, LAMBDA_BACKEND_CACHE_DIR, -C lambda.output-dir=…)",
                )
            )
        raise SystemExit(1) from None

    return wrapper


def print_error(error: LambdaBackendError) -> None:
    """The one message of an error, on standard error."""
    print(f"lambda-backend: error: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the edge prints


@contextlib.contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Look for garbage seldom, and at the end no more: a build makes thousands of objects, and they live as long as it.

    Else that takes a tenth of an edit of code, as much again when Python ends.
    """
    before = gc.get_threshold()
    gc.set_threshold(_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.freeze()


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
