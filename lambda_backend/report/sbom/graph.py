"""Which distribution in an artefact needs which, for its target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from packaging.markers import Environment

__all__ = ["ROOT", "dependencies"]

ROOT = ""
"""Stands for the artefact itself."""


def dependencies(
    requires: Mapping[str, Iterable[str]], *, root: Iterable[str], extras: Iterable[str], environment: Environment
) -> dict[str, frozenset[str]]:
    """What each distribution, and the artefact (``ROOT``), needs of the others in it; all by normalised name.

    Args:
        requires: ``Requires-Dist`` of every distribution in the artefact.
        root: the artefact's own requirements; whatever no requirement leads to is one of them too.
        extras: that count for the artefact's own requirements.
        environment: the target's markers.
    """
    parsed = {name: [*filter(None, map(_parsed, lines))] for name, lines in {**requires, ROOT: root}.items()}
    edges: dict[str, set[str]] = {name: set() for name in parsed}
    # PEP 508: an extra that some requirement names brings the requirements of that extra.
    todo = [(name, "") for name in parsed] + [(ROOT, canonicalize_name(extra)) for extra in extras]
    seen = set()
    while todo:
        name, extra = todo.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for requirement in parsed[name]:
            needed = canonicalize_name(requirement.name)
            if needed in requires and _applies(requirement, environment, extra):
                edges[name].add(needed)
                todo += [(needed, canonicalize_name(one)) for one in requirement.extras]
    _add_unreached(edges)
    return {name: frozenset(needed - {name}) for name, needed in edges.items()}


def _add_unreached(edges: dict[str, set[str]]) -> None:
    """Let the artefact need what nothing else leads to, and one of every ring."""
    reached = _reached(edges, ROOT)
    needed = {other for name, others in edges.items() for other in others if other != name}
    for name in sorted(edges.keys() - {ROOT}, key=lambda name: (name in needed, name)):
        if name not in reached:
            edges[ROOT].add(name)
            reached |= _reached(edges, name)


def _reached(edges: Mapping[str, Iterable[str]], start: str) -> set[str]:
    reached: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += edges[name]
    return reached


def _parsed(line: str) -> Requirement | None:
    """None for what is no requirement, as old packages have some; installers pass over it too."""
    try:
        return Requirement(line)
    except InvalidRequirement:
        return None


def _applies(requirement: Requirement, environment: Environment, extra: str) -> bool:
    variables = {**{name: str(value) for name, value in environment.items()}, "extra": extra}
    return requirement.marker is None or requirement.marker.evaluate(variables)
