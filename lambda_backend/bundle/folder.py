"""The files of a folder of sources that does not ship itself, such as a path dependency that becomes a wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.bundle.sources import files_digest
from lambda_backend.bundle.walk import walk

if TYPE_CHECKING:
    from pathlib import Path

    from lambda_backend.bundle.excludes import Excludes

__all__ = ["folder_digest", "folder_files"]


def folder_files(folder: Path, excludes: Excludes, *, root: Path) -> tuple[Path, ...]:
    """Files of a folder, sorted; all of them lie below ``folder``, be it by way of a link.

    ``build/`` and ``dist/`` at its root are left out too. Links that leave the project, lead nowhere or go in circles
    are passed over, for a build may well do without them.

    Args:
        folder: of sources.
        excludes: its defaults for path dependencies apply, see there; patterns are relative to the folder.
        root: the project's folder, as far as links are followed.
    """
    files, _ = walk(folder, boundary=root, skip=excludes.excluded_dependency)
    return tuple(found.source for found in files)


def folder_digest(folder: Path, excludes: Excludes, *, root: Path | None = None) -> str:
    """A digest of a folder's files: their paths, executable bits and contents, and nothing of where it lies.

    Args:
        folder: of sources.
        excludes: its defaults for path dependencies apply, see there; patterns are relative to the folder.
        root: the project's folder, as far as links are followed; the folder itself without it.
    """
    files = folder_files(folder, excludes, root=root or folder)
    return files_digest({file.relative_to(folder).as_posix(): file for file in files})
