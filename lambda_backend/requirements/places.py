"""Places in the project: paths of lock files, relative to the project's root."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lambda_backend.values import Value

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Places", "file_path", "inside"]


class Places(Value):
    """How the paths of one lock file are to be read."""

    root: Path
    """The project's root."""
    directory: str
    """The folder that the paths are relative to, itself relative to the root, with forward slashes."""
    seen_as: str | None
    """The root's absolute path where the lock was made (a container's mount); None for the root itself."""

    def relative(self, path: str) -> str | None:
        """The path relative to the root, with forward slashes; None when it lies outside, also by a symlink."""
        for base in (self.seen_as or self.root.absolute().as_posix(), self.root.resolve().as_posix()):
            whole = posixpath.normpath(posixpath.join(base, self.directory, path))
            if whole == base or whole.startswith(f"{base.rstrip('/')}/"):
                relative = whole[len(base) :].strip("/") or "."
                return relative if inside(self.root / relative, self.root) else None
        return None


def inside(path: Path, root: Path) -> bool:
    """Whether the path, with its symlinks followed, lies in the root."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):  # a symlink loop, a name with a NUL
        return False


def file_path(url: str) -> str:
    """The path of a ``file:`` URL, on this system."""
    # It comes with all that speaks HTTP.
    from urllib.request import url2pathname

    return url2pathname(urlsplit(url).path)
