"""Removes folders while something else is done."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Removal"]

_PYTHON = "import shutil, sys; [shutil.rmtree(folder, ignore_errors=True) for folder in sys.argv[1:]]"
# It takes half as long, and POSIX has it everywhere.
_REMOVE = ("rm", "-rf", "--") if os.name == "posix" else (sys.executable, "-I", "-S", "-c", _PYTHON)


class Removal:
    """Removes folders from now on, in a process of its own: a thread would hold up others once for each file.

    Args:
        folders: with thousands of files. What cannot be removed stays.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        argv = [*_REMOVE, *map(str, folders)]
        self._process: subprocess.Popen[bytes] | None = None
        # Where no process can be started, the scratch folder that they are in takes them with it.
        with contextlib.suppress(OSError):
            self._process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )

    def close(self) -> None:
        """Wait for the end."""
        if self._process is not None:
            self._process.wait()
