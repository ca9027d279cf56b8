"""A Python of the runtime's minor version on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_backend.errors import InstallError, MissingExtraError
from lambda_backend.install.workbench import HostWorkbench

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["find_interpreter"]

_PROBE = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2]); print(sys.executable)"
_PATIENCE = 20
"""Seconds."""


def find_interpreter(version: str, environ: Mapping[str, str]) -> Path | None:
    """A CPython of a minor version (``3.13``): this process's own, one on PATH, or one that uv knows; None is fine too.

    uv downloads none.
    """
    if sys.implementation.name == "cpython" and "{}.{}".format(*sys.version_info) == version:
        return Path(sys.executable)
    found = (_of(path, version, environ) for path in _candidates(version, environ))
    return next(filter(None, found), None)


def _candidates(version: str, environ: Mapping[str, str]) -> Iterator[Path]:
    if found := shutil.which(f"python{version}", path=environ.get("PATH", os.defpath)):
        yield Path(found)
    argv = ["python", "find", "--quiet", "--no-project", "--no-python-downloads", f"cpython@{version}"]
    with tempfile.TemporaryDirectory(prefix="lambda-backend-") as folder:
        bench = HostWorkbench(Path(folder), environ=environ, on_line=lambda _: None)
        with contextlib.suppress(InstallError, MissingExtraError):
            yield Path(bench.uv(argv, cwd=bench.input, what=f"looking for Python {version}").strip())


def _of(path: Path, version: str, environ: Mapping[str, str]) -> Path | None:
    """The interpreter behind a path, if it is a CPython of that version."""
    # pyenv puts scripts on PATH, which fail for versions that are not chosen, and look for the others on PATH again.
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            [str(path), "-I", "-S", "-c", _PROBE],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
        name, _, found = os.fsdecode(done.stdout).strip().partition("\n")
        if done.returncode == 0 and name == f"cpython {version}":
            return Path(found)
    return None
