"""Tools that come from a package index, each in a virtual environment of its own: they pin what they depend on."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from filelock import FileLock
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from pathlib import Path


def tool(base: Path, *requirements: str, dependencies: bool = True) -> Path:
    """The folder with the commands of some packages, installed for the Python that runs this.

    Args:
        base: where it is kept, and found again.
        requirements: what to install, in exact versions.
        dependencies: what they depend on too.
    """
    wanted = "\n".join([sys.version, sys.base_prefix, str(dependencies), *requirements])
    name = canonicalize_name(Requirement(requirements[0]).name)
    folder = base / f"{name}-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
    options = () if dependencies else ("--no-deps",)
    complete = folder / "complete"
    with FileLock(f"{folder}.lock"):
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _uv("venv", "--python", sys.executable, str(folder))
            _uv("pip", "install", "--python", str(folder), *options, *requirements)
            complete.touch()
    return folder / "bin"


def _uv(*arguments: str) -> None:
    argv = [sys.executable, "-m", "uv", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
