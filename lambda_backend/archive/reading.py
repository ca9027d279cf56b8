"""Reads single members of a zip of ours: where they lie is known, so nothing else of the zip is read."""

from __future__ import annotations

import functools
import zlib
from typing import TYPE_CHECKING

from lambda_backend.archive.format import STORED, local_header

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

    from lambda_backend.archive.model import Archive, ArchivedMember

__all__ = ["payload", "reader"]


def payload(stream: BinaryIO, member: ArchivedMember) -> bytes:
    """A member's bytes as they lie in the zip."""
    # As the writer has it: what comes before the data depends on nothing but the member.
    stream.seek(member.offset + len(local_header(member, 0)))
    return stream.read(member.compressed_size)


def reader(archive: Archive) -> Callable[[str], bytes]:
    """Gives a file's bytes by its path; KeyError for a path that is not there."""

    @functools.cache
    def members() -> Mapping[str, ArchivedMember]:
        return {member.path: member for member in archive.members}

    def read(path: str) -> bytes:
        member = members()[path]
        with archive.path.open("rb") as stream:
            data = payload(stream, member)
        return data if member.method == STORED else zlib.decompress(data, wbits=-zlib.MAX_WBITS)

    return read
