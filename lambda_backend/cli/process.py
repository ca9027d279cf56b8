"""What a hook finds about its process, made in ours: the project's folder, and a standard output to print to."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_backend.errors import LambdaBackendError, WheelBackendError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["in_project", "quiet_backend"]


@contextlib.contextmanager
def in_project(root: Path, backend_path: Sequence[str]) -> Iterator[None]:
    """PEP 517: hooks run in the project's folder, and find the backends that lie in its tree."""
    before, path = Path.cwd(), list(sys.path)
    os.chdir(root)
    sys.path[:0] = [str(root / folder) for folder in backend_path]
    try:
        yield
    finally:
        sys.path[:] = path
        os.chdir(before)


@contextlib.contextmanager
def quiet_backend(*, verbose: bool) -> Iterator[None]:
    """Keep what the wheel backend and its compilers print out of our standard output.

    It goes to standard error: at once when verbose, else only where the backend fails.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    with tempfile.TemporaryFile() as log:
        os.dup2(2 if verbose else log.fileno(), 1)
        try:
            yield
        except Exception as error:
            sys.stdout.flush()
            if not isinstance(error, LambdaBackendError) or isinstance(error, WheelBackendError):
                log.seek(0)
                sys.stderr.write(log.read().decode("utf-8", "replace"))
            raise
        finally:
            sys.stdout.flush()
            os.dup2(kept, 1)
            os.close(kept)
