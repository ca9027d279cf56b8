"""Reads, hashes and compresses members in threads; gives them in order, with what their bytes tell the checks.

The compressor is libdeflate, from the PyPI package ``deflate``: it comes with the package, so that the bytes do not
depend on the host's zlib. It leaves the interpreter lock, as ``hashlib`` does.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_backend.archive.format import DEFLATED, STORED
from lambda_backend.errors import BundleError
from lambda_backend.facts.collect import facts_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from concurrent.futures import Future

    from lambda_backend.archive.payloads import Payloads
    from lambda_backend.bundle.model import Member
    from lambda_backend.facts.model import Facts

__all__ = ["Compressed", "compressed"]

LEVEL = 5
"""Smaller than zlib's level 6 on real packages (0.3 % on numpy, pandas and scipy), and a fifth quicker than level 6."""
_THREADS = 8
_IN_FLIGHT_BYTES = 48 << 20
_BATCH_BYTES = 1 << 20
_MEMBER_BYTES = 1 << 10
"""What a member takes in memory besides its bytes, roughly."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compressed:
    """A member's bytes as they go into a zip."""

    member: Member
    size: int
    crc: int
    sha256: str
    method: int
    payload: bytes | bytearray
    facts: Facts | None


def compressed(members: Sequence[Member], payloads: Payloads) -> Generator[Compressed, None, None]:
    """Compress members in threads and give them in their order.

    At most 48 MiB of sources are on their way at a time, or one file that is larger by itself. A file is held in
    memory as a whole, for libdeflate compresses no streams; Lambda's limit bounds it to 250 MiB.

    Args:
        members: of an archive.
        payloads: what need not be compressed again.

    Raises:
        BundleError: a source is gone or changes while it is read.
    """
    batches = _batches(members)
    first = list(itertools.islice(batches, 2))
    if len(first) < 2:  # noqa: PLR2004 - one alone
        for _, batch in first:
            yield from _compress_all(batch, payloads)
        return
    # An edit of code has no need of it.
    from concurrent.futures import ThreadPoolExecutor

    threads = ThreadPoolExecutor(max_workers=min(_THREADS, os.cpu_count() or 1), thread_name_prefix="compress")
    queue: deque[tuple[int, Future[list[Compressed]]]] = deque()
    waiting = 0
    try:
        for size, batch in itertools.chain(first, batches):
            while queue and waiting + size > _IN_FLIGHT_BYTES:
                done, future = queue.popleft()
                yield from future.result()
                waiting -= done
            queue.append((size, threads.submit(_compress_all, batch, payloads)))
            waiting += size
        while queue:
            yield from queue.popleft()[1].result()
    finally:
        threads.shutdown(cancel_futures=True)


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
    try:
        return member.source.stat().st_size
    except OSError as error:
        raise _unreadable(member, error) from error


def _read(member: Member) -> bytes:
    source = member.source
    if isinstance(source, bytes):
        return source
    try:
        with source.open("rb", buffering=0) as stream:
            before = os.fstat(stream.fileno())
            content = stream.readall()
            after = os.fstat(stream.fileno())
    except OSError as error:
        raise _unreadable(member, error) from error
    if before.st_mtime_ns != after.st_mtime_ns or not before.st_size == after.st_size == len(content):
        raise BundleError(f"{source} changed while it was read", hint="build again when nothing writes to it")
    return content


def _unreadable(member: Member, error: OSError) -> BundleError:
    assert isinstance(member.source, Path)  # noqa: S101 - bytes are not read from anywhere
    return BundleError(f"{member.source} (for {member.path}) cannot be read: {error.strerror or error}")
