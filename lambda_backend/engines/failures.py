"""What keeps programs from running in a container, as errors."""

from __future__ import annotations

from lambda_backend.engines.streams import last_lines
from lambda_backend.errors import EngineError, EngineUnavailableError

__all__ = ["foreign", "stopped"]

_ENOEXEC = "exec format error"
"""What runc and crun say, in other cases of letters, when the kernel knows no way to run a program."""


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
