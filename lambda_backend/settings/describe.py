"""The model's documentation: the string below each field. Reads source, so only schema and reference page use it."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import textwrap
from typing import TYPE_CHECKING

from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["of_fields", "of_record"]


def of_record(record: type) -> str:
    """The record's docstring, each paragraph on one line."""
    paragraphs = inspect.cleandoc(record.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


@functools.cache
def of_fields(record: type) -> Mapping[str, str]:
    """Documentation of each field by the field's name, those of the base classes among them."""
    bases = [base for base in reversed(record.__mro__) if issubclass(base, Value)]
    return {name: text for base in bases for name, text in _own(base)}


def _own(record: type) -> Iterator[tuple[str, str]]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(record))).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for statement, following in itertools.pairwise(body):
        match statement, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, " ".join(text.split())
            case _:
                pass
