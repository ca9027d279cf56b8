"""Looks at containers from the outside, never through the code under test."""

from __future__ import annotations

import contextlib
import json
import subprocess
from typing import TYPE_CHECKING

from lambda_backend.engines import owner

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["containers_of"]


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
