"""The packages of a zip as the page has them: nested lists, and the smallest files summed up where there are many.

A file is ``[name, size, zipped, kind]`` and a folder ``[name, children]``, where kind is an index into ``KINDS``. What
is too small to be listed is ``[number, size, zipped, kind]``: so many files of that kind in that folder, and below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambda_backend.report.packages import DEEPEST, tree
from lambda_backend.report.page.kinds import KINDS, kind_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from lambda_backend.report.packages import Node, Package

__all__ = ["tiles"]

_ROOM = 1_500_000
"""Characters that files and folders may take in the page, about."""
_FIGURES = 24
"""Characters that the sizes of one take."""


def tiles(found: Sequence[Package], *, room: int = _ROOM) -> list[list[Any]]:
    """What lies in each package, in the same order.

    Args:
        found: a zip's packages.
        room: characters for all of them; the largest files and folders come first.
    """
    trees = [tree(package, DEEPEST) for package in found]
    kept = _kept([node for nodes in trees for node in nodes], room)
    return [_encoded(nodes, package.folder, kept) for nodes, package in zip(trees, found, strict=True)]


def _kept(roots: Sequence[Node], room: int) -> frozenset[int]:
    """Identities of the nodes that there is room for; a folder, as large and higher, comes before what is in it."""
    ordered = sorted(_below(roots, 0), key=lambda found: (-found[1].size, found[0]))
    kept = set()
    for _, node in ordered:
        room -= len(node.name) + _FIGURES
        if room < 0:
            break
        kept.add(id(node))
    return frozenset(kept)


def _below(nodes: Sequence[Node], level: int) -> Iterator[tuple[int, Node]]:
    for node in nodes:
        yield level, node
        yield from _below(node.children, level + 1)


def _encoded(nodes: Sequence[Node], folder: str, kept: Container[int]) -> list[Any]:
    made: list[Any] = []
    rest: dict[str, list[int]] = {}
    for node in nodes:
        path = folder + node.name
        if id(node) not in kept:
            _sum_up(node, path, rest)
        elif node.children:
            made.append([node.name, _encoded(node.children, path, kept)])
        elif node.name.endswith("/"):
            deeper: dict[str, list[int]] = {}
            _sum_up(node, path, deeper)
            made.append([node.name, _summed(deeper)])
        else:
            made.append([node.name, node.size, node.zipped, KINDS.index(kind_of(path))])
    return made + _summed(rest)


def _sum_up(node: Node, path: str, into: dict[str, list[int]]) -> None:
    if node.children:
        for child in node.children:
            _sum_up(child, path + child.name, into)
        return
    counts = into.setdefault(kind_of(path), [0, 0, 0])
    for index, more in enumerate((node.files, node.size, node.zipped)):
        counts[index] += more


def _summed(rest: dict[str, list[int]]) -> list[Any]:
    return [[*counts, KINDS.index(kind)] for kind, counts in sorted(rest.items())]
