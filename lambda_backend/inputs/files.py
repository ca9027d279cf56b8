"""Files and folders as they are now."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Read", "names_in", "read"]

_MADE = frozenset({"__pycache__", "build", "dist"})
"""Names that builds leave in a project."""


def names_in(folder: Path, outputs: Sequence[Path] = ()) -> list[str]:
    """The names in a folder, sorted, without what builds leave there; none where it cannot be listed."""
    with contextlib.suppress(OSError):
        names = set(os.listdir(folder)) - _MADE  # noqa: PTH208 - names are asked for
        apart = {output.name for output in outputs if output.parent == folder}
        return sorted(name for name in names - apart if not name.endswith(".egg-info"))
    return []


class Read(NamedTuple):
    """A file as it is."""

    mode: int
    """Permissions."""
    modified: float
    """Seconds since 1970."""
    content: bytes

    @property
    def sha256(self) -> str:
        """Hex."""
        return hashlib.sha256(self.content).hexdigest()


def read(path: Path) -> Read | None:
    """Read a file; None where there is none that can be read."""
    try:
        with path.open("rb", buffering=0) as stream:
            status = os.fstat(stream.fileno())
            return Read(stat.S_IMODE(status.st_mode), status.st_mtime, stream.read())
    except OSError:
        return None
