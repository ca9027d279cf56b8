"""Which bytecode file belongs to which source (PEP 3147)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lambda_backend.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["compiled_by_source", "compiled_path", "is_bytecode", "source_of", "with_compiled"]

_COMPILED = pattern(r"(?P<folder>(?:.*/)?)__pycache__/(?P<name>[^/]+)\.(?!opt-)[^/.]+(?:\.opt-[^/.]+)?\.pyc", re.DOTALL)
_LONGEST_NAME = 255
"""Linux: NAME_MAX, in bytes."""


def compiled_path(path: str, python: tuple[int, int]) -> str | None:
    """Where CPython looks for a source's bytecode; None for what is no source, or has too long a name.

    Args:
        path: of the source, in an artefact.
        python: major and minor version.
    """
    folder, slash, name = path.rpartition("/")
    stem = name.removesuffix(".py")
    if stem in {name, ""}:
        return None
    compiled = f"{stem}.cpython-{python[0]}{python[1]}.pyc"
    return f"{folder}{slash}__pycache__/{compiled}" if len(compiled.encode()) <= _LONGEST_NAME else None


def source_of(path: str) -> str | None:
    """The source of a bytecode file; None for any other file."""
    # Most files of an artefact are none.
    match = _COMPILED.fullmatch(path) if path.endswith(".pyc") else None
    return f"{match['folder']}{match['name']}.py" if match else None


def is_bytecode(path: str) -> bool:
    """Whether a file is bytecode that lies beside its source."""
    return source_of(path) is not None


def compiled_by_source(paths: Iterable[str]) -> dict[str, list[str]]:
    """The bytecode files among paths, by the source of each."""
    found: dict[str, list[str]] = {}
    for path in paths:
        if source := source_of(path):
            found.setdefault(source, []).append(path)
    return found


def with_compiled(listed: Iterable[str], compiled: Mapping[str, Iterable[str]]) -> set[str]:
    """What a RECORD lists, and the bytecode of it."""
    found = set(listed)
    return found | {path for source in found for path in compiled.get(source, ())}
