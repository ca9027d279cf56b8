"""A command of the host, run to its end with its standard error handed on as it comes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from lambda_backend.engines.protocol import ExecResult
from lambda_backend.engines.streams import LineReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["run"]

_PIECE = 65536
_CLEANING = 5
"""Seconds that a command gets to clean up."""


def run(  # noqa: PLR0913 - all by name
    argv: Sequence[str],
    *,
    environ: Mapping[str, str],
    cwd: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
    merged: bool = False,
    detached: bool = False,
    cleans_up: bool = False,
) -> ExecResult:
    """Run a command.

    Args:
        argv: the command.
        environ: its environment, whole.
        cwd: the folder that it runs in.
        on_line: gets every line of its standard error.
        stdin: what it reads; nothing by default.
        stdout: where its standard output goes instead of into the result.
        merged: its standard output counts as standard error, in the order in which both come.
        detached: the terminal's Ctrl-C does not reach it; it ends with all that it started.
        cleans_up: it does so when a program that it runs fails, and not when it is ended itself: where the wait for it
            is cut off, what it runs is ended first.

    Raises:
        OSError: it cannot be started.
    """
    output, log = LineReader(), LineReader(on_line)
    process = subprocess.Popen(
        list(argv),
        env=dict(environ),
        cwd=cwd,
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE if stdout is None else stdout,
        stderr=subprocess.STDOUT if merged else subprocess.PIPE,
        start_new_session=detached,
    )
    threads = [threading.Thread(target=_drain, args=(None if merged else process.stdout, output), daemon=True)]
    if stdin is not None:
        threads.append(threading.Thread(target=_feed, args=(stdin, process.stdin), daemon=True))
    try:
        for thread in threads:
            thread.start()
        _drain(process.stdout if merged else process.stderr, log)
        code = process.wait()
    except BaseException:
        try:
            if cleans_up:
                _end_programs(process)
        finally:
            _kill(process, group=detached)
            process.wait()
        # What it started (Finch starts ssh, and a script its command) may outlive it and keep the pipes open. Nobody
        # waits for that: the threads end with it.
        raise
    for thread in threads:
        thread.join()
    return ExecResult(exit_code=code, output=output.close(), log=log.close())


def _kill(process: subprocess.Popen[bytes], *, group: bool) -> None:
    if group and hasattr(os, "killpg") and process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def _end_programs(process: subprocess.Popen[bytes]) -> None:
    """End what a command's own helpers run, until it has ended by itself or its time is up."""
    end = time.monotonic() + _CLEANING
    # Linux only; elsewhere Podman's builds run on another machine, which ends them.
    while Path("/proc/self/task").is_dir() and process.poll() is None and time.monotonic() < end:
        for program in [under for helper in _children(process.pid) for under in _children(helper)]:
            with contextlib.suppress(OSError):
                os.kill(program, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)


def _children(pid: int) -> Iterator[int]:
    # proc(5): each thread has the children that it started itself.
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            yield from map(int, children.read_text("ascii").split())


def _drain(stream: IO[bytes] | None, reader: LineReader) -> None:
    if stream is not None:
        with stream:
            while piece := stream.read1(_PIECE):  # type: ignore[attr-defined]
                reader.feed(piece)


def _feed(source: IO[bytes], stream: IO[bytes] | None) -> None:
    if stream is None:
        return
    # A command that stops reading says why by its own message and exit code; one that was ended gets no more.
    with contextlib.suppress(BrokenPipeError, ValueError), stream:
        while piece := source.read(_PIECE):
            stream.write(piece)
