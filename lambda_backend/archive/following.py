"""Hashes a file of ours in a thread while another one writes it: what lies in it, and in the time of the writing."""

from __future__ import annotations

import hashlib
import mmap
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import queue
    from io import FileIO
    from pathlib import Path

__all__ = ["BLOCK", "Follower", "Prover"]

BLOCK = 1 << 20
_TURN = 32 << 20
"""Bytes hashed at a time, of which none are held in memory: after each turn the thread waits for the interpreter's
lock, which others that compute give away only every few milliseconds."""


def _add(digest: hashlib._Hash, stream: FileIO, start: int, count: int) -> int:
    """Hash bytes of a file, and tell how many there were.

    Mapped, they are neither copied nor waited for twice. The system ends who reads of a mapped file what is not there
    any more: so it is one that nobody else knows of, and not made shorter while it is hashed.
    """
    skip = start % mmap.ALLOCATIONGRANULARITY
    try:
        mapped = mmap.mmap(stream.fileno(), skip + count, access=mmap.ACCESS_READ, offset=start - skip)
    except (OSError, ValueError):  # a file system that maps no files; a file that has become shorter
        stream.seek(start)
        found = stream.read(count)
        digest.update(found)
        return len(found)
    with mapped, memoryview(mapped) as whole, whole[skip:] as wanted:
        digest.update(wanted)
    return count


class Follower:
    """The SHA-256 of a file that grows, up to where it was said to be written.

    Args:
        path: of the file, which is there.
        known: the digest of its first bytes, and how many those are, where somebody has hashed them already.
    """

    def __init__(self, path: Path, known: tuple[hashlib._Hash, int] | None = None) -> None:
        self._stream = path.open("rb", buffering=0)
        self._digest, self._hashed = (known[0].copy(), known[1]) if known else (hashlib.sha256(), 0)
        self._written = 0
        self._mark = 0
        self._marked: hashlib._Hash | None = None
        self._closed = False
        self._error: OSError | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._follow, name="hash", daemon=True)
        self._thread.start()

    def written(self, size: int) -> None:
        """Say how many bytes the file has that no one changes any more."""
        with self._changed:
            self._written = size
            self._changed.notify_all()

    def digest(self, size: int) -> hashlib._Hash:
        """Wait for the digest of the first bytes, which are written; not fewer than at the call before.

        Raises:
            OSError: the file cannot be read.
        """
        self.written(size)
        with self._changed:
            self._changed.wait_for(lambda: self._error or self._hashed == size)
            if self._error is not None:
                raise self._error
            return self._digest.copy()

    def mark(self, size: int) -> None:
        """Keep the digest of the first bytes, which are all that is written by now; once."""
        with self._changed:
            self._mark = self._written = size
            self._note()
            self._changed.notify_all()

    def marked(self) -> hashlib._Hash:
        """Wait for the digest that is kept.

        Raises:
            OSError: the file cannot be read.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._error or self._marked)
            if self._error is not None:
                raise self._error
            assert self._marked is not None  # noqa: S101 - for mypy: waited for
            return self._marked

    def _note(self) -> None:
        if self._marked is None and self._hashed == self._mark:
            self._marked = self._digest.copy()

    def close(self) -> None:
        """Stop, wherever it is."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        self._stream.close()

    def _follow(self) -> None:
        try:
            while count := self._wait():
                count = _add(self._digest, self._stream, self._hashed, count)
                if not count:
                    # Told like any other error of the file, below.
                    raise OSError(0, "it has become shorter while it was written")  # noqa: TRY301 - see above
                with self._changed:
                    self._hashed += count
                    self._note()
                    self._changed.notify_all()
        except OSError as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _wait(self) -> int:
        """How many bytes may be read next; 0 at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._hashed < self._written)
            end = self._mark if self._hashed < self._mark else self._written
            return 0 if self._closed else min(_TURN, end - self._hashed)


class Prover:
    """Hashes ranges of a file, one after the other.

    Args:
        path: of the file, which is there.
    """

    def __init__(self, path: Path) -> None:
        # An edit of code has no need of it.
        import queue

        self._path = path
        self._ranges: queue.SimpleQueue[tuple[int, int] | None] = queue.SimpleQueue()
        self._found: list[str] = []
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="prove", daemon=True)
        self._thread.start()

    def add(self, start: int, length: int) -> None:
        """One more range, which no one changes any more."""
        self._ranges.put((start, length))

    def digests(self) -> list[str]:
        """Wait for the SHA-256, in hex, of each range, of as much as there is; none comes after that.

        Raises:
            OSError: the file cannot be read.
        """
        self.close()
        if self._error is not None:
            raise self._error
        return self._found

    def close(self) -> None:
        """Wait for the end."""
        self._ranges.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            with self._path.open("rb", buffering=0) as stream:
                while (found := self._ranges.get()) is not None:
                    start, length = found
                    digest = hashlib.sha256()
                    while length and (count := _add(digest, stream, start, min(_TURN, length))):
                        start += count
                        length -= count
                    self._found.append(digest.hexdigest())
        except OSError as error:
            self._error = error
