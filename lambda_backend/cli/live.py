"""What a person sees at a terminal while long work runs; everywhere else it is plain lines."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from lambda_backend.report.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.status import Status

__all__ = ["LiveWords", "words"]

_PATIENCE = 0.5
"""Seconds until a step shows that it goes on. What takes less is not worth the import of rich."""


def words(environ: Mapping[str, str]) -> Words:
    """How a command says what it does: alive on a terminal, in plain lines in CI and in files."""
    verbose = bool(environ.get("LAMBDA_BACKEND_VERBOSE"))
    if verbose or environ.get("CI") or environ.get("TERM") == "dumb" or not sys.stderr.isatty():
        return Words(verbose=verbose)
    return LiveWords()


class LiveWords(Words):
    """Says each step in a line, and turns a wheel behind one that takes long. To be closed."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._status: Status | None = None
        self._step = ""

    def say(self, line: str) -> None:
        """One step, in one line."""
        self.close()
        super().say(line)
        with self._lock:
            self._step = line
            self._timer = threading.Timer(_PATIENCE, self._turn)
            self._timer.daemon = True
            self._timer.start()

    def detail(self, line: str) -> None:
        """One line of a tool's own log, behind the wheel."""
        with self._lock:
            if self._status is not None and line.strip():
                self._status.update(self._text(line.strip()))

    def block(self, text: str) -> None:
        """Lines that belong together, as they are."""
        self.close()
        super().block(text)

    def close(self) -> None:
        """Leave nothing on the terminal but lines."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._status is not None:
                self._status.stop()
                self._status = None

    def _turn(self) -> None:
        from rich.console import Console

        with self._lock:
            if self._timer is threading.current_thread():  # else the step is over
                self._status = Console(stderr=True).status(self._text(self._step))
                self._status.start()

    def _text(self, line: str) -> str:
        from rich.markup import escape

        return escape(line)
