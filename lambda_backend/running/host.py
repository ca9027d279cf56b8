"""A function on this machine, below a folder that looks as Lambda's root does."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from lambda_backend.engines.streams import LineReader, last_lines
from lambda_backend.running.client import runtime_client
from lambda_backend.running.model import RunningError
from lambda_backend.running.stage import RUNTIME, SandboxStage, Setting, put_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lambda_backend.running.model import Function, Surroundings
    from lambda_backend.targets import Target

__all__ = ["Obstacle", "doubt", "is_native", "obstacle", "on_host"]

_ENDING = 10
"""Seconds for a sandbox to end what its function started."""


class Obstacle(NamedTuple):
    """Why a function does not run on this machine."""

    words: str
    hint: str = "start a container engine (docker, podman)"


def is_native(target: Target) -> bool:
    """Whether this machine has the target's processor; systems have different words for it."""
    return platform.machine().lower() in {target.machine, target.architecture, target.container_platform.split("/")[1]}


def obstacle(target: Target, interpreter: Path | None, *, compiled: bool) -> Obstacle | None:
    """Why a function cannot run on this machine, if it cannot.

    Args:
        target: what it was built for.
        interpreter: a Python of the runtime's minor version, if there is one.
        compiled: it has compiled code, with its layers.
    """
    if sys.platform != "linux":
        return Obstacle("Lambda's runtime client is for Linux only")
    if compiled and not is_native(target):
        return Obstacle(f"it has compiled code for {target.architecture}, and this machine is {platform.machine()}")
    if interpreter is None:
        version = target.runtime.python_version
        return Obstacle(
            f"there is no Python {version} on PATH, and uv finds none",
            f"uv python install {version}, or start a container engine (docker, podman)",
        )
    return None


def doubt(target: Target, *, compiled: bool) -> Obstacle | None:
    """Why compiled code that runs in Lambda might not run on this machine, if so."""
    library, version = platform.libc_ver()
    wanted = target.runtime.glibc
    if compiled and (library != "glibc" or tuple(map(int, version.split(".")[:2])) < wanted):
        found = f"{library} {version}".strip() or "another C library"
        return Obstacle(f"it has compiled code for glibc {wanted[0]}.{wanted[1]}, and this machine has {found}")
    return None


def on_host(function: Function, root: Path, interpreter: Path, surroundings: Surroundings) -> SandboxStage:
    """A stage on this machine.

    Args:
        function: what to run.
        root: where it was unpacked (``lay_out``).
        interpreter: of the runtime's minor version.
        surroundings: of the process.

    Raises:
        RunningError: the runtime client cannot be had.
    """
    (root / RUNTIME[1:]).symlink_to(runtime_client(function.target, interpreter, surroundings))
    temporary = root / "tmp"
    temporary.mkdir()
    run = root / "run"
    put_sandbox(run)
    for folder in (root / "var/task", root / "opt"):
        _close(folder)
    setting = Setting(
        where=f"on the host ({interpreter})",
        root=str(root),
        python=str(interpreter),
        run=str(run),
        runtime=str(root) + RUNTIME,
        entry=None,
        variables={
            "LD_LIBRARY_PATH": f"{root}/var/task:{root}/var/task/lib:{root}/opt/lib",
            "PATH": f"/usr/local/bin:/usr/bin:/bin:{root}/opt/bin",
            "TMPDIR": str(temporary),  # gone afterwards, and no other process's
        },
        leash=True,
    )
    environ = {name: value for name, value in surroundings.environ.items() if not name.startswith("PYTHON")}

    def sandboxed(argv: Sequence[str], job: str) -> str:
        (run / "job.json").write_text(job, "utf-8")
        return _sandboxed(argv, run, environ, surroundings.log)

    return SandboxStage(function, setting, sandboxed)


def _close(folder: Path) -> None:
    """Let nothing be written there, as in Lambda."""
    for parent, _, _ in os.walk(folder):
        Path(parent).chmod(0o555)


def _sandboxed(argv: Sequence[str], cwd: Path, environ: Mapping[str, str], log: Callable[[str], None]) -> str:
    """Run the sandbox to its end; it ends with everything that it started when we do, whatever ends us."""
    process = subprocess.Popen(
        list(argv),
        cwd=cwd,
        env=dict(environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches us, and not the function
    )
    stdin, stdout, stderr = (cast("IO[bytes]", stream) for stream in (process.stdin, process.stdout, process.stderr))
    lines: list[str] = []

    def hear(line: str) -> None:
        lines.append(line)
        log(line)

    hearing = threading.Thread(target=_hear, args=(stderr, LineReader(hear)), daemon=True)
    hearing.start()
    try:
        with stdin, stdout:
            output = stdout.read()
    finally:
        # Standard input is closed by now: the sandbox ends.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_ENDING)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    hearing.join(_ENDING)
    if process.returncode:
        raise RunningError(f"the sandbox ended with {process.returncode}:\n{last_lines(lines)}")
    return output.decode()


def _hear(stream: IO[bytes], reader: LineReader) -> None:
    with stream:
        while piece := stream.read1(65536):  # type: ignore[attr-defined]
            reader.feed(piece)
    reader.close()
