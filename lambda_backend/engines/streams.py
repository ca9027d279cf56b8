"""Bytes of a command's output as text and lines."""

from __future__ import annotations

import codecs
import struct
from typing import IO, TYPE_CHECKING

from lambda_backend.settings.interpolate import redact_urls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["LineReader", "frames", "last_lines"]

_SHOWN_LINES = 20
_HEAD = struct.Struct(">B3xL")
_LOG = 2


class LineReader:
    """Collects text that comes in pieces, and hands it on line by line."""

    def __init__(self, on_line: Callable[[str], None] | None = None) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pieces: list[str] = []
        self._pending = ""
        self._on_line = on_line

    def feed(self, data: bytes) -> None:
        """Take the next piece; it may end anywhere, also inside a character."""
        self._take(self._decoder.decode(data))

    def close(self) -> str:
        """Hand on what is left of the last line, and give the whole text."""
        self._take(self._decoder.decode(b"", final=True))
        if self._pending:
            pending, self._pending = self._pending, ""
            self._hand_on(pending)
        return "".join(self._pieces)

    def _take(self, text: str) -> None:
        self._pieces.append(text)
        *lines, self._pending = (self._pending + text).split("\n")
        for line in lines:
            self._hand_on(line)

    def _hand_on(self, line: str) -> None:
        if self._on_line is not None:
            self._on_line(line.rstrip("\r"))


def frames(stream: IO[bytes]) -> Iterator[tuple[bool, bytes]]:
    """The pieces of a command's output as Docker's API sends both of its streams over one connection.

    Each has a head of eight bytes: 2 for standard error, three zeros, and its length.

    Args:
        stream: buffered; it blocks until a piece is whole.

    Yields:
        Whether it is of standard error, and the piece.
    """
    while len(head := stream.read(_HEAD.size)) == _HEAD.size:
        kind, length = _HEAD.unpack(head)
        yield kind == _LOG, stream.read(length)


def last_lines(lines: Iterable[str]) -> str:
    """The end of what an engine said, for an error: indented, without the user parts of URLs."""
    kept = [line.rstrip() for text in lines for line in text.splitlines() if line.strip()]
    return "\n".join(f"    {redact_urls(line)}" for line in kept[-_SHOWN_LINES:])
