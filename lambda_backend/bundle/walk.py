"""Walks a folder in a fixed order, following links that stay inside a boundary."""

from __future__ import annotations

import os
import stat
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from lambda_backend.bundle.paths import normalised, path_problem
from lambda_backend.errors import BundleError
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Found", "Problem", "Skip", "refuse", "walk"]


class Found(NamedTuple):
    """A regular file; a tuple, for there are thousands."""

    path: str
    """From the walked folder, forward slashes, NFC."""
    source: Path
    executable: bool
    size: int
    """In bytes."""


class Problem(Value):
    """Something that cannot be shipped."""

    path: str
    why: str
    """In words that follow the path; the same on every host."""


class Skip(Protocol):
    """Whether to leave out a file, or a folder with all that is below it."""

    def __call__(self, path: str, source: Path, *, is_dir: bool) -> bool:
        """Args are the path from the walked folder, the path on disk, and whether it is a folder or a link to one."""


def walk(folder: Path, *, boundary: Path, skip: Skip) -> tuple[tuple[Found, ...], tuple[Problem, ...]]:
    """All files below a folder, sorted by path, and all that stands in the way of shipping it.

    Links to files and folders are followed as far as they stay inside ``boundary``; what ``skip`` leaves out is not
    even looked at.
    """
    walker = _Walker(Path(os.path.realpath(boundary)), skip)
    walker.folder(folder, "", (os.path.realpath(folder),))
    return tuple(sorted(walker.files, key=attrgetter("path"))), tuple(
        sorted(walker.problems, key=lambda problem: problem.path)
    )


def refuse(what: str, problems: Sequence[Problem]) -> None:
    """Raise BundleError with all the problems, if there are any."""
    if problems:
        lines = "\n".join(f"  - {problem.path!r} {problem.why}" for problem in problems)
        raise BundleError(f"{what} cannot be shipped:\n{lines}", hint="mend these, or list them in exclude")


class _Walker:
    def __init__(self, boundary: Path, skip: Skip) -> None:
        self.boundary = boundary
        self.skip = skip
        self.files: list[Found] = []
        self.problems: list[Problem] = []

    def folder(self, folder: Path, path: str, above: tuple[str, ...]) -> None:
        """Find the files of a folder.

        Args:
            folder: on disk.
            path: from the walked folder; empty for itself.
            above: real paths of the folders that this one was reached through, and its own.
        """
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=attrgetter("name"))
        except OSError as error:
            self._problem(path, f"cannot be read: {error.strerror or error}")
            return
        names: dict[str, str] = {}
        for entry in entries:
            name = normalised(entry.name)
            inner = f"{path}/{name}" if path else name
            source = folder / entry.name
            if self.skip(inner, source, is_dir=_is_dir(entry)):
                continue
            if problem := path_problem(name):
                self._problem(inner, problem)
            elif name in names:
                self._problem(inner, f"is there twice, as {names[name]!a} and {entry.name!a}")
            else:
                names[name] = entry.name
                self._entry(entry, source, inner, above)

    def _entry(self, entry: os.DirEntry[str], source: Path, path: str, above: tuple[str, ...]) -> None:
        is_link = entry.is_symlink()
        if is_link and not self._may_follow(source, path):
            return
        try:
            # There are hundreds of folders, and hardly a link.
            state = None if entry.is_dir() else entry.stat()
        except OSError as error:
            self._problem(path, f"cannot be read: {error.strerror or error}")
            return
        if state is None:
            real = os.path.realpath(source) if is_link else os.path.join(above[-1], entry.name)  # noqa: PTH118 - realpath's str
            if real in above:
                self._problem(path, f"is a link to {str(source.readlink())!r}, a folder that it is in")
            else:
                self.folder(source, path, (*above, real))
        elif stat.S_ISREG(state.st_mode):
            self.files.append(Found(path, source, bool(state.st_mode & stat.S_IXUSR), state.st_size))
        else:
            self._problem(path, "is neither a file nor a folder")

    def _may_follow(self, link: Path, path: str) -> bool:
        target = str(link.readlink())
        try:
            real = Path(os.path.realpath(link, strict=True))
        except OSError as error:
            self._problem(path, f"is a link to {target!r} that leads nowhere: {error.strerror or error}")
            return False
        if not real.is_relative_to(self.boundary):
            self._problem(path, f"is a link to {target!r}, outside {self.boundary.name or self.boundary}")
            return False
        return True

    def _problem(self, path: str, why: str) -> None:
        self.problems.append(Problem(path=path or ".", why=why))


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads below a folder that is closed to us
        return False
