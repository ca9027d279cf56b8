"""Writes a zip: entries by owner and path, RECORDs behind their owner's, and a central directory by path.

Owner by owner, since what one of them has then lies side by side and is taken over as it is by another archive. Whether
that was so, or all has been compressed, cannot be told from the bytes.

With a ``base``, that archive's local entries come first, copied as they are, and only the new members are compressed.
Such a zip has another order of bytes than one written from all members at once; central directory, contents and
content digest are the same, and the same base and members always give the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from itertools import chain, islice
from operator import attrgetter
from typing import TYPE_CHECKING

from lambda_backend.archive.beginning import Beginning
from lambda_backend.archive.compress import Compressing
from lambda_backend.archive.copying import Copying, copy_range, damaged
from lambda_backend.archive.directory import directory, kept_directory, spliced
from lambda_backend.archive.following import BLOCK, Prover
from lambda_backend.archive.format import TIMESTAMP_FIELD, end_of_directory, local_header, pack_timestamp, timestamp
from lambda_backend.archive.model import Archive, ArchivedMember, Part, content_digest
from lambda_backend.archive.payloads import Payloads
from lambda_backend.bundle.model import Member
from lambda_backend.bundle.paths import path_problem
from lambda_backend.bundle.record import record_text
from lambda_backend.errors import BundleError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.archive.compress import Compressed
    from lambda_backend.archive.copying import Place
    from lambda_backend.archive.model import Taken
    from lambda_backend.bundle.model import Record
    from lambda_backend.facts.model import Facts

__all__ = ["Draft", "begun", "is_whole", "write"]

_FOLLOWED = 4 << 20
"""Bytes after which what is written is hashed."""
_SMALL = 1 << 16
"""Bytes up to which copying them takes less time than one more call for each file."""


@contextlib.contextmanager
def begun(
    target: Path,
    *,
    place: Place | None = None,
    known: hashlib._Hash | None = None,
    beginning: Beginning | None = None,
) -> Iterator[Draft]:
    """Begin to write a zip; it appears by the draft's ``finish``, and nothing is left where the block ends without.

    A base is copied and hashed in threads while the block goes on.

    Args:
        target: the zip; its folder exists. Replaced when it exists.
        place: where the base lies, an archive whose entries are taken over; ``finish`` gets all of it.
        known: ``Archive.entries`` of the base.
        beginning: what was begun by somebody else, of that target with that base.

    Raises:
        OutputError: the target cannot be written.
    """
    with contextlib.ExitStack() as stack:
        with _errors(target):
            file = stack.enter_context(contextlib.closing(beginning or Beginning(target, place, known)))
        yield Draft(file, stack)


def write(
    target: Path,
    members: Iterable[Member],
    *,
    records: Sequence[Record] = (),
    base: Archive | None = None,
    parts: Sequence[Taken] = (),
    payloads: Payloads | None = None,
    epoch: int | None = None,
) -> Archive:
    """Write a zip, all or nothing: ``begun`` and ``Draft.finish``, with their arguments and errors."""
    with begun(target, place=base.place if base else None) as draft:
        return draft.finish(members, base=base, records=records, parts=parts, payloads=payloads, epoch=epoch)


def is_whole(archive: Archive) -> bool:
    """Whether a kept zip has the bytes that were written; what lies in a cache for months may lose some."""
    digest, left = hashlib.sha256(), archive.size
    try:
        with archive.path.open("rb", buffering=0) as stream:
            while left and (block := stream.read(min(BLOCK, left))):
                digest.update(block)
                left -= len(block)
    except OSError:
        return False
    return not left and digest.hexdigest() == archive.sha256


def _refuse_impossible(members: Sequence[Member], there: Iterable[ArchivedMember]) -> None:
    problems = []
    owners = {member.path: member.owner for member in there}
    for member in members:
        if problem := path_problem(member.path):
            problems.append(f"{member.path!r} {problem}")
        elif member.path in owners:
            problems.append(f"{member.path} comes from {owners[member.path] or '?'} and from {member.owner or '?'}")
        owners[member.path] = member.owner
    if problems:
        raise BundleError("The archive cannot hold these files:\n" + "\n".join(f"  - {line}" for line in problems))


@contextlib.contextmanager
def _errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written: {error.strerror or error}",
            hint="free space or change the permissions of its folder, or set tool.lambda.output-dir to another one",
        ) from error


class Draft:
    """A zip that is being written, in a new file beside the target, and hashed as it grows."""

    def __init__(self, file: Beginning, stack: contextlib.ExitStack) -> None:
        self.path = file.path
        self.place = file.place
        self._file = file
        self._stream = file.stream
        self._base: Archive | None = None
        self._stack = stack
        self._copying = file.copying
        self._leading: tuple[Taken, ...] = ()
        self._prover: Prover | None = None
        self._copied: list[Taken] = []
        self._size = 0
        self._followed = 0
        self._stamp = 0
        self._rows: dict[str, ArchivedMember] = {}
        self._parts: list[Part] = []
        self._of_part = hashlib.sha256()
        self._facts: dict[str, Facts] = {}

    def _copy(
        self, ranges: Sequence[tuple[Archive | Place, int, int]], on_range: Callable[[int, int], None] | None = None
    ) -> None:
        self._copying = Copying(ranges, self._stream, self._file.follower.written, on_range)
        self._stack.enter_context(contextlib.closing(self._copying))

    def lead(self, parts: Sequence[Taken]) -> None:
        """Copy parts in a thread which ``finish`` is likely to be given, before it is known what else there is.

        Args:
            parts: with owners that come before all others, sorted by them. The zip has no base.
        """
        self._leading = tuple(parts)
        self._prover = self._proving()
        self._copy([(one.archive, one.part.start, one.part.length) for one in parts], self._prover.add)

    def _proving(self) -> Prover:
        return self._stack.enter_context(contextlib.closing(Prover(self._file.temporary)))

    def finish(
        self,
        members: Iterable[Member],
        *,
        base: Archive | None = None,
        records: Sequence[Record] = (),
        parts: Sequence[Taken] = (),
        payloads: Payloads | None = None,
        epoch: int | None = None,
        on_read: Callable[[], object] = lambda: None,
    ) -> Archive:
        """Write the rest; once.

        Args:
            members: in any order; no path twice, and none that the base or a part has.
            base: what is copied, and gets this archive's time stamp.
            records: RECORDs of what the members hold.
            parts: of archives without time stamp, taken over as they are; their owners have no members.
            payloads: what need not be compressed again.
            epoch: ``SOURCE_DATE_EPOCH``; None for 1980-01-01, which it is where there are parts.
            on_read: called when nobody needs the members' files any more.

        Raises:
            BundleError: an impossible path, a path twice, a source that is gone or changes while it is read.
            DamagedArchiveError: the base or a part is not what was written.
            OutputError: the target cannot be written.
        """
        assert self.place == (base.place if base else None)  # noqa: S101 - the caller's mistake, not a user's
        self._base = base
        fresh = sorted(members, key=attrgetter("owner", "path"))
        _refuse_impossible(fresh, chain(self._base.members if self._base else (), *(one.members for one in parts)))
        self._stamp = timestamp(epoch)
        with _errors(self.path):
            if self._base is not None:
                self._start(self._base)
            self._fill(fresh, records, parts, payloads or Payloads())
            on_read()
            archive = self._end()
            self._stream.truncate(self._size)
            self._file.take_place()
        return archive

    def _start(self, base: Archive) -> None:
        """The base's entries, with the time stamp."""
        assert self._copying is not None  # noqa: S101 - for mypy: begun with a base, see finish
        self._copying.wait()
        self._size = base.directory_offset
        self._file.follower.mark(self._size)
        self._facts |= base.facts
        if base.timestamp != self._stamp:
            self._proven(base)
            packed = pack_timestamp(self._stamp)
            for member in base.members:
                self._stream.seek(member.offset + TIMESTAMP_FIELD)
                self._stream.write(packed)
            self._stream.flush()
            self._file.follow_anew()
        self._stream.seek(self._size)

    def _proven(self, base: Archive) -> hashlib._Hash:
        """The digest of the base's entries, which are those that were written."""
        entries = self._file.follower.marked()
        if entries.hexdigest() != base.entries_sha256:
            raise damaged(base, "its bytes have changed")
        return entries

    def _fill(
        self, members: Sequence[Member], records: Sequence[Record], parts: Sequence[Taken], payloads: Payloads
    ) -> None:
        """Write the entries, owner by owner."""
        taken = {one.part.owner: one for one in parts}
        count = Counter(member.owner for member in members)
        recorded: dict[str, list[Record]] = {}
        for record in records:
            recorded.setdefault(record.owner, []).append(record)
        late: list[Record] = []
        # Closed at once when the disk is full, so that no thread outlives the error.
        with contextlib.closing(Compressing(members, payloads)) as compressing:
            made = iter(compressing)
            for owner in self._not_led(sorted({*taken, *count, *recorded}), taken):
                if owner in taken:
                    self._take(taken[owner])
                    continue
                start, self._of_part = self._size, hashlib.sha256()
                self._append(islice(made, count[owner]))
                # One that lists a file of another owner, who may be yet to come, has no part that stands for itself.
                own = [one for one in recorded.get(owner, ()) if all(map(self._rows.__contains__, one.listed))]
                self._append(Compressing(_made(own, self._rows), payloads))
                if len(own) == len(recorded.get(owner, ())):
                    digest = self._of_part.hexdigest()
                    self._parts.append(Part(owner=owner, start=start, length=self._size - start, sha256=digest))
                late += (one for one in recorded.get(owner, ()) if one not in own)
            self._append(Compressing(_made(late, self._rows), payloads))

        for one, digest in zip(self._copied, self._prover.digests() if self._prover else (), strict=True):
            if digest != one.part.sha256:
                raise damaged(one.archive, "its bytes have changed")

    def _not_led(self, owners: Sequence[str], taken: Mapping[str, Taken]) -> Sequence[str]:
        """The owners whose entries are not there yet."""
        if self._copying is None or not self._leading:
            return owners
        self._copying.wait()
        led = [one.part.owner for one in self._leading]
        if [*owners[: len(led)]] == led and all(taken.get(one.part.owner) is one for one in self._leading):
            for one in self._leading:
                self._enter(one)
            self._stream.seek(self._size)
            return owners[len(led) :]
        # Something else comes first.
        if self._prover is not None:
            self._prover.close()
        self._prover = None
        self._file.start_over()
        return owners

    def _take(self, taken: Taken) -> None:
        """Copy a part."""
        start, length = self._size, taken.part.length
        copy_range(taken.archive, taken.part.start, length, self._stream, self._file.follower.written)
        self._prover = self._prover or self._proving()
        self._prover.add(start, length)
        self._enter(taken)

    def _enter(self, taken: Taken) -> None:
        """Note a part that was copied last."""
        part, start = taken.part, self._size
        self._size = self._followed = start + part.length
        self._copied.append(taken)
        self._parts.append(part._replace(start=start))
        for member in taken.members:
            self._rows[member.path] = member._replace(offset=member.offset - part.start + start)
            if (facts := taken.archive.facts.get(member.path)) is not None:
                self._facts[member.path] = facts

    def _append(self, parts: Iterable[Compressed]) -> None:
        for part in parts:
            member = ArchivedMember(
                path=part.member.path,
                size=part.size,
                compressed_size=len(part.payload),
                crc=part.crc,
                method=part.method,
                offset=self._size,
                sha256=part.sha256,
                executable=part.member.executable,
                owner=part.member.owner,
                stripped=part.member.stripped,
            )
            header = local_header(member, self._stamp)
            if len(part.payload) < _SMALL:
                self._write(header + part.payload)
            else:
                self._write(header)
                self._write(part.payload)
            if part.facts is not None:
                self._facts[member.path] = part.facts
            self._rows[member.path] = member

    def _end(self) -> Archive:
        base, offset = self._base, self._size
        old = base.members if base else ()
        new = sorted(self._rows.values(), key=attrgetter("path"))
        rows = tuple(sorted(chain(old, new), key=attrgetter("path")))
        contents = content_digest(rows)
        # What can be done without it is done before the digest is waited for.
        self._stream.flush()
        made = self._file.follower.digest(offset)
        if base is not None and base.timestamp == self._stamp:
            pieces = spliced(kept_directory(base, self._proven(base)), old, new, self._stamp)
        else:
            pieces = directory(rows, self._stamp)
        for piece in pieces:
            self._write(piece)
        self._write(end_of_directory(count=len(rows), size=self._size - offset, offset=offset))
        self._stream.flush()
        self._file.follower.written(self._size)
        return Archive(
            path=self.path,
            members=rows,
            size=self._size,
            unzipped_size=sum(row.size for row in rows),
            content_digest=contents,
            sha256=self._file.follower.digest(self._size).hexdigest(),
            directory_offset=offset,
            entries_sha256=made.hexdigest(),
            entries=made,
            timestamp=self._stamp,
            facts=self._facts,
            parts=tuple(self._parts),
        )

    def _write(self, data: bytes | bytearray | memoryview) -> None:
        self._stream.write(data)
        self._of_part.update(data)
        self._size += len(data)
        if self._size - self._followed > _FOLLOWED:
            self._stream.flush()
            self._file.follower.written(self._size)
            self._followed = self._size


def _made(records: Iterable[Record], written: Mapping[str, ArchivedMember]) -> list[Member]:
    made = []
    for record in records:
        rows = (
            (path[len(record.root) :], bytes.fromhex(written[path].sha256), written[path].size)
            for path in record.listed
        )
        text = record_text(rows, record.path[len(record.root) :])
        made.append(Member(path=record.path, source=text, owner=record.owner))
    return made
