"""A zip by its packages: how much each takes, zipped and unzipped."""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING

from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from lambda_backend.archive.contents import Content, Contents

    _File: TypeAlias = tuple[list[str], Content]
    """With its path in parts."""

__all__ = ["DEEPEST", "OTHER", "Node", "Package", "packages", "tree"]

OTHER = "other files"
"""What people are told of the files that no distribution claims: an entry's own code, what was included."""

DEEPEST = 32
"""Levels of folders that a tree may have: a zip can name thousands."""


class Package(Value):
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

    @property
    def folder(self) -> str:
        """What all its files lie in, with a slash at its end; empty where there is no such folder."""
        # They are sorted: what the first and the last one have in common, all have.
        common = os.path.commonprefix([self.files[0].path, self.files[-1].path])  # noqa: RUF071 - cut after a slash
        return common[: common.rfind("/") + 1]


class Node(Value):
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
    """Folders and files of a package below the folder that they all lie in, the largest first.

    Args:
        package: a zip's.
        depth: levels of folders to show, at most ``DEEPEST``; what is deeper counts for its folder.
    """
    files = [(file.path.split("/"), file) for file in package.files]
    return _nodes(files, package.folder.count("/"), min(depth, DEEPEST))


def _nodes(files: Sequence[_File], level: int, depth: int) -> tuple[Node, ...]:
    """Nodes of what lies in one folder, whose path has so many levels."""
    if depth <= 0:
        return ()
    by_name: dict[str, list[_File]] = {}
    for parts, file in files:
        by_name.setdefault(parts[level] + ("/" if len(parts) > level + 1 else ""), []).append((parts, file))
    made = (_node(name, inner, level + 1, depth) for name, inner in by_name.items())
    return tuple(sorted(made, key=lambda node: (-node.size, node.name)))


def _node(name: str, inner: Sequence[_File], level: int, depth: int) -> Node:
    first = inner[0][0]
    # A folder that holds nothing but another one is no level of its own.
    while name.endswith("/") and all(len(parts) > level + 1 and parts[level] == first[level] for parts, _ in inner):
        name += f"{first[level]}/"
        level += 1
    return Node(
        name=name,
        files=len(inner),
        size=sum(file.size for _, file in inner),
        zipped=sum(file.compressed_size for _, file in inner),
        children=_nodes(inner, level, depth - 1) if name.endswith("/") else (),
    )
