"""Many projects at once, each in a process of its own; what they say is not mixed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import IO, TYPE_CHECKING

from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Ended", "run_all"]

# Without the folder that Python would put first for -c: modules of that folder are none of ours.
_MAIN = "import sys; sys.path[:] = filter(None, sys.path); from lambda_backend.cli import main; main()"


class Ended(Value):
    """How the build of one project ended."""

    project: Path
    exit_code: int
    output: str
    log: str
    seconds: float


def run_all(
    projects: Sequence[Path], arguments: Sequence[str], *, jobs: int, environ: Mapping[str, str]
) -> Iterator[Ended]:
    """Run the command for each project, and give the outcomes as they come.

    When it is left early, by Ctrl-C or SIGTERM, the builds that run are ended too.

    Args:
        projects: folders, which are the last argument.
        arguments: the other ones.
        jobs: as many run at a time.
        environ: of all.
    """
    processes = _Processes()

    def run(project: Path) -> Ended:
        started = time.monotonic()
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as log:
            argv = [sys.executable, "-c", _MAIN, *arguments, str(project)]
            exit_code = processes.run(argv, stdout=output, stderr=log, environ=environ)
            texts = []
            for stream in (output, log):
                stream.seek(0)
                texts.append(stream.read().decode("utf-8", "replace"))
        seconds = time.monotonic() - started
        return Ended(project=project, exit_code=exit_code, output=texts[0], log=texts[1], seconds=seconds)

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            for future in as_completed([pool.submit(run, project) for project in projects]):
                yield future.result()
        finally:
            processes.stop()


class _Processes:
    """Processes that can be stopped together, from another thread than those that wait for them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: list[subprocess.Popen[bytes]] = []
        self._stopped = False

    def run(self, argv: Sequence[str], *, stdout: IO[bytes], stderr: IO[bytes], environ: Mapping[str, str]) -> int:
        """The exit code of a process; it does not start any more after ``stop``."""
        with self._lock:
            if self._stopped:
                return 1
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=dict(environ))
            self._running.append(process)
        return process.wait()

    def stop(self) -> None:
        """End all that run."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                if process.poll() is None:
                    process.terminate()
