"""Sees what a piece of Python reads: files with their contents, and the names in folders.

Python's audit events (PEP 578) tell of every file that is opened and every folder that is listed. That a path is looked
for is no event: so the folder of each file is taken as listed, too.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_backend.inputs.files import State, names_in, state_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

__all__ = ["Observation", "observing", "tell", "unobserved"]

_LISTS = frozenset({"os.listdir", "os.scandir"})
_LEADS_OUT = frozenset(
    {
        *("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.startfile", "os.system"),
        *("socket.connect", "socket.getaddrinfo", "subprocess.Popen"),
    }
)
"""What is read behind these is nowhere to be seen."""
_EVENTS = _LISTS | _LEADS_OUT | {"open"}


class Observation:
    """What was read, by paths from a project's root; absolute ones outside of it.

    Args:
        root: the project's folder.
        apart: folders of which nothing counts; inside of the root they are those that the build itself fills.
        outputs: folders that builds write to.
    """

    def __init__(self, root: Path, *, apart: Collection[Path], outputs: Sequence[Path]) -> None:
        self.files: dict[str, State] = {}
        """Each file as it was when it was first opened."""
        self.folders: dict[str, list[str]] = {}
        """The names in each folder, see ``names_in``."""
        self.written: list[str] = []
        """Files that were written before they were read."""
        self.outputs = tuple(outputs)
        self.complete = True
        """Nothing was read where it cannot be seen."""
        self._root = os.path.abspath(root)  # noqa: PTH100 - links are read through, not resolved
        self._apart = tuple(os.path.join(os.path.abspath(path), "") for path in apart)  # noqa: PTH100, PTH118
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self._noter: int | None = None

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an audit event."""
        thread = threading.get_ident()
        if not self.complete or self._noter == thread:
            return
        with self._lock:
            self._noter = thread  # what is read for the notes is no event
            try:
                self._take(event, arguments)
            finally:
                self._noter = None

    @property
    def told(self) -> dict[str, Any]:
        """What was read, in words that JSON has."""
        return {"files": self.files, "folders": self.folders, "written": self.written, "complete": self.complete}

    def add(self, told: Mapping[str, Any]) -> None:
        """Note what another process has read.

        Args:
            told: by the observation there, of the same root.
        """
        with self._lock:
            self.complete = self.complete and told["complete"]
            for name in self._inside(told["files"]):
                self.files.setdefault(name, State(*told["files"][name]))
            for name in self._inside(told["folders"]):
                self.folders.setdefault(name, told["folders"][name])
            self.written += self._inside(told["written"])

    def _inside(self, names: Iterable[str]) -> list[str]:
        """Those that are not apart."""
        paths = {name: os.path.normpath(os.path.join(self._root, name)) for name in names}  # noqa: PTH118 - of many
        return [name for name, path in paths.items() if self._name(path) is not None]

    def _take(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _LEADS_OUT:
            self.complete = False
        elif event in _LISTS:
            self._list(_absolute("." if arguments[0] is None else arguments[0]))
        elif (path := _absolute(arguments[0])) is not None:
            self._file(path, reads=not arguments[2] & (os.O_WRONLY | os.O_RDWR))

    def _file(self, path: str, *, reads: bool) -> None:
        name = self._name(path)
        if name is None or name in self._seen:
            return
        self._seen.add(name)
        if not reads:
            self.written.append(name)
            return
        if (found := state_of(Path(path))) is not None:
            self.files[name] = found
        self._list(os.path.dirname(path))  # noqa: PTH120 - a str, and many of them

    def _list(self, path: str | None) -> None:
        name = None if path is None else self._name(path)
        if path is None or name is None or name in self.folders:
            return
        self.folders[name] = names_in(Path(path), root=Path(self._root), outputs=self.outputs)

    def _name(self, path: str) -> str | None:
        if (path + os.sep).startswith(self._apart):
            return None
        if path == self._root:
            return "."
        inside = path.startswith(self._root + os.sep)
        return path[len(self._root) + 1 :].replace(os.sep, "/") if inside else path


_active: list[Observation] = []
_unobserved = threading.local()


@contextlib.contextmanager
def observing(observation: Observation) -> Iterator[Observation]:
    """Note what is read in a ``with`` block."""
    _let_python_tell()
    _active.append(observation)
    try:
        yield observation
    finally:
        with contextlib.suppress(ValueError):
            _active.remove(observation)


@contextlib.contextmanager
def unobserved() -> Iterator[None]:
    """Note nothing that this thread does in a ``with`` block: what counts of it comes by ``tell``."""
    _unobserved.now = True
    try:
        yield
    finally:
        _unobserved.now = False


def tell(told: Mapping[str, Any]) -> None:
    """Let everybody who observes note what another process has read, see ``Observation.add``."""
    for observation in tuple(_active):
        observation.add(told)


@functools.cache
def _let_python_tell() -> None:
    # An audit hook stays for the rest of the process: this one does nothing when nobody observes.
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _active and event in _EVENTS and not getattr(_unobserved, "now", False):
        for observation in tuple(_active):
            observation.note(event, arguments)
            # Thousands of events may come yet, and nothing is made of them.
            if not observation.complete:
                with contextlib.suppress(ValueError):
                    _active.remove(observation)


def _absolute(path: object) -> str | None:
    if not isinstance(path, (str, bytes, os.PathLike)):
        return None  # a number is of a file that was opened before
    name = os.fsdecode(path)
    # There are hundreds, and nearly all of them are absolute and plain.
    is_plain = name.startswith("/") and "//" not in name and "/." not in name and not name.endswith("/")
    return name if is_plain else os.path.abspath(name)  # noqa: PTH100 - links are read through
