"""Where ld.so finds the libraries that a file needs, in a running function."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Literal

from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lambda_backend.checks.model import File, Subject
    from lambda_backend.facts.model import Elf
    from lambda_backend.targets import Runtime

__all__ = ["USERS", "Linking", "place_of"]

USERS = frozenset({"project", "entry", "include"})
"""Owners of files that no installed distribution brought."""

_ON_LIBRARY_PATH = ("/var/task", "/var/task/lib", "/opt/lib")
"""Folders of artefacts in the LD_LIBRARY_PATH of Lambda's runtimes; those of the system come before."""


def place_of(subject: Subject, path: str) -> str:
    """Where Lambda unpacks a file."""
    return posixpath.join("/var/task" if subject.kind == "function" else "/opt", path)


class Linking(Value):
    """The shared libraries of a function and its layers, as ld.so sees them."""

    runtime: Runtime
    places: frozenset[str]
    """Where Lambda puts those that the target can load."""
    names: Mapping[str, frozenset[str]]
    """Who brought a library, by SONAME or file name."""

    @classmethod
    def of(cls, subject: Subject) -> Linking:
        """Of an artefact and its layers."""
        places = set()
        names: dict[str, set[str]] = {}
        for part in subject.everything:
            for path, facts in part.facts.items():
                elf = facts.elf
                file = part.files.get(path)
                if file is not None and elf is not None and elf.machine == subject.target.elf_machine:
                    places.add(place_of(part, path))
                    for name in {elf.soname or path.rpartition("/")[2], path.rpartition("/")[2]}:
                        names.setdefault(name, set()).add(file.owner)
        return cls(
            runtime=subject.target.runtime,
            places=frozenset(places),
            names={name: frozenset(owners) for name, owners in names.items()},
        )

    def provider(self, place: str, file: File, elf: Elf, library: str) -> Literal["artefact", "runtime"] | None:
        """Who gives a library to a file, or None.

        Args:
            place: of the file that needs it.
            file: the same.
            elf: the same.
            library: as in DT_NEEDED.
        """
        if any(posixpath.join(folder, library) in self.places for folder in _search(elf, place)):
            return "artefact"
        if library in self.runtime.libraries:
            return "runtime"
        if any(posixpath.join(folder, library) in self.places for folder in _ON_LIBRARY_PATH):
            return "artefact"
        # ld.so takes a library that was loaded before under the same SONAME. Distributions do so: they import the
        # module that has it first, or load it with ctypes. Users' own libraries have to be where ld.so searches.
        brought = self.names.get(library, frozenset())
        if (brought - USERS) and file.owner not in USERS:
            return "artefact"
        return None


def _search(elf: Elf, place: str) -> Iterator[str]:
    origin = posixpath.dirname(place)
    for folder in elf.search:
        yield posixpath.normpath(folder.replace("${ORIGIN}", origin).replace("$ORIGIN", origin))
