"""Pythons of other minor versions, found on PATH, in pyenv or by uv."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = "import sys; print('%d.%d' % sys.version_info[:2])"


@functools.cache
def interpreter(version: str) -> Path | None:
    """A working CPython of a minor version (``3.13``), or None."""
    if "%d.%d" % sys.version_info[:2] == version:  # noqa: UP031 - as PROBE prints it
        return Path(sys.executable)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python3"), reverse=True)]
    for candidate in filter(None, found):
        # pyenv's shims are on PATH for versions that are not chosen, and then fail.
        answer = subprocess.run([candidate, "-c", PROBE], capture_output=True, text=True, check=False)
        if answer.stdout.strip() == version:
            return Path(candidate)
    return None


def require_interpreter(version: str) -> Path:
    """The same; without one the test is skipped, and fails where it must run (see :func:`unavailable`)."""
    found = interpreter(version)
    if found is None:
        unavailable(f"no Python {version} on this machine")
    return found


def unavailable(reason: str) -> None:
    """Skip with a reason. Where the environment says CI, everything has to be there: fail."""
    if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
        pytest.fail(f"CI has to have it: {reason}")
    pytest.skip(reason)
