"""Copies ranges of bytes from file to file, by the system where it can."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, NamedTuple

from lambda_backend.archive.following import BLOCK
from lambda_backend.errors import DamagedArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from lambda_backend.archive.model import Archive

__all__ = ["Copying", "Place", "copy_range", "damaged", "reserve"]

_AT_ONCE = 32 << 20


class Place(NamedTuple):
    """Where a finished zip lies, and how much of it a later one copies."""

    path: Path
    size: int
    directory_offset: int


class Copying:
    """Copies parts of archives to the start of an empty file, one after the other, in a thread.

    Args:
        ranges: of archives, each with the place and length of what is copied.
        stream: of nobody else until ``wait`` is back.
        on_progress: is told how many bytes there are.
        on_range: is told of each range where it lies now, and its length.
    """

    def __init__(
        self,
        ranges: Sequence[tuple[Archive | Place, int, int]],
        stream: BinaryIO,
        on_progress: Callable[[int], None],
        on_range: Callable[[int, int], None] | None = None,
    ) -> None:
        self._ranges = ranges
        self._stream = stream
        self._on_progress = on_progress
        self._on_range = on_range
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="copy", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait for the end.

        Raises:
            DamagedArchiveError: the archive is gone or too short.
            OSError: the file cannot be written.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Wait for the end, whatever it is."""
        self._thread.join()

    def _run(self) -> None:
        try:
            at = 0
            for archive, start, length in self._ranges:
                copy_range(archive, start, length, self._stream, self._on_progress)
                if self._on_range is not None:
                    self._on_range(at, length)
                at += length
        except (DamagedArchiveError, OSError) as error:
            self._error = error


def copy_range(
    archive: Archive | Place, start: int, length: int, stream: BinaryIO, on_progress: Callable[[int], None]
) -> None:
    """Copy a part of an archive to where another file is about to be written.

    Raises:
        DamagedArchiveError: the archive is gone or too short.
        OSError: the file cannot be written.
    """
    try:
        source = archive.path.open("rb", buffering=0)
    except OSError as error:
        raise damaged(archive, error.strerror or str(error)) from error
    with source:
        at = stream.tell()
        stream.seek(at)  # what is buffered is written, and the system is where we are
        source.seek(start)
        copied = _copy_in_kernel(source.fileno(), stream.fileno(), length, lambda count: on_progress(at + count))
        source.seek(start + copied)
        stream.seek(at + copied)
        while copied < length and (block := source.read(min(BLOCK, length - copied))):
            stream.write(block)
            copied += len(block)
        stream.flush()
    if copied != length:
        raise damaged(archive, "it is too short")
    on_progress(at + copied)


def _copy_in_kernel(source: int, target: int, length: int, on_progress: Callable[[int], None]) -> int:
    """Copy as much as the system copies by itself; gives how much that was."""
    copied = 0
    call = getattr(os, "copy_file_range", None)
    # Not on this system, not across these file systems, not here: the caller reads and writes the rest, and meets
    # the errors that are real ones.
    with contextlib.suppress(OSError):
        while call and copied < length and (count := call(source, target, min(_AT_ONCE, length - copied))):
            copied += count
            on_progress(copied)
    return copied


def reserve(stream: BinaryIO, size: int) -> None:
    """Let an empty file have room for so many bytes; who writes it cuts off what is left over.

    ext4 looks for room when the file takes another one's place, 30 ms for 60 MB, unless there is some by then.
    """
    if hasattr(os, "posix_fallocate"):
        # Where there is no room or no such call, the writing tells what is of account.
        with contextlib.suppress(OSError):
            os.posix_fallocate(stream.fileno(), 0, size)


def damaged(archive: Archive | Place, why: str) -> DamagedArchiveError:
    """The error for a kept archive that is not what it was."""
    return DamagedArchiveError(
        f"{archive.path}, the kept archive to build on, cannot be read: {why}",
        hint="remove the cache folder (LAMBDA_BACKEND_CACHE_DIR names it) and build again",
    )
