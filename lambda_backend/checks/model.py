"""What the rules see, and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lambda_backend.bundle.model import Collision
    from lambda_backend.facts.model import Facts
    from lambda_backend.targets import Target

__all__ = ["File", "ForeignFile", "Problem", "Subject", "named", "search_roots"]


class File(Protocol):
    """A file in a zip."""

    @property
    def path(self) -> str:
        """In the zip."""

    @property
    def size(self) -> int:
        """Bytes, uncompressed."""

    @property
    def compressed_size(self) -> int:
        """Bytes."""

    @property
    def owner(self) -> str:
        """The distribution that brought it (normalised name), ``project``, ``entry``, ``include``; empty: unknown."""

    @property
    def modified(self) -> int | None:
        """Seconds since 1970 as the zip says, in whatever zone it was made; None where all files have one time."""


class ForeignFile(Value):
    """A file in a zip of any tool."""

    path: str
    size: int
    compressed_size: int
    owner: str
    modified: int | None = None


class Problem(Value):
    """What a rule found; its name and level are added by whoever runs it."""

    message: str
    hint: str | None = None
    path: str | None = None
    warns: bool = False
    """Never an error: it need not keep anybody from deploying."""


class Subject(Value):
    """A function or layer, made by us or by another tool."""

    name: str
    """For messages: the artefact's name, or the zip's file name."""
    kind: Literal["function", "layer"]
    target: Target
    handler: str | None
    """What Lambda is told to call; None where that is not known."""
    files: Mapping[str, File]
    """By path; folders are none."""
    facts: Mapping[str, Facts]
    """Of the files that have something to tell, by path."""
    read: Callable[[str], bytes]
    """The bytes of a file by its path."""
    zip_size: int
    unzipped_size: int
    layers: Sequence[Subject] = ()
    """In the order in which Lambda unpacks them to ``/opt``."""
    max_size: int | None = None
    """The user's own limit, bytes unzipped of the function and its layers."""
    own: frozenset[str] = frozenset()
    """Distributions that were built from folders of the project, by owner."""
    collisions: Sequence[Collision] = ()
    """Known of our own zips only: one file of the two is all that a zip shows."""

    @property
    def roots(self) -> tuple[str, ...]:
        """See ``search_roots``."""
        return search_roots(self.kind, self.target)

    @property
    def everything(self) -> tuple[Subject, ...]:
        """The function and its layers in the order of ``sys.path``: the layer unpacked last hides the others."""
        return (self, *reversed(self.layers))


def search_roots(kind: Literal["function", "layer"], target: Target) -> tuple[str, ...]:
    """Folders in a zip that are on ``sys.path``, the first one first, each with its slash; ``""`` is the zip's root.

    Source: AWS documentation, "Layer paths for each Lambda runtime".
    """
    return ("",) if kind == "function" else (f"python/lib/{target.runtime.name}/site-packages/", "python/")


def named(owner: str) -> str:
    """An owner in words: ``numpy``, ``the project``."""
    own = {"project": "the project", "entry": "the entry", "include": "what is included", "commands": "a command"}
    return own.get(owner, owner or "the zip")
