"""Sees what a piece of Python reads: files with their contents, and the names in folders.

Python's audit events (PEP 578) tell of every file that is opened and every folder that is listed. That a path is looked
for is no event: so the folder of each file is taken as listed, too.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

__all__ = ["Observation", "Read", "names_in", "observing", "read"]

_LISTS = frozenset({"os.listdir", "os.scandir"})
_LEADS_OUT = frozenset(
    {
        *("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.startfile", "os.system"),
        *("socket.connect", "socket.getaddrinfo", "subprocess.Popen"),
    }
)
"""What is read behind these is nowhere to be seen."""
_EVENTS = _LISTS | _LEADS_OUT | {"open"}
_MADE = frozenset({"__pycache__", "build", "dist"})
"""Names that builds leave in a project."""


class Observation:
    """What was read, by paths from a project's root; absolute ones outside of it.

    Args:
        root: the project's folder.
        apart: folders of which nothing counts; inside of the root they are those that the build itself fills.
        outputs: folders that builds write to.
    """

    def __init__(self, root: Path, *, apart: Collection[Path], outputs: Sequence[Path]) -> None:
        self.files: dict[str, tuple[int, str]] = {}
        """Mode and SHA-256 of each file, as it was when it was first opened."""
        self.folders: dict[str, list[str]] = {}
        """The names in each folder, see ``names_in``."""
        self.written: list[str] = []
        """Files that were written before they were read."""
        self.complete = True
        """Nothing was read where it cannot be seen."""
        self._root = os.path.abspath(root)  # noqa: PTH100 - links are read through, not resolved
        self._apart = tuple(os.path.join(os.path.abspath(path), "") for path in apart)  # noqa: PTH100, PTH118
        self._outputs = outputs
        self._seen: set[str] = set()
        self._thread = threading.get_ident()
        self._noting = False

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an audit event."""
        if self._noting or threading.get_ident() != self._thread:
            return
        self._noting = True  # what is read for the notes is no event
        try:
            if event in _LEADS_OUT:
                self.complete = False
            elif event in _LISTS:
                self._list(_absolute("." if arguments[0] is None else arguments[0]))
            elif (path := _absolute(arguments[0])) is not None:
                self._file(path, reads=not arguments[2] & (os.O_WRONLY | os.O_RDWR))
        finally:
            self._noting = False

    def _file(self, path: str, *, reads: bool) -> None:
        name = self._name(path)
        if name is None or name in self._seen:
            return
        self._seen.add(name)
        if not reads:
            self.written.append(name)
            return
        if (found := read(Path(path))) is not None:
            self.files[name] = (found.mode, found.sha256)
        self._list(os.path.dirname(path))  # noqa: PTH120 - a str, and many of them

    def _list(self, path: str | None) -> None:
        name = None if path is None else self._name(path)
        if path is None or name is None or os.path.isabs(name) or name in self.folders:  # noqa: PTH117
            return
        self.folders[name] = names_in(Path(path), self._outputs)

    def _name(self, path: str) -> str | None:
        if any(path.startswith(folder) or path + os.sep == folder for folder in self._apart):
            return None
        if path == self._root:
            return "."
        inside = path.startswith(self._root + os.sep)
        return path[len(self._root) + 1 :].replace(os.sep, "/") if inside else path


def names_in(folder: Path, outputs: Sequence[Path] = ()) -> list[str]:
    """The names in a folder, sorted, without what builds leave there; none where it cannot be listed."""
    with contextlib.suppress(OSError):
        names = set(os.listdir(folder)) - _MADE  # noqa: PTH208 - names are asked for
        apart = {output.name for output in outputs if output.parent == folder}
        return sorted(name for name in names - apart if not name.endswith(".egg-info"))
    return []


@dataclass(frozen=True, slots=True)
class Read:
    """A file as it is."""

    mode: int
    """Permissions."""
    modified: float
    """Seconds since 1970."""
    content: bytes

    @property
    def sha256(self) -> str:
        """Hex."""
        return hashlib.sha256(self.content).hexdigest()


def read(path: Path) -> Read | None:
    """Read a file; None where there is none that can be read."""
    try:
        with path.open("rb", buffering=0) as stream:
            status = os.fstat(stream.fileno())
            return Read(stat.S_IMODE(status.st_mode), status.st_mtime, stream.read())
    except OSError:
        return None


_active: list[Observation] = []


@contextlib.contextmanager
def observing(observation: Observation) -> Iterator[Observation]:
    """Note what this thread reads in a ``with`` block."""
    _let_python_tell()
    _active.append(observation)
    try:
        yield observation
    finally:
        _active.remove(observation)


@functools.cache
def _let_python_tell() -> None:
    # An audit hook stays for the rest of the process: this one does nothing when nobody observes.
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _active and event in _EVENTS:
        for observation in _active:
            observation.note(event, arguments)


def _absolute(path: object) -> str | None:
    # A number is of a file that was opened before.
    return os.path.abspath(os.fsdecode(path)) if isinstance(path, (str, bytes, os.PathLike)) else None  # noqa: PTH100
