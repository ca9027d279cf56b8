"""Reads, hashes and compresses members in threads; gives them in order, with what their bytes tell the checks.

The compressor is libdeflate, from the PyPI package ``deflate``: it comes with the package, so that the bytes do not
depend on the host's zlib. It leaves the interpreter lock, as ``hashlib`` does.
"""

from __future__ import annotations

import bisect
import hashlib
import itertools
import os
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lambda_backend.archive.format import DEFLATED, STORED
from lambda_backend.errors import BundleError
from lambda_backend.facts.collect import facts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from lambda_backend.archive.payloads import Payloads
    from lambda_backend.bundle.model import Member
    from lambda_backend.facts.model import Facts

__all__ = ["Compressed", "Compressing"]

LEVEL = 5
"""Smaller than zlib's level 6 on real packages (0.3 % on numpy, pandas and scipy), and a fifth quicker than level 6."""
_THREADS = 8
_IN_FLIGHT_BYTES = 48 << 20
_BATCH_BYTES = 1 << 20
_MEMBER_BYTES = 1 << 10
"""What a member takes in memory besides its bytes, roughly."""


class Compressed(NamedTuple):
    """A member's bytes as they go into a zip; a tuple, for there are thousands."""

    member: Member
    size: int
    crc: int
    sha256: str
    method: int
    payload: bytes | bytearray
    facts: Facts | None


class Compressing:
    """Compresses members in threads, from now on, and gives them in their order.

    At most 48 MiB of sources are on their way at a time, or one file that is larger by itself. A file is held in
    memory as a whole, for libdeflate compresses no streams; Lambda's limit bounds it to 250 MiB.

    Args:
        members: of an archive.
        payloads: what need not be compressed again.

    Raises:
        BundleError: a source is gone or changes while it is read.
    """

    def __init__(self, members: Sequence[Member], payloads: Payloads) -> None:
        self._payloads = payloads
        self._batches = _batches(members)
        self._alone: list[Member] = []
        self._queue: deque[tuple[int, Future[list[Compressed]]]] = deque()
        self._waiting = 0
        self._threads: _Threads | None = None
        first = list(itertools.islice(self._batches, 2))
        if len(first) < 2:  # noqa: PLR2004 - one batch alone needs no threads
            self._alone = [member for _, batch in first for member in batch]
            return
        self._batches = itertools.chain(first, self._batches)
        self._threads = _Threads(payloads)
        self._next = next(self._batches, None)
        try:
            self._submit()
        except BaseException:  # whatever it is, nobody has this object to close it
            self.close()
            raise

    def __iter__(self) -> Iterator[Compressed]:
        yield from _compress_all(self._alone, self._payloads)
        while self._queue:
            size, future = self._queue.popleft()
            made = future.result()
            self._waiting -= size
            self._submit()
            yield from made

    def close(self) -> None:
        """Stop, wherever it is."""
        if self._threads is not None:
            self._threads.close()

    def _submit(self) -> None:
        """Give the threads as much as may be on its way."""
        assert self._threads is not None  # noqa: S101 - for mypy: they are made before anything is submitted
        while self._next is not None and (not self._queue or self._waiting + self._next[0] <= _IN_FLIGHT_BYTES):
            size, batch = self._next
            self._queue.append((size, self._threads.submit(size, batch)))
            self._waiting += size
            self._next = next(self._batches, None)


class _Threads:
    """Compresses the largest files of what waits in all threads but one, and the smallest in that one.

    Large ones leave the interpreter's lock to others for nearly all of their time. Small ones do not: two threads take
    longer with them than one. And the largest, begun last, would keep one thread busy when the others have ended.
    """

    def __init__(self, payloads: Payloads) -> None:
        # An edit of code has no need of it.
        from concurrent.futures import Future, ThreadPoolExecutor

        count = min(_THREADS, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(max_workers=count, thread_name_prefix="compress")
        self._payloads = payloads
        self._future = Future
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._waiting: list[tuple[int, int, list[Member], Future[list[Compressed]]]] = []
        self._has_small = False

    def submit(self, size: int, batch: list[Member]) -> Future[list[Compressed]]:
        """Compress members when their turn comes."""
        made: Future[list[Compressed]] = self._future()
        with self._lock:
            bisect.insort(self._waiting, (size // len(batch), next(self._numbers), batch, made))
        self._pool.submit(self._compress)
        return made

    def close(self) -> None:
        """Stop, wherever it is."""
        self._pool.shutdown(cancel_futures=True)

    def _compress(self) -> None:
        with self._lock:
            is_small, self._has_small = not self._has_small, True
            _, _, batch, made = self._waiting.pop(0 if is_small else -1)
        try:
            made.set_result(_compress_all(batch, self._payloads))
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            made.set_exception(error)
        finally:
            if is_small:
                self._has_small = False


def _batches(members: Sequence[Member]) -> Iterator[tuple[int, list[Member]]]:
    """Members in their order with the bytes of their sources, small ones together: a task has a cost of its own."""
    total = 0
    batch: list[Member] = []
    for member in members:
        size = _MEMBER_BYTES + _size(member)
        if batch and total + size > _BATCH_BYTES:
            yield total, batch
            total, batch = 0, []
        total += size
        batch.append(member)
    if batch:
        yield total, batch


def _compress_all(members: Sequence[Member], payloads: Payloads) -> list[Compressed]:
    return [_compress(member, payloads) for member in members]


def _compress(member: Member, payloads: Payloads) -> Compressed:
    content = _read(member)
    sha256 = hashlib.sha256(content).hexdigest()
    method, crc, payload = _taken(sha256, payloads) or _made(content)
    known, facts = payloads.facts(sha256, member.path)
    return Compressed(
        member=member,
        size=len(content),
        crc=crc,
        sha256=sha256,
        method=method,
        payload=payload,
        facts=facts if known else facts_of(member.path, content),
    )


def _taken(sha256: str, payloads: Payloads) -> tuple[int, int, bytes] | None:
    found = payloads.get(sha256)
    return None if found is None else (found[0].method, found[0].crc, found[1])


def _made(content: bytes) -> tuple[int, int, bytes | bytearray]:
    import deflate

    payload: bytes | bytearray = deflate.deflate_compress(content, LEVEL)
    crc = deflate.crc32(content)
    return (DEFLATED, crc, payload) if len(payload) < len(content) else (STORED, crc, content)


def _size(member: Member) -> int:
    if isinstance(member.source, bytes):
        return len(member.source)
    if member.size is not None:
        return member.size
    try:
        return os.stat(member.source).st_size  # noqa: PTH116 - of thousands of files; Path takes as long again
    except OSError as error:
        raise _unreadable(member, error) from error


def _read(member: Member) -> bytes:
    source = member.source
    if isinstance(source, bytes):
        return source
    try:
        # No file object, which asks the system twice as much; there are thousands of small files.
        descriptor = os.open(source, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            before = os.fstat(descriptor)
            content = _whole(descriptor, before.st_size)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _unreadable(member, error) from error
    if before.st_mtime_ns != after.st_mtime_ns or not before.st_size == after.st_size == len(content):
        raise BundleError(f"{source} changed while it was read", hint="build again when nothing writes to it")
    return content


def _whole(descriptor: int, size: int) -> bytes:
    """As much as a file has, though it be more or less than it said."""
    content = os.read(descriptor, size + 1)
    if len(content) == size:
        return content
    parts = [content]  # more than the system reads at once, or the file is changing
    while part := os.read(descriptor, _BATCH_BYTES):
        parts.append(part)
    return b"".join(parts)


def _unreadable(member: Member, error: OSError) -> BundleError:
    assert isinstance(member.source, Path)  # noqa: S101 - bytes are not read from anywhere
    return BundleError(f"{member.source} (for {member.path}) cannot be read: {error.strerror or error}")
