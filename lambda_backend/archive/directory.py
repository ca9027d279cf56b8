"""Central directories: made of a zip's members, or of a kept zip's directory and what came to it."""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter
from typing import TYPE_CHECKING

from lambda_backend.archive.copying import damaged
from lambda_backend.archive.format import central_header, end_of_directory

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Iterable, Iterator, Sequence

    from lambda_backend.archive.model import Archive, ArchivedMember

__all__ = ["directory", "kept_directory", "spliced"]

_ROWS = 1000


def directory(rows: Sequence[ArchivedMember], stamp: int) -> Iterator[bytes]:
    """The directory of members, which are sorted by path, piece by piece."""
    for start in range(0, len(rows), _ROWS):
        yield b"".join(central_header(row, stamp) for row in rows[start : start + _ROWS])


def kept_directory(archive: Archive, entries: hashlib._Hash) -> bytes:
    """An archive's directory as it lies in its zip.

    Args:
        archive: a kept one.
        entries: the digest of the bytes before it.

    Raises:
        DamagedArchiveError: it cannot be read, or is not as it was written.
    """
    try:
        with archive.path.open("rb") as stream:
            stream.seek(archive.directory_offset)
            rest = stream.read()
    except OSError as error:
        raise damaged(archive, error.strerror or str(error)) from error
    whole = entries.copy()
    whole.update(rest)
    if whole.hexdigest() != archive.sha256:
        raise damaged(archive, "its bytes have changed")
    # Its size decides the end's only where that alone is too much for 32 bits.
    end = end_of_directory(count=len(archive.members), size=0, offset=archive.directory_offset)
    return rest[: len(rest) - len(end)]


def spliced(
    kept: bytes, members: Sequence[ArchivedMember], rows: Iterable[ArchivedMember], stamp: int
) -> Iterator[bytes | memoryview]:
    """A directory with rows put in between, piece by piece.

    Args:
        kept: the directory of the members.
        members: of a kept archive, whose entries come first in the new one and have its time stamp.
        rows: the new ones, sorted by path.
        stamp: the time stamp.
    """
    view, at = memoryview(kept), 0
    for row in rows:
        index = bisect_left(members, row.path, key=attrgetter("path"))
        # Found by all of its bytes, the offset of the entry among them, which no other row has.
        place = kept.index(central_header(members[index], stamp), at) if index < len(members) else len(kept)
        yield view[at:place]
        yield central_header(row, stamp)
        at = place
    yield view[at:]
