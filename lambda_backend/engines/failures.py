"""What keeps programs from running in a container, as errors."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lambda_backend.engines.streams import last_lines
from lambda_backend.errors import EngineError, EngineUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ended", "foreign", "last_words", "stopped"]

_ENGINE_FAILED = 125
"""Exit codes from here on are the engine's own words, or those of a command that was killed."""
_NOT_FOUND = 127
_LOOKS = 10
_PAUSE = 0.1
"""Seconds. Engines notice a container's end a little after its commands', and keep its words a little later still."""

_ENOEXEC = "exec format error"
"""What runc and crun say, in other cases of letters, when the kernel knows no way to run a program."""


def ended(code: int | None, runs: Callable[[], bool]) -> bool:
    """Whether a container ended under a command, or before it; else the exit code is the command's own.

    Args:
        code: how the command ended; negative where the engine's client was killed, None where it could not be started.
        runs: asks the engine about the container.
    """
    if code is not None and (0 <= code < _ENGINE_FAILED or code == _NOT_FOUND):
        return False
    for _ in range(_LOOKS):
        if not runs():
            return True
        time.sleep(_PAUSE)
    return False


def last_words(read: Callable[[], str]) -> str:
    """What a container that ended said itself.

    Args:
        read: gives its log; empty where there is none.
    """
    for _ in range(_LOOKS):
        if said := read():
            return said
        time.sleep(_PAUSE)
    return ""


def foreign(said: str, platform: str) -> EngineUnavailableError | None:
    """The error for a processor that the engine's machine neither has nor emulates; None for any other failure.

    Args:
        said: the engine's words and the container's.
        platform: of the image, ``linux/arm64``.
    """
    line = next((line for line in said.splitlines() if _ENOEXEC in line.lower()), None)
    if line is None:
        return None
    processor = platform.partition("/")[2]
    return EngineUnavailableError(
        f"the engine cannot run programs for {platform}: its machine has another processor and no emulator of that one:"
        f"\n{last_lines([line.strip()])}",
        hint=f"install an emulator there (`docker run --privileged --rm tonistiigi/binfmt --install {processor}` or "
        f"the package qemu-user-static), build on an {processor} machine or, where all dependencies have wheels, with "
        "-C lambda.engine=host",
    )


def stopped(container: str, command: str, said: str, *, platform: str) -> EngineError:
    """The error for a container that ended under a command, or before it.

    Args:
        container: its name.
        command: the program that was to run in it.
        said: the engine's words and the container's own last ones.
        platform: of its image.
    """
    lines = last_lines([said])
    return foreign(said, platform) or EngineError(
        f"the container {container} was stopped while {command} ran in it{':' if lines else ''}\n{lines}".rstrip(),
        hint="see whether the engine ran out of memory or someone removed the container, and build again",
    )
