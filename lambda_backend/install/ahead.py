"""Imports what is going to be used, while a command is waited for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambda_backend.requirements.model import Pin

__all__ = ["import_ahead"]

_NAMES = (
    "concurrent.futures.thread",
    "deflate",
    "lambda_backend.archive.writer",
    "lambda_backend.install.bundles",
    "lambda_backend.install.tree",
    "lambda_backend.requirements.pylock",
)
_EMPTY_ELF = b"\x7fELF\2\1" + bytes(58)
"""A header without anything, of 64 bits and little endian: who reads it has imported what reads compiled code."""


def import_ahead(pins: Sequence[Pin] = ()) -> None:
    """Import what reads pins, and compresses and searches what is installed of them.

    Args:
        pins: those that are being installed, as far as they are known.
    """
    for name in _NAMES:
        importlib.import_module(name)
    from lambda_backend.facts.collect import facts_of
    from lambda_backend.facts.credentials import MANY

    facts_of("", b"-" * MANY)  # compiles the patterns
    if any(pin.kind == "wheel" and not (pin.url or pin.path or "").endswith("-any.whl") for pin in pins):
        facts_of("", _EMPTY_ELF)
