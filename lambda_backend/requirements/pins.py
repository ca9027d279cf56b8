"""Sets of pins: their digest, and their form in the cache."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from lambda_backend.requirements.model import Pin, Requirements
from lambda_backend.values import as_dict, replace

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["digest", "from_json", "local", "to_json"]


def local(pins: Iterable[Pin]) -> tuple[Pin, ...]:
    """The folders among the pins; each is built to a wheel on its own."""
    return tuple(pin for pin in pins if pin.kind == "directory")


def digest(pins: Iterable[Pin]) -> str:
    """A sha256, in hex, over everything that decides what is installed; the order of pins does not matter."""
    lines = sorted(json.dumps(as_dict(replace(pin, size=None)), sort_keys=True) for pin in pins)
    return hashlib.sha256("\n".join(lines).encode("ascii")).hexdigest()


def to_json(requirements: Requirements) -> str:
    """A text that ``from_json`` reads back into an equal object."""
    return json.dumps(as_dict(requirements), sort_keys=True, indent=1)


def from_json(text: str) -> Requirements:
    """What ``to_json`` wrote.

    Raises:
        ValueError, TypeError, KeyError: for any other text; a cache takes it as a miss.
    """
    raw = json.loads(text)
    pins = tuple(
        Pin(**{**pin, "hashes": tuple((algorithm, value) for algorithm, value in pin["hashes"])}) for pin in raw["pins"]
    )
    return Requirements(pins=pins, lock=raw["lock"])
