"""Whose container it is, so that none outlives its build: not after SIGTERM, and not for long after SIGKILL."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_backend.engines.protocol import LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

__all__ = [
    "IDLE",
    "OWNER_LABEL",
    "Owner",
    "container_name",
    "image_labels",
    "is_leftover",
    "labels",
    "terminates_cleanly",
]

OWNER_LABEL = f"{LABEL}.owner"
IDLE = ("sleep", "21600")
"""What a container does between steps; bounded, should nobody be left to remove it."""
_GONE = frozenset({"dead", "exited", "stopped"})
_ENDED = frozenset({"Z", "X"})
"""States of a process that has ended, and whose parent has not asked how."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, told apart from others of its id by host, boot, process namespace and start."""

    place: str
    pid: int
    started: str

    @classmethod
    def current(cls) -> Owner:
        """This process."""
        _, started = _stat(os.getpid())
        return cls(_place(), os.getpid(), started)

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """Read a label's value; None for one that is not ours."""
        place, _, process = text.partition(" ")
        pid, _, started = process.partition(" ")
        return cls(place, int(pid), started) if pid.isdecimal() else None

    def __str__(self) -> str:
        return f"{self.place} {self.pid} {self.started}".rstrip()

    def is_dead(self) -> bool:
        """Surely dead: of this host, boot and namespace, and gone. Others' processes cannot be judged."""
        if self.place != _place():
            return False
        if not _exists(self.pid):
            return True
        # Another user's process may be hidden (proc(5), hidepid): then nothing is known of it.
        state, started = _stat(self.pid)
        # A killed build's parent is gone too, and process 1 of a container may be late to reap it, or never do.
        if state in _ENDED:
            return True
        return bool(self.started and started) and started != self.started


def _place() -> str:
    boot = namespace = ""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    with contextlib.suppress(OSError):
        namespace = str(Path("/proc/self/ns/pid").readlink())
    return "/".join((platform.node() or "localhost", boot, namespace)).replace(" ", "-")


def _stat(pid: int) -> tuple[str, str]:
    """A process's state and start; empty where nothing is known of it."""
    with contextlib.suppress(OSError, IndexError):
        # proc(5): the 2nd field, the command in parentheses, may hold anything; state is the 3rd, starttime the 22nd.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return fields[0], fields[19]
    return "", ""


def _exists(pid: int) -> bool:
    if os.name == "nt":  # there os.kill ends the process, whatever the signal; the idle command's bound must do
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def container_name() -> str:
    """A new name, known before the container is, so that it can be removed even when its creation was cut off."""
    return f"lambda-backend-{uuid.uuid4().hex[:16]}"


def image_labels() -> dict[str, str]:
    """What our images are labelled with."""
    from lambda_backend import __version__

    return {LABEL: __version__}


def labels() -> dict[str, str]:
    """What our containers are labelled with."""
    return {**image_labels(), OWNER_LABEL: str(Owner.current())}


def is_leftover(of_container: Mapping[str, str], state: str) -> bool:
    """Whether nobody needs a container any more.

    Args:
        of_container: its labels.
        state: the engine's word for its state, such as ``running``.
    """
    if OWNER_LABEL not in of_container:
        return False
    owner = Owner.parse(of_container[OWNER_LABEL])
    if owner is None:
        return False
    # One that ended under a living process of this machine is that process's to ask why, and to remove.
    return owner.is_dead() or (state.lower() in _GONE and owner.place != _place())


@contextlib.contextmanager
def terminates_cleanly() -> Iterator[None]:
    """Turn SIGTERM into SystemExit(143), so that what is open gets closed.

    Only the main thread may do so, and only where nobody else decided what SIGTERM does.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        # Once is enough: a second one must not cut the closing short.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
