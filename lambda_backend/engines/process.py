"""A command of the host, run to its end with its standard error handed on as it comes."""

from __future__ import annotations

import subprocess
import threading
from typing import IO, TYPE_CHECKING

from lambda_backend.engines.protocol import ExecResult
from lambda_backend.engines.streams import LineReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["run"]

_PIECE = 65536


def run(
    argv: Sequence[str],
    *,
    environ: Mapping[str, str],
    cwd: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
    merged: bool = False,
    detached: bool = False,
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
        detached: the terminal's Ctrl-C does not reach it.

    Raises:
        OSError: it cannot be started.
    """
    output, log = LineReader(), LineReader(on_line)
    with subprocess.Popen(
        list(argv),
        env=dict(environ),
        cwd=cwd,
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE if stdout is None else stdout,
        stderr=subprocess.STDOUT if merged else subprocess.PIPE,
        start_new_session=detached,
    ) as process:
        threads = [threading.Thread(target=_drain, args=(None if merged else process.stdout, output), daemon=True)]
        if stdin is not None:
            threads.append(threading.Thread(target=_feed, args=(stdin, process.stdin), daemon=True))
        try:
            for thread in threads:
                thread.start()
            _drain(process.stdout if merged else process.stderr, log)
            code = process.wait()
        except BaseException:
            process.kill()
            raise
        finally:
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
    return ExecResult(exit_code=code, output=output.close(), log=log.close())


def _drain(stream: IO[bytes] | None, reader: LineReader) -> None:
    if stream is not None:
        while piece := stream.read1(_PIECE):  # type: ignore[attr-defined]
            reader.feed(piece)


def _feed(source: IO[bytes], stream: IO[bytes] | None) -> None:
    if stream is None:
        return
    try:
        while piece := source.read(_PIECE):
            stream.write(piece)
        stream.close()
    except BrokenPipeError:
        pass  # its own message and exit code say why it stopped reading
