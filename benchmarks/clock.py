"""Runs a command and measures it: seconds, and in a run of its own the memory of all its processes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psutil

    from benchmarks.model import Command

__all__ = ["BenchmarkError", "Timed", "memory", "timed"]

_EVERY = 0.01
"""Seconds between two looks at memory."""
_SHIMS = ("containerd-shim", "conmon")
"""Parents of containers, which are no children of the command that starts them."""


class BenchmarkError(Exception):
    """A contestant failed, or did less than it has to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timed:
    """What a command took."""

    seconds: float
    processor: float
    """Seconds of processors, of all its processes together; those in containers are not its own."""


def timed(command: Command, log: Path) -> Timed:
    """Run a command and time it.

    Raises:
        BenchmarkError: it failed; with the end of its log.
    """
    with _started(command, log) as (process, started):
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    _require(process.returncode, command, log)
    return Timed(seconds=took, processor=usage.ru_utime + usage.ru_stime)


def memory(command: Command, log: Path) -> int:
    """Run a command and give the peak memory of all its processes together, in bytes.

    What processes share is divided among them (proportional set size). Processes in containers count as well, if no
    other containers are started meanwhile. Looking takes time, so such a run is never one that is timed.

    Raises:
        BenchmarkError: it failed; with the end of its log.
    """
    import psutil

    peak = 0
    born = time.time()
    with _started(command, log) as (process, _):
        root = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, sum(map(_proportional, _family(root, born))))
            time.sleep(_EVERY)
        code = process.returncode
    _require(code, command, log)
    return peak


@contextlib.contextmanager
def _started(command: Command, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    environ = {**os.environ, **command.env}
    for name in ("VIRTUAL_ENV", "PYTHONPATH", "PIP_BUILD_TRACKER", "PYTHONDONTWRITEBYTECODE"):
        environ.pop(name, None)
    with log.open("wb") as stream:
        started = time.perf_counter()
        process = subprocess.Popen(
            ["sh", "-ec", command.script],
            cwd=command.cwd,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process, started
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _require(code: int, command: Command, log: Path) -> None:
    if code != 0:
        tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-30:])
        raise BenchmarkError(f"exit code {code}:\n{command.script}\n{tail}")


def _family(root: psutil.Process, born: float) -> list[psutil.Process]:
    import psutil

    found = [root]
    with contextlib.suppress(psutil.NoSuchProcess):
        found += root.children(recursive=True)
    for process in psutil.process_iter(["name", "create_time"]):
        if process.info["name"].startswith(_SHIMS) and process.info["create_time"] >= born:
            with contextlib.suppress(psutil.NoSuchProcess):
                found += process.children(recursive=True)
    return list(dict.fromkeys(found))


def _proportional(process: psutil.Process) -> int:
    import psutil

    try:
        found = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
    return int(getattr(found, "pss", found.rss))
