"""What a person sees at a terminal while long work runs; everywhere else it is plain lines."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING

from lambda_backend.report.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.status import Status

__all__ = ["words"]

_PATIENCE = 0.5
"""Seconds until a step shows that it goes on. What takes less is not worth the import of rich."""


@contextlib.contextmanager
def words(environ: Mapping[str, str], step: str) -> Iterator[Words]:
    """How a command says what it does: alive on a terminal, in plain lines in CI and in files.

    Args:
        environ: of the process.
        step: what is done until something is said.
    """
    verbose = bool(environ.get("LAMBDA_BACKEND_VERBOSE"))
    if verbose or environ.get("CI") or environ.get("TERM") == "dumb" or not sys.stderr.isatty():
        yield Words(verbose=verbose)
        return
    with contextlib.closing(_LiveWords(step)) as alive:
        yield alive


class _LiveWords(Words):
    """Says each step in a line, and turns a wheel behind one that takes long. To be closed.

    Args:
        step: the first one, which gets a wheel and no line.
    """

    def __init__(self, step: str) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._status: Status | None = None
        self._step = ""
        self._expect(step)

    def say(self, line: str) -> None:
        """One step, in one line."""
        self.close()
        super().say(line)
        self._expect(line)

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

    def _expect(self, step: str) -> None:
        with self._lock:
            self._step = step
            self._timer = threading.Timer(_PATIENCE, self._turn)
            self._timer.daemon = True
            self._timer.start()

    def _turn(self) -> None:
        from rich.console import Console

        with self._lock:
            if self._timer is threading.current_thread():  # else the step is over
                self._status = Console(stderr=True).status(self._text(self._step))
                self._status.start()

    def _text(self, line: str) -> str:
        from rich.markup import escape

        return escape(line)
