"""The function's process with all that it starts: its memory, its log, its end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from .api import Happening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["Function", "adopt_orphans", "ended_words"]

_SAMPLING = 0.02
"""Seconds between two looks at the memory."""
_KILLING = 5
"""Seconds for processes to be gone after SIGKILL."""
_CHILD_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER, prctl(2)."""


def adopt_orphans() -> None:
    """Become the parent of what the function leaves behind, so that it can be found and ended."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)


def ended_words(code: int) -> str:
    """How Lambda says it (those are Go's words); negative codes are signals."""
    if code == 0:
        return "Runtime exited without providing a reason"
    how = f"exit status {code}" if code > 0 else f"signal: {(signal.strsignal(-code) or str(-code)).lower()}"
    return f"Runtime exited with error: {how}"


class Function:
    """A running process.

    Args:
        argv: its command.
        environment: all of it.
        cwd: its working folder.
        limit: bytes of memory, for it and all that it starts; None for no limit.
        tell: is told of its end, and when it takes more memory than it may.
        on_line: gets every line of its standard output and error.
        keep: file descriptors that it inherits.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: str,
        limit: int | None,
        tell: Callable[[Happening], None],
        on_line: Callable[[bytes], None],
        keep: Sequence[int] = (),
    ) -> None:
        self.peak = 0
        """Bytes of memory."""
        self._limit = limit
        self._tell = tell
        self._on_line = on_line
        self._closing = threading.Event()
        self._process = subprocess.Popen(
            list(argv),
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=tuple(keep),
        )
        self._threads = [
            threading.Thread(target=target, daemon=True) for target in (self._watch, self._await, self._hear)
        ]
        for thread in self._threads:
            thread.start()

    def measure(self) -> bool:
        """Look at the memory; False when it is more than it may be."""
        self.peak = max(self.peak, _memory([self._process.pid, *_below(self._process.pid)]))
        return self._limit is None or self.peak <= self._limit

    def close(self) -> None:
        """End it and all that it started, and hear the rest of its log."""
        self._closing.set()
        end = time.monotonic() + _KILLING
        while (running := list(_below(os.getpid()))) and time.monotonic() < end:
            for pid in running:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
                if pid != self._process.pid:
                    with contextlib.suppress(OSError):  # not ours yet: its parent is still there
                        os.waitpid(pid, os.WNOHANG)
            time.sleep(0.001)
        for thread in self._threads:
            thread.join(_KILLING)

    def _watch(self) -> None:
        while not self._closing.wait(_SAMPLING):
            if not self.measure():
                self._tell(Happening("memory"))
                return

    def _await(self) -> None:
        self._tell(Happening("exit", self._process.wait()))

    def _hear(self) -> None:
        stream: IO[bytes] | None = self._process.stdout
        if stream is not None:
            with stream:
                for line in stream:
                    # The runtime client separates the lines of an error by CR: one entry of the log.
                    for part in line.rstrip(b"\r\n").split(b"\r"):
                        self._on_line(part)


def _below(pid: int) -> Iterator[int]:
    # proc(5): each thread has the children that it started itself.
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, children.read_text("ascii").split()):
                yield child
                yield from _below(child)


def _memory(pids: Sequence[int]) -> int:
    """Bytes that processes have in memory, what they share counted once; for a single one the most that it ever had."""
    # proc(5): of a fork's pages Pss counts each sharer's part.
    file, key = ("status", "VmHWM:") if len(pids) == 1 else ("smaps_rollup", "Pss:")
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/{file}").read_text("utf-8", "replace").splitlines():
                if line.startswith(key):
                    total += int(line.split()[1]) << 10
                    break
    return total
