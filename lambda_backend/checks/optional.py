"""Compiled modules that their package can do without."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambda_backend.checks.model import Subject

__all__ = ["is_optional"]

_ABSENCE = frozenset({"ImportError", "ModuleNotFoundError", "OSError", "Exception", "BaseException"})
"""What an import of a module whose library is missing raises, or an exception above."""


def is_optional(subject: Subject, path: str, module: str) -> bool:
    """Whether its own package imports a module, and only where it is ready for an ImportError.

    Args:
        subject: holds the package's sources.
        path: of the compiled module.
        module: its name without the package.
    """
    owner = subject.files[path].owner
    guarded: set[bool] = set()
    for source, file in subject.files.items():
        if file.owner == owner and source.endswith(".py"):
            text = subject.read(source)
            if module.encode() in text and b"import" in text:
                guarded.update(_imports(text, module))
    return guarded == {True}


def _imports(text: bytes, module: str) -> Iterator[bool]:
    """For each import of the module in a source, whether its absence is caught."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # templates, and sources of other Pythons
        return
    ready = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.Try) and any(_catches_absence(handler) for handler in node.handlers)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and module in _named(node):
            yield node in ready


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
