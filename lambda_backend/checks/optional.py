"""Compiled modules that their package can do without."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from lambda_backend.checks.model import Subject

__all__ = ["optional_modules"]

_ABSENCE = frozenset({"ImportError", "ModuleNotFoundError", "OSError", "Exception", "BaseException"})
"""What an import of a module whose library is missing raises, or an exception above."""


def optional_modules(subject: Subject, owner: str, modules: Collection[str]) -> frozenset[str]:
    """Those that their own package imports, and only where it is ready for an ImportError.

    Args:
        subject: holds the package's sources.
        owner: the distribution.
        modules: names of compiled modules, without the package.
    """
    guarded: dict[str, set[bool]] = {}
    pattern = re.compile(b"|".join(re.escape(module.encode()) for module in sorted(modules)))
    for source, file in subject.files.items():
        if modules and file.owner == owner and source.endswith(".py"):
            text = subject.read(source)
            if b"import" in text and pattern.search(text):
                for module, is_guarded in _imports(text):
                    guarded.setdefault(module, set()).add(is_guarded)
    return frozenset(module for module in modules if guarded.get(module) == {True})


def _imports(text: bytes) -> Iterator[tuple[str, bool]]:
    """Each name that a source imports, and whether its absence is caught."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # templates, and sources of other Pythons
        return
    nodes = tuple(ast.walk(tree))
    ready = {
        inner
        for node in nodes
        if isinstance(node, ast.Try) and any(_catches_absence(handler) for handler in node.handlers)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from ((name, node in ready) for name in _named(node))


def _named(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    for alias in node.names:
        yield alias.name.rpartition(".")[2]
    if isinstance(node, ast.ImportFrom) and node.module:
        yield node.module.rpartition(".")[2]


def _catches_absence(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in _ABSENCE for kind in types)
