"""Writes a zip: local entries by path, RECORDs behind them, and a central directory that is sorted by path.

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
from lambda_backend.archive.payloads import Payloads
from lambda_backend.bundle.model import Member
from lambda_backend.bundle.paths import path_problem
from lambda_backend.bundle.record import record_text
from lambda_backend.errors import BundleError, DamagedArchiveError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from lambda_backend.archive.compress import Compressed
    from lambda_backend.bundle.model import Record
    from lambda_backend.facts.model import Facts

__all__ = ["is_whole", "write"]

_BLOCK = 1 << 20
_DIRECTORY_ROWS = 1000


def write(
    target: Path,
    members: Iterable[Member],
    *,
    records: Sequence[Record] = (),
    base: Archive | None = None,
    payloads: Payloads | None = None,
    epoch: int | None = None,
) -> Archive:
    """Write a zip, all or nothing.

    Args:
        target: the zip; its folder exists. Replaced when it exists.
        members: in any order; no path twice, and none that ``base`` has.
        records: RECORDs of what the members hold.
        base: an archive whose entries are taken over without being compressed again, with this archive's time stamp.
        payloads: what need not be compressed again.
        epoch: ``SOURCE_DATE_EPOCH``; None for 1980-01-01.

    Raises:
        BundleError: an impossible path, a path twice, a source that is gone or changes while it is read.
        OutputError: the target cannot be written.
    """
    fresh = sorted(members, key=lambda member: member.path)
    _refuse_impossible(fresh, base)
    stamp = timestamp(epoch)
    with _replacing(target) as stream:
        output = _Output(stream, stamp, facts=dict(base.facts) if base else {}, payloads=payloads or Payloads())
        if base is not None:
            output.copy(base)
        output.append(fresh)
        output.append(_made(records, output.rows))
        directory_offset, entries_sha256 = output.size, output.sha256
        rows = tuple(sorted((*(base.members if base else ()), *output.rows), key=lambda member: member.path))
        output.end(rows)
    return Archive(
        path=target,
        members=rows,
        size=output.size,
        unzipped_size=sum(member.size for member in rows),
        sha256=output.sha256,
        content_digest=content_digest(rows),
        directory_offset=directory_offset,
        entries_sha256=entries_sha256,
        timestamp=stamp,
        facts=output.facts,
    )


def is_whole(archive: Archive) -> bool:
    """Whether a kept zip has the bytes that were written; what lies in a cache for months may lose some."""
    try:
        with archive.path.open("rb", buffering=0) as stream:
            return _hashed(stream, archive.size).hexdigest() == archive.sha256
    except OSError:
        return False


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


class _Output:
    """A zip that is being written, hashed as it grows."""

    def __init__(self, stream: BinaryIO, stamp: int, *, facts: dict[str, Facts], payloads: Payloads) -> None:
        self.rows: list[ArchivedMember] = []
        self.facts = facts
        self.size = 0
        self._digest = hashlib.sha256()
        self._stream = stream
        self._stamp = stamp
        self._payloads = payloads

    @property
    def sha256(self) -> str:
        """Hex, of all bytes up to here."""
        return self._digest.hexdigest()

    def copy(self, base: Archive) -> None:
        """Start with a base's entries."""
        self.size = _copy(base, self._stream)
        self._digest = _hashed(self._stream, self.size)
        if self.sha256 != base.entries_sha256:
            raise _damaged(base, "its bytes have changed")
        if base.timestamp != self._stamp:
            packed = pack_timestamp(self._stamp)
            for member in base.members:
                self._stream.seek(member.offset + TIMESTAMP_FIELD)
                self._stream.write(packed)
            self._digest = _hashed(self._stream, self.size)
        self._stream.seek(self.size)

    def append(self, members: Sequence[Member]) -> None:
        """Compress and write members, one after the other."""
        # Closed at once when the disk is full, so that no thread outlives the error.
        with contextlib.closing(compressed(members, self._payloads)) as parts:
            for part in parts:
                self._append(part)

    def _append(self, part: Compressed) -> None:
        member = ArchivedMember(
            path=part.member.path,
            size=part.size,
            compressed_size=len(part.payload),
            crc=part.crc,
            method=part.method,
            offset=self.size,
            sha256=part.sha256,
            executable=part.member.executable,
            owner=part.member.owner,
            stripped=part.member.stripped,
        )
        self._write(local_header(member, self._stamp))
        self._write(part.payload)
        if part.facts is not None:
            self.facts[member.path] = part.facts
        self.rows.append(member)

    def end(self, rows: Sequence[ArchivedMember]) -> None:
        """Write the central directory."""
        offset = self.size
        for start in range(0, len(rows), _DIRECTORY_ROWS):
            self._write(b"".join(central_header(row, self._stamp) for row in rows[start : start + _DIRECTORY_ROWS]))
        self._write(end_of_directory(count=len(rows), size=self.size - offset, offset=offset))

    def _write(self, data: bytes | bytearray) -> None:
        self._stream.write(data)
        self._digest.update(data)
        self.size += len(data)


def _made(records: Sequence[Record], written: Sequence[ArchivedMember]) -> list[Member]:
    by_path = {member.path: member for member in written} if records else {}
    made = []
    for record in records:
        rows = (
            (path[len(record.root) :], bytes.fromhex(by_path[path].sha256), by_path[path].size)
            for path in record.listed
        )
        text = record_text(rows, record.path[len(record.root) :])
        made.append(Member(path=record.path, source=text, owner=record.owner))
    return made


def _hashed(stream: BinaryIO, length: int) -> hashlib._Hash:
    """The SHA-256 of a file's first bytes, as many as there are."""
    digest = hashlib.sha256()
    block = bytearray(_BLOCK)
    view = memoryview(block)
    stream.flush()
    stream.seek(0)
    while length and (count := stream.readinto(view[:length])):  # type: ignore[attr-defined] # files of open() have it
        digest.update(view[:count])
        length -= count
    return digest


def _copy(base: Archive, stream: BinaryIO) -> int:
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


def _damaged(base: Archive, why: str) -> DamagedArchiveError:
    return DamagedArchiveError(
        f"{base.path}, the kept archive to build on, cannot be read: {why}",
        hint="remove the cache folder (LAMBDA_BACKEND_CACHE_DIR names it) and build again",
    )
