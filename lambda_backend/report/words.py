"""What the person is told while a build runs: plain lines on standard error."""

from __future__ import annotations

import sys
import time
from typing import TextIO

__all__ = ["Words"]

_PATIENCE = 2.0
"""Seconds until a person wants to know that something happens."""


class Words:
    """Says what is being done.

    Args:
        stream: where the lines go; standard error, since a frontend may read our standard output.
        verbose: also hand on what the tools themselves say.
    """

    def __init__(self, stream: TextIO | None = None, *, verbose: bool = False) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._verbose = verbose
        self._said = time.monotonic()
        self.lines: list[str] = []
        """What was said, but for details."""

    def say(self, line: str) -> None:
        """One step, in one line."""
        self._said = time.monotonic()
        self._print(f"lambda-backend: {line}")

    def detail(self, line: str) -> None:
        """One line of a tool's own log: always when verbose, and else as progress of a step that takes long."""
        if line and (self._verbose or time.monotonic() - self._said > _PATIENCE):
            print(f"    {line}", file=self._stream, flush=True)

    def block(self, text: str) -> None:
        """Lines that belong together, as they are."""
        self._print(text)

    def _print(self, text: str) -> None:
        self.lines.append(text)
        print(text, file=self._stream, flush=True)
