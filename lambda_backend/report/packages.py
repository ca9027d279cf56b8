"""A zip by its packages: how much each takes, zipped and unzipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambda_backend.archive.contents import Content, Contents

__all__ = ["OTHER", "Node", "Package", "packages", "tree"]

OTHER = "other files"
"""What people are told of the files that no distribution claims: an entry's own code, what was included."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A distribution in a zip, or all files that belong to none."""

    name: str
    """Normalised; empty for what belongs to none."""
    version: str | None
    files: tuple[Content, ...]
    """Sorted by path."""

    @property
    def size(self) -> int:
        """Bytes, unzipped."""
        return sum(file.size for file in self.files)

    @property
    def zipped(self) -> int:
        """Bytes that its files take in the zip, headers aside."""
        return sum(file.compressed_size for file in self.files)

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.name or OTHER


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A folder or file below a package."""

    name: str
    """With a slash at the end of a folder's."""
    files: int
    size: int
    zipped: int
    children: tuple[Node, ...]


def packages(found: Contents) -> tuple[Package, ...]:
    """The packages of a zip, the largest first."""
    by_owner: dict[str, list[Content]] = {}
    for file in found.files:
        by_owner.setdefault(file.owner, []).append(file)
    versions = {one.name: one.version for one in found.distributions}
    made = (Package(name=name, version=versions.get(name), files=tuple(files)) for name, files in by_owner.items())
    return tuple(sorted(made, key=lambda package: (-package.size, package.name)))


def tree(package: Package, depth: int) -> tuple[Node, ...]:
    """Folders and files of a package, the largest first.

    Args:
        package: a zip's.
        depth: levels of folders to show; what is deeper counts for its folder.
    """
    return _nodes([(file.path.split("/"), file) for file in package.files], depth)


def _nodes(files: list[tuple[list[str], Content]], depth: int) -> tuple[Node, ...]:
    if depth <= 0:
        return ()
    by_name: dict[str, list[tuple[list[str], Content]]] = {}
    for parts, file in files:
        by_name.setdefault(parts[0] + ("/" if len(parts) > 1 else ""), []).append((parts[1:], file))
    nodes = (
        Node(
            name=name,
            files=len(inner),
            size=sum(file.size for _, file in inner),
            zipped=sum(file.compressed_size for _, file in inner),
            children=_nodes(inner, depth - 1) if name.endswith("/") else (),
        )
        for name, inner in by_name.items()
    )
    return tuple(sorted(nodes, key=lambda node: (-node.size, node.name)))
