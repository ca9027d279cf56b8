"""What a benchmark is made of: workloads, scenarios and contestants. A new one of each is a few lines of data."""

from __future__ import annotations

import abc
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Bump", "Command", "Contestant", "Function", "Place", "Scenario", "State", "Workload", "empty"]

PROJECT = "bench"
"""Name of each workload's project, which is no dependency."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """One Lambda function: a module that imports what it depends on, and its lock."""

    name: str
    imports: tuple[str, ...]
    """Modules that the handler imports."""
    pins: tuple[str, ...]
    """The whole lock, a line of requirements.txt each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bump:
    """One small dependency, in versions that all fit the rest of the lock."""

    name: str
    versions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """What is built."""

    key: str
    title: str
    functions: tuple[Function, ...]
    bump: Bump
    python: str = "3.13"
    compiles: bool = False
    """A dependency is C code, so that a build needs the runtime's image, or a machine like it."""
    options: tuple[str, ...] = ()
    """Lines of each requirements.txt before the pins."""

    def pins(self, function: Function, state: State) -> tuple[str, ...]:
        """The function's lock, with the bumped version in it."""
        bumped = f"{self.bump.name}=={self.bump.versions[state.version]}"
        return tuple(bumped if pin.partition("==")[0] == self.bump.name else pin for pin in function.pins)

    def edits(self, function: Function, state: State) -> int:
        """How often a function was edited: of several, it is always the first."""
        return state.edit if function is self.functions[0] else 0

    def code(self, function: Function, state: State) -> str:
        """The handler's module; it answers with the number of the edit, which proves that the zip holds it."""
        edits = self.edits(function, state)
        # Each edit adds a line: tools that go by time and size shall see it however quickly it follows.
        lines = [*(f"import {name}" for name in function.imports), *(f"EDIT = {n}" for n in range(edits + 1))]
        return "\n".join([*lines, "", "def handler(event, context):", "    return EDIT", ""])


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """How far a project has come: its edits, and the version of the small dependency."""

    edit: int = 0
    version: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """What happens between a build that is not timed and the one that is."""

    key: str
    title: str
    forgets_packages: bool = False
    """Package caches are emptied: everything is downloaded."""
    forgets_build: bool = False
    """Everything that earlier builds left is removed, but package caches stay."""
    bumps: bool = False
    edits: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """What is timed: a script for ``sh -e``, as a person would have it in a Makefile."""

    script: str
    cwd: Path
    env: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A contestant's own folders for one workload."""

    root: Path

    @property
    def project(self) -> Path:
        """What a person would have in a repository."""
        return self.root / "project"

    @property
    def packages(self) -> Path:
        """Package caches, which stay warm."""
        return self.root / "packages"

    @property
    def builds(self) -> Path:
        """What the contestant keeps between builds."""
        return self.root / "builds"

    @property
    def out(self) -> Path:
        """Where it leaves its zips."""
        return self.root / "out"


class Contestant(abc.ABC):
    """Somebody who makes zips."""

    @property
    @abc.abstractmethod
    def key(self) -> str:
        """The word for the command line and the table."""

    @property
    @abc.abstractmethod
    def title(self) -> str:
        """What is run, in words."""

    @abc.abstractmethod
    def why_not(self, workload: Workload) -> str | None:
        """Why it cannot take part here; None where it can."""

    @abc.abstractmethod
    def write(self, place: Place, workload: Workload, state: State) -> None:
        """Write the project, whole, in its state; only changed files are touched."""

    @abc.abstractmethod
    def command(self, place: Place, workload: Workload) -> Command:
        """What is timed."""

    def forget_build(self, place: Place) -> None:
        """Remove what earlier builds left, and keep packages."""
        empty(place.builds, place.out)

    def forget_packages(self, place: Place) -> None:
        """Remove packages, and what was made of them alone."""
        empty(place.packages)

    def warm(self, place: Place, workload: Workload, requirements: Sequence[str]) -> Command | None:
        """Put packages, each by itself, into the caches that builds take them from; None where it has none."""
        del place, workload, requirements
        return None

    @abc.abstractmethod
    def zips(self, place: Place, workload: Workload) -> Sequence[Path]:
        """The zips, in the order of the functions; none where it makes none, such as a wheel alone."""


def empty(*folders: Path) -> None:
    """Remove what folders hold.

    Raises:
        OSError: it cannot be removed.
    """
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
