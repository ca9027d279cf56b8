"""What an artefact's dependencies are, whatever file they were locked in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lambda_backend.values import Value

if TYPE_CHECKING:
    from pathlib import Path

    from packaging.utils import NormalizedName

__all__ = ["LockFile", "LockKind", "Pin", "Requirements"]

LockKind = Literal["pylock", "uv", "poetry", "pipenv", "requirements"]


class LockFile(Value):
    """A lock or requirements file that was named or found."""

    kind: LockKind
    path: Path


class Pin(Value):
    """One distribution at one version, and the one archive or folder it is installed from for a target."""

    name: NormalizedName
    version: str | None
    """None for a folder or repository whose version is known only when it is built."""
    kind: Literal["wheel", "sdist", "vcs", "directory"]
    url: str | None = None
    """Where the archive lies, without user part; a repository's address for ``vcs``."""
    path: str | None = None
    """A local archive or folder, with forward slashes, relative to the project's root."""
    index: str | None = None
    """The index that the archive was found at, without user part; None also for the default one."""
    direct: bool = False
    """It was asked for by its address, and comes from no index."""
    sha256: str | None = None
    """Of the archive, in hex; None where the lock has none."""
    hashes: tuple[tuple[str, str], ...] = ()
    """Every hash that the lock has of the archive: (algorithm, hex digest), sorted."""
    vcs: str | None = None
    """``git`` and its like."""
    commit: str | None = None
    subdirectory: str | None = None
    size: int | None = None
    """Bytes of the archive, where the lock tells; it decides nothing."""


class Requirements(Value):
    """All distributions of an artefact for one target, sorted by name, the project itself aside."""

    pins: tuple[Pin, ...]
    lock: str | None
    """Name of the lock file; None when there was none and the set was resolved."""
