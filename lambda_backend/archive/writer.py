"""Writes a zip: local entries in the order of their paths, the central directory sorted by path.

With a ``base``, that archive's local entries come first, copied as they are, and only the new members are compressed.
Such a zip has another order of bytes than one written from all members at once; central directory, contents and
content digest are the same, and the same base and members always give the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from typing import TYPE_CHECKING

from lambda_backend.archive.compress import compressed
from lambda_backend.archive.format import (
    TIMESTAMP_FIELD,
    central_header,
    end_of_directory,
    local_header,
    pack_timestamp,
    timestamp,
)
from lambda_backend.archive.model import Archive, ArchivedMember, content_digest
from lambda_backend.bundle.paths import path_problem
from lambda_backend.errors import BundleError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from lambda_backend.bundle.model import Member
    from lambda_backend.facts.model import Facts

__all__ = ["write"]

_BLOCK = 1 << 20
_DIRECTORY_ROWS = 1000


def write(target: Path, members: Iterable[Member], *, base: Archive | None = None, epoch: int | None = None) -> Archive:
    """Write a zip, all or nothing.

    Args:
        target: the zip; its folder exists. Replaced when it exists.
        members: in any order; no path twice, and none that ``base`` has.
        base: an archive whose entries are taken over without being compressed again, with this archive's time stamp.
        epoch: ``SOURCE_DATE_EPOCH``; None for 1980-01-01.

    Raises:
        BundleError: an impossible path, a path twice, a source that is gone or changes while it is read.
        OutputError: the target cannot be written.
    """
    fresh = sorted(members, key=lambda member: member.path)
    _refuse_impossible(fresh, base)
    stamp = timestamp(epoch)
    with _replacing(target) as stream:
        offset = _copy(base, stream, stamp) if base else 0
        facts = dict(base.facts) if base else {}
        written = list(_append(stream, fresh, stamp, offset, facts))
        directory_offset = stream.tell()
        rows = tuple(sorted((*(base.members if base else ()), *written), key=lambda member: member.path))
        _write_directory(stream, rows, stamp, directory_offset)
        size = stream.tell()
        digest = _digest(stream)
    return Archive(
        path=target,
        members=rows,
        size=size,
        unzipped_size=sum(member.size for member in rows),
        sha256=digest,
        content_digest=content_digest(rows),
        directory_offset=directory_offset,
        timestamp=stamp,
        facts=facts,
    )


def _refuse_impossible(members: Sequence[Member], base: Archive | None) -> None:
    problems = []
    owners = {member.path: member.owner for member in base.members} if base else {}
    for member in members:
        if problem := path_problem(member.path):
            problems.append(f"{member.path!r} {problem}")
        elif member.path in owners:
            problems.append(f"{member.path} comes from {owners[member.path] or '?'} and from {member.owner or '?'}")
        owners[member.path] = member.owner
    if problems:
        raise BundleError("The archive cannot hold these files:\n" + "\n".join(f"  - {line}" for line in problems))


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """A new file beside the target, which takes its place at the end or leaves nothing."""
    # A name of our own rather than one of tempfile, whose files are private whatever the umask says.
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.tmp")
    try:
        with contextlib.ExitStack() as cleanup:
            with temporary.open("x+b", buffering=_BLOCK) as stream:
                cleanup.callback(temporary.unlink, missing_ok=True)
                yield stream
            temporary.replace(target)
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written: {error.strerror or error}",
            hint="free space or change the permissions of its folder, or set tool.lambda.output-dir to another one",
        ) from error


def _append(
    stream: BinaryIO, members: Sequence[Member], stamp: int, offset: int, facts: dict[str, Facts]
) -> Iterator[ArchivedMember]:
    # Closed at once when the disk is full, so that no thread outlives the error.
    with contextlib.closing(compressed(members)) as parts:
        for part in parts:
            member = ArchivedMember(
                path=part.member.path,
                size=part.size,
                compressed_size=len(part.payload),
                crc=part.crc,
                method=part.method,
                offset=offset,
                sha256=part.sha256,
                executable=part.member.executable,
                owner=part.member.owner,
            )
            header = local_header(member, stamp)
            stream.write(header)
            stream.write(part.payload)
            offset += len(header) + len(part.payload)
            if part.facts is not None:
                facts[member.path] = part.facts
            yield member


def _write_directory(stream: BinaryIO, rows: Sequence[ArchivedMember], stamp: int, offset: int) -> None:
    size = 0
    for start in range(0, len(rows), _DIRECTORY_ROWS):
        block = b"".join(central_header(row, stamp) for row in rows[start : start + _DIRECTORY_ROWS])
        stream.write(block)
        size += len(block)
    stream.write(end_of_directory(count=len(rows), size=size, offset=offset))


def _digest(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    block = bytearray(_BLOCK)
    view = memoryview(block)
    stream.flush()
    stream.seek(0)
    while count := stream.readinto(block):  # type: ignore[attr-defined] # files that open() gives have it
        digest.update(view[:count])
    return digest.hexdigest()


def _copy(base: Archive, stream: BinaryIO, stamp: int) -> int:
    """Copy the base's entries to the start of an empty file; gives their length."""
    try:
        source = base.path.open("rb", buffering=0)
    except OSError as error:
        raise _damaged(base, error.strerror or str(error)) from error
    with source:
        copied = _copy_in_kernel(source.fileno(), stream.fileno(), base.directory_offset)
        source.seek(copied)
        stream.seek(copied)
        while copied < base.directory_offset and (block := source.read(min(_BLOCK, base.directory_offset - copied))):
            stream.write(block)
            copied += len(block)
    if copied != base.directory_offset:
        raise _damaged(base, "it is too short")
    if base.timestamp != stamp:
        packed = pack_timestamp(stamp)
        for member in base.members:
            stream.seek(member.offset + TIMESTAMP_FIELD)
            stream.write(packed)
        stream.seek(copied)
    return copied


def _copy_in_kernel(source: int, target: int, length: int) -> int:
    """Copy as much as the system copies by itself; gives how much that was."""
    copied = 0
    call = getattr(os, "copy_file_range", None)
    # Not on this system, not across these file systems, not here: the caller reads and writes the rest, and meets
    # the errors that are real ones.
    with contextlib.suppress(OSError):
        while call and copied < length and (count := call(source, target, length - copied)):
            copied += count
    return copied


def _damaged(base: Archive, why: str) -> BundleError:
    return BundleError(
        f"{base.path}, the kept archive to build on, cannot be read: {why}",
        hint="remove the cache folder (LAMBDA_BACKEND_CACHE_DIR names it) and build again",
    )
