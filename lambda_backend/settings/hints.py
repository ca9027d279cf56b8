"""What the model's annotations say, without their wrappers."""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Mapping
from typing import Any, NamedTuple

from lambda_backend.settings.marks import Mark, Rule
from lambda_backend.values import MISSING, fields

__all__ = ["Hint", "Key", "key_of", "keys", "rule_of", "shape", "unwrap"]


class Hint(NamedTuple):
    """A type without ``Annotated`` and ``None``."""

    members: tuple[Any, ...]
    """The type, or a union's types."""
    marks: tuple[object, ...]


class Key(NamedTuple):
    """A key of a table."""

    name: str
    """As in TOML: ``output-dir``."""
    field: str
    """As in the model: ``output_dir``."""
    hint: Any
    required: bool
    default: Any
    """None for a required one."""


def unwrap(hint: Any) -> Hint:  # noqa: ANN401 - a type of any form
    """Takes off ``Annotated`` and ``| None`` and collects the marks."""
    marks: tuple[object, ...] = ()
    while typing.get_origin(hint) is typing.Annotated:
        marks += hint.__metadata__
        hint = hint.__origin__
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return Hint((hint,), marks)
    members = tuple(member for member in typing.get_args(hint) if member is not types.NoneType)
    if len(members) > 1:
        return Hint(members, marks)
    inner = unwrap(members[0])
    return Hint(inner.members, marks + inner.marks)


def shape(member: Any) -> str:  # noqa: ANN401 - a type of any form
    """Which form of TOML value a type takes: text, choice, boolean, integer, list, table or record."""
    (plain,) = unwrap(member).members
    origin = typing.get_origin(plain)
    if origin is None:
        return {str: "text", bool: "boolean", int: "integer"}.get(plain, "record")
    return {typing.Literal: "choice", tuple: "list", Mapping: "table"}[origin]


def rule_of(marks: tuple[object, ...]) -> Rule | None:
    """The rule among marks."""
    return next((mark for mark in marks if isinstance(mark, Rule)), None)


def key_of(field: str) -> str:
    """``from_`` → ``from``, ``output_dir`` → ``output-dir``."""
    return field.strip("_").replace("_", "-")


@functools.cache
def keys(record: type) -> Mapping[str, Key]:
    """Keys of a record by their name in TOML."""
    hints = typing.get_type_hints(record, include_extras=True)
    found = {}
    for field, known in fields(record).items():
        hint = hints[field]
        if Mark.GIVEN in unwrap(hint).marks:
            continue
        required = known.default is MISSING and known.default_factory is MISSING
        default = None if known.default is MISSING else known.default
        if known.default_factory is not MISSING:
            default = known.default_factory()
        name = key_of(field)
        found[name] = Key(name, field, hint, required, default)
    return found
