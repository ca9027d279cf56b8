"""Adds numbers up, in C."""

from __future__ import annotations

from typing import Any

import fastsum


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return {"sum": fastsum.add_up(event["numbers"]), "compiled": fastsum.__file__.endswith(".so")}
