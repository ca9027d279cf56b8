"""Writes an invoice."""

from __future__ import annotations

from typing import Any

import jinja2
from common import money

TEMPLATE = jinja2.Environment(autoescape=True).from_string("Dear {{ name }}, please pay {{ amount }}.")


def make(event: dict[str, Any], _context: object) -> dict[str, str]:
    return {"text": TEMPLATE.render(name=event["name"], amount=money(event["cents"]))}
