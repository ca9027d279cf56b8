"""The Python that runs, and what is installed for it."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import sys
from pathlib import Path

__all__ = ["USER_CONFIGURATION", "distributions", "folders", "own_code"]

_PACKAGE = Path(__file__).parents[1]
_CODE = re.compile(rb"lambda_backend/(?!.*\.pyc,)")
USER_CONFIGURATION = ".pydistutils.cfg"
"""In the home folder, and heeded by every build with setuptools."""
_SUFFIXES = (".dist-info", ".egg", ".egg-info", ".egg-link", ".pth")


def distributions(root: Path) -> tuple[tuple[str, str], ...]:
    """Installed distributions, by the names of their folders, with their entry points; other files that Python heeds.

    Args:
        root: the project's folder, of which nothing is installed.
    """
    return _installed(tuple(entry for entry in dict.fromkeys(sys.path) if entry and Path(entry) != root))


@functools.cache
def _installed(entries: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    # Once a process: nobody installs into the Python that runs a build.
    found = []
    for entry in entries:
        with contextlib.suppress(OSError):
            names = sorted(name for name in os.listdir(entry) if name.endswith(_SUFFIXES))  # noqa: PTH208 - names are asked for
            found += [(name, _text(os.path.join(entry, name, "entry_points.txt"))) for name in names]  # noqa: PTH118 - of many
    if configuration := _text(os.path.join(os.path.expanduser("~"), USER_CONFIGURATION)):  # noqa: PTH111, PTH118 - no home is no error
        found.append((USER_CONFIGURATION, configuration))
    return tuple(found)


@functools.cache
def own_code() -> tuple[str, str]:
    """Which lambda-backend this is: its RECORD where it is installed, else the state of its files."""
    for name in os.listdir(_PACKAGE.parent):  # noqa: PTH208 - names are asked for
        if name.startswith("lambda_backend-") and name.endswith(".dist-info"):
            record = (_PACKAGE.parent / name / "RECORD").read_bytes()
            # The command beside Python names the environment, which is another one for each isolated build; installers
            # list in an order of their own, and some the bytecode.
            lines = sorted(line for line in record.splitlines() if _CODE.match(line))
            return name, hashlib.sha256(b"\n".join(lines)).hexdigest()
    times = [f"{path.name}:{path.stat().st_mtime_ns}" for path in sorted(_PACKAGE.rglob("*.py"))]
    return _PACKAGE.name, hashlib.sha256(" ".join(times).encode()).hexdigest()


def folders(root: Path) -> list[Path]:
    """Where Python itself reads; not those that hold the project."""
    found = [_PACKAGE, *(Path(entry) for entry in (sys.prefix, sys.base_prefix, *sys.path) if entry)]
    return [entry for entry in found if entry != root and entry not in root.parents]


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:  # noqa: PTH123 - one of very many
            return stream.read()
    except OSError:
        return ""
