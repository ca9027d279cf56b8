"""The standard library's modules, by Python version; the facts are data (``data/stdlib.toml``)."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

__all__ = ["stdlib_modules"]


@functools.cache
def stdlib_modules(version: tuple[int, int]) -> frozenset[str]:
    """Top-level modules of a version; a version after the last known one has those of the last."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    facts = tomllib.loads(Path(__file__).parents[1].joinpath("data/stdlib.toml").read_text("utf-8"))
    names = set(facts["names"])
    for of, change in facts["changes"].items():
        if tuple(map(int, of.split("."))) <= version:
            names = (names | set(change["added"])) - set(change["removed"])
    return frozenset(names)
