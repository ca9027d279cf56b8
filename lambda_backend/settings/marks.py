"""Marks that the model's annotations carry; the parser, the schema and the reference page read them."""

from __future__ import annotations

import enum

__all__ = ["Mark", "Rule"]


class Mark(enum.Enum):
    """How a value is read."""

    ONE_OR_MANY = enum.auto()
    """One string, or a list with at least one."""
    UNIQUE = enum.auto()
    """A list without duplicates."""
    SECRET = enum.auto()
    """No message shows a value from here."""
    SIZE = enum.auto()
    """Bytes as an integer, or a string such as ``100 MiB``."""
    GIVEN = enum.auto()
    """Not a key: the names of the fields that the table sets itself."""


class Rule(enum.Enum):
    """What a string must look like; ``rules.py`` has the checks."""

    TEXT = enum.auto()
    NAME = enum.auto()
    VARIABLE = enum.auto()
    HANDLER = enum.auto()
    INSIDE = enum.auto()
    BELOW = enum.auto()
    BACKEND = enum.auto()
    VERSION = enum.auto()
    RUNTIME = enum.auto()
    ARCHITECTURE = enum.auto()
