"""Files and names that get into each other's way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.checks.model import Problem, named
from lambda_backend.checks.stdlib import stdlib_modules
from lambda_backend.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambda_backend.checks.model import Subject

__all__ = ["check"]

_METADATA = pattern(r"([^/]+)-([^/-]+)\.dist-info/METADATA")
_MODULE = pattern(r"([^/.]+)(?:\.py|\.pyc|\.abi3\.so|\.cpython-[^/]*\.so|\.so)")
_OF_THE_RUNTIME = frozenset({"awslambdaric", "bootstrap", "lambda_internal", "runtime_client"})
"""Modules of ``/var/runtime`` that Lambda starts a function with; libraries that are there too may well be shipped."""
_IDLE = frozenset({"antigravity", "idlelib", "test", "this", "turtle", "turtledemo"})
"""Of the standard library, and imported by nothing in it."""


def check(subject: Subject) -> Iterator[Problem]:
    """One path from two packages, a name that hides another, one package in two versions."""
    yield from _overwritten(subject)
    yield from _shadowed(subject)
    yield from _versions(subject)


def _overwritten(subject: Subject) -> Iterator[Problem]:
    by_owners: dict[tuple[str, str], list[str]] = {}
    for found in subject.collisions:
        by_owners.setdefault(found.owners, []).append(found.path)
    for (one, other), paths in sorted(by_owners.items()):
        more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""  # noqa: PLR2004 - as many as are shown
        files = f"{', '.join(sorted(paths)[:3])}{more}"
        yield Problem(
            message=f"{named(one)} and {named(other)} bring different files to one place, and one is lost: {files}",
            hint="depend on one of them, rename a file of yours, or list the files in exclude",
            path=min(paths),
        )


def _shadowed(subject: Subject) -> Iterator[Problem]:
    stdlib = stdlib_modules(subject.target.runtime.version) - _IDLE
    for name, path in sorted(_top_level(subject).items()):
        owner = subject.files[path].owner
        who = f" (from {owner})" if owner else ""
        if name in stdlib:
            yield Problem(
                message=f"{path}{who} hides the module {name} of Python's standard library",
                hint="rename it; a backport for older Pythons is not needed" if not owner else _drop(owner),
                path=path,
            )
        elif name in _OF_THE_RUNTIME:
            yield Problem(
                message=f"{path}{who} hides the module {name} of Lambda's runtime",
                hint=f"rename it, or leave {owner or name} out: the runtime brings its own",
                path=path,
            )


def _drop(owner: str) -> str:
    own = owner in {"project", "entry", "include"}
    return "rename it" if own else f"leave {owner} out: a backport for older Pythons is not needed"


def _top_level(subject: Subject) -> dict[str, str]:
    """Modules and packages that ``import`` finds by their bare name, and a file of each.

    A folder without ``__init__.py`` hides nothing: a namespace package comes after all others on ``sys.path``.
    """
    found: dict[str, str] = {}
    for root in subject.roots:
        depth = root.count("/")
        for path in subject.files:
            # Most files of an artefact lie deeper.
            if path.count("/") > depth + 1 or not path.startswith(root):
                continue
            first, slash, rest = path[len(root) :].partition("/")
            if slash and rest == "__init__.py":
                found.setdefault(first, path)
            elif not slash and (module := _MODULE.fullmatch(first)):
                found.setdefault(module[1], path)
    return found


def _versions(subject: Subject) -> Iterator[Problem]:
    """A package of the function hides that of a layer, and layers overwrite each other file by file."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for part in subject.everything:
        for name, version in _distributions(part):
            found.setdefault(name.lower().replace("_", "-").replace(".", "-"), []).append((name, version, part.name))
    for places in found.values():
        _, first, here = places[0]
        for name, version, there in places[1:]:
            if version != first:
                yield Problem(
                    message=f"{_named(name)} is there in two versions: {first} in {here} and {version} in {there}",
                    hint="lock both from one file, or drop the layer from the function",
                )


def _named(distribution: str) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(distribution)


def _distributions(part: Subject) -> Iterator[tuple[str, str]]:
    roots = part.roots
    for path in part.files:
        if not path.endswith(".dist-info/METADATA"):
            continue
        for root in roots:
            if path.startswith(root) and (found := _METADATA.fullmatch(path[len(root) :])):
                yield found[1], found[2]
