"""Looks at containers from the outside, never through the code under test."""

from __future__ import annotations

import contextlib
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_backend.engines import owner

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["containers_of", "containers_with", "engine_command", "forgotten_volumes"]


def engine_command(engine: str) -> Callable[..., str]:
    """Runs an engine's own command, and gives its standard output."""
    # Debian's client speaks the API of Debian's engine; a newer one on PATH may refuse to.
    program = "/usr/bin/docker" if engine == "docker" and Path("/usr/bin/docker").exists() else engine

    def run(*arguments: str) -> str:
        return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout

    return run


def containers_with(command: Callable[..., str], folder: Path) -> list[str]:
    """Builds' containers that have something of a folder mounted, running or not.

    So a test tells its own builds' containers from those of others, which run, and are killed, at the same time.
    """
    found = []
    for name in command("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={owner.OWNER_LABEL}").split():
        with contextlib.suppress(subprocess.CalledProcessError):  # another build's, and gone by now
            if f"{folder}/" in command("inspect", name):
                found.append(name)
    return found


def forgotten_volumes(command: Callable[..., str]) -> set[str]:
    """Volumes that no container has."""
    return set(command("volume", "ls", "--quiet", "--filter", "dangling=true").split())


def containers_of(command: Callable[..., str], pid: int) -> list[str]:
    """The containers that a process has in an engine, running or not.

    Args:
        command: runs the engine's own command and gives its standard output.
        pid: of the process.
    """
    ids = command("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={owner.OWNER_LABEL}").split()
    found = []
    for name in ids:
        with contextlib.suppress(subprocess.CalledProcessError):  # another build's, and gone by now
            labels = json.loads(command("inspect", "--format", "{{json .Config.Labels}}", name))
            process = owner.Owner.parse(labels[owner.OWNER_LABEL])
            if process is not None and process.pid == pid:
                found.append(name)
    return found
