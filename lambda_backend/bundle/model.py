"""What lies where in an artefact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Bundle", "Collision", "Member", "Record"]


class Member(Value):
    """One file of an artefact. Folders are not members: Lambda's unzip makes them."""

    path: str
    """From the zip's root, forward slashes, NFC, no leading slash, no ``.`` or ``..``."""
    source: Path | bytes
    """The file on disk that holds the bytes, or the bytes."""
    executable: bool = False
    """Mode 0755 rather than 0644."""
    owner: str = ""
    """Who brought it: a distribution's normalised name, ``project``, ``entry`` or ``include``."""
    stripped: int = 0
    """Bytes that it had and has not any more."""
    size: int | None = field(default=None, compare=False)
    """Bytes that the source had when it was found, if somebody looked; what it has is told by reading it."""


class Record(Value):
    """A distribution's RECORD, made when what it lists has been written: so those bytes are read once."""

    path: str
    owner: str
    root: str
    """The folder in the artefact that distributions are installed to, with its slash; empty for the root."""
    listed: tuple[str, ...]
    """Paths in the artefact, but for its own; all of them ship."""


class Collision(Value):
    """One path that two bring with different contents; one of them has lost its file."""

    path: str
    owners: tuple[str, str]
    """Distributions, ``project``, ``entry`` or ``include``."""


class Bundle(Value):
    """The files of an artefact, sorted by path; no path twice."""

    members: tuple[Member, ...]
    records: tuple[Record, ...] = ()
    collisions: tuple[Collision, ...] = ()
    """Sorted by path; the first of the two is in the artefact."""
    entangled: frozenset[str] = frozenset()
    """Distributions that have a file in common with another one: neither is as it would be alone."""
    published: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By path, the hashes that a file may have by the RECORDs that list it, each with the RECORD's owner."""
