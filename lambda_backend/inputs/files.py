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

__all__ = ["State", "names_in", "state_of"]

_BLOCK = 1 << 20
_MADE = frozenset({"build", "dist"})
"""Names that builds leave at the top of a project. Deeper down they are names as any other."""


def names_in(folder: Path, *, root: Path, outputs: Sequence[Path] = ()) -> list[str]:
    """The names in a folder, sorted, without what builds leave there; none where it cannot be listed.

    Args:
        folder: absolute.
        root: the project's folder.
        outputs: folders that builds write to.
    """
    with contextlib.suppress(OSError):
        names = set(os.listdir(folder)) - {"__pycache__"}  # noqa: PTH208 - names are asked for
        names -= {output.name for output in outputs if output.parent == folder}
        if folder == root:
            names -= _MADE
        # setuptools writes one beside the packages, which may be below the top.
        return sorted(name for name in names if not name.endswith(".egg-info"))
    return []


class State(NamedTuple):
    """What a file is."""

    mode: int
    """Permissions."""
    sha256: str
    """Hex, of its contents."""


def state_of(path: Path) -> State | None:
    """The state of a regular file; None where there is none that can be read."""
    # Looked at before it is opened: what waits for a writer, or never ends, is not read.
    with contextlib.suppress(OSError):
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        digest = hashlib.sha256()
        with path.open("rb", buffering=0) as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            # Piece by piece, for an artefact may hold a file that is too large for memory.
            while block := stream.read(_BLOCK):
                digest.update(block)
        return State(mode, digest.hexdigest())
    return None
