"""A zip that has been written, and where each file lies in it."""

from __future__ import annotations

import base64
import hashlib
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from lambda_backend.archive.copying import Place
from lambda_backend.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from lambda_backend.facts.model import Facts

__all__ = ["Archive", "ArchivedMember", "Part", "Taken", "content_digest", "taken"]


class ArchivedMember(NamedTuple):
    """One file in a zip. There are thousands in an archive, and a tuple is made in a tenth of a dataclass's time."""

    path: str
    size: int
    """Bytes, uncompressed."""
    compressed_size: int
    crc: int
    method: int
    """0 for stored, 8 for deflated (APPNOTE 4.4.5)."""
    offset: int
    """Where its local header starts."""
    sha256: str
    """Hex, of the uncompressed bytes."""
    executable: bool
    owner: str
    stripped: int
    """Bytes, uncompressed, that were taken away from it before."""

    @property
    def modified(self) -> None:
        """No time of its own."""


class Part(NamedTuple):
    """The entries of all that one owner has in a zip, where they lie side by side."""

    owner: str
    start: int
    length: int
    sha256: str
    """Hex, of those bytes."""


class Archive(Value):
    """A finished zip."""

    path: Path
    members: tuple[ArchivedMember, ...]
    """Sorted by path."""
    size: int
    """Bytes of the zip."""
    unzipped_size: int
    sha256: str
    """Hex, of the zip's bytes."""
    content_digest: str
    """See the function of this name."""
    directory_offset: int
    """Where the central directory starts: as many bytes a later archive copies."""
    entries_sha256: str
    """Hex, of those bytes."""
    timestamp: int
    """The MS-DOS date and time of every member; the date is the upper half."""
    facts: Mapping[str, Facts]
    """What the bytes of members tell, by path; those with nothing to tell have none."""
    parts: tuple[Part, ...]
    """What another archive may take as it is, in order; of what came from a base there is none."""
    entries: hashlib._Hash | None = field(default=None, compare=False, repr=False)
    """The digest of the bytes before the directory, of an archive that was written just now."""

    @property
    def place(self) -> Place:
        """Where it lies."""
        return Place(self.path, self.size, self.directory_offset)

    @property
    def code_sha256(self) -> str:
        """``CodeSha256`` as Lambda reports it: base64 of the digest."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode()


class Taken(Value):
    """A part that another archive takes as it is."""

    archive: Archive
    part: Part
    members: tuple[ArchivedMember, ...]


class _Content(Protocol):
    @property
    def path(self) -> str: ...
    @property
    def executable(self) -> bool: ...
    @property
    def sha256(self) -> str: ...


def taken(archive: Archive) -> dict[str, Taken]:
    """All that another archive may take, by owner."""
    members: dict[str, list[ArchivedMember]] = {part.owner: [] for part in archive.parts}
    for member in archive.members:
        if member.owner in members:
            members[member.owner].append(member)
    return {part.owner: Taken(archive=archive, part=part, members=tuple(members[part.owner])) for part in archive.parts}


def content_digest(members: Iterable[_Content]) -> str:
    """Hex SHA-256 over mode, digest and path of every file; compression and time stamps do not matter.

    The hashed text has one line ``0644 <sha256> <path>`` for each file, sorted by path.
    """
    lines = (
        f"{'0755' if member.executable else '0644'} {member.sha256} {member.path}\n"
        for member in sorted(members, key=attrgetter("path"))
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
