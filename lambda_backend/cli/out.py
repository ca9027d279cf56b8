"""How commands print: what a script wants on standard output, words for the person on standard error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["aligned", "print_json", "say"]


def print_json(document: object) -> None:
    """A document on standard output."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def say(line: str) -> None:
    """A line for the person."""
    click.echo(f"lambda-backend: {line}", err=True)


def aligned(rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> list[str]:
    """Rows of a table as lines.

    Args:
        rows: all of one length.
        right: columns of figures, which are aligned at their end.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = (
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join(cells).rstrip())
    return lines
