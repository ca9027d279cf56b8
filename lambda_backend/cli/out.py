"""How commands print: what a script wants on standard output, words for the person on standard error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["aligned", "clipped", "print_json", "printable", "say"]


def print_json(document: object) -> None:
    """A document on standard output."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def say(line: str) -> None:
    """A line for the person."""
    click.echo(f"lambda-backend: {line}", err=True)


def printable(text: str) -> str:
    """Text with what a terminal obeys, or nobody can see, written out: a zip may name its files so."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def clipped(text: str, width: int) -> str:
    """Text without its middle where it is longer than so many characters."""
    if len(text) <= width:
        return text
    half = (width - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def aligned(rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> list[str]:
    """Rows of a table as printable lines.

    Args:
        rows: all of one length.
        right: columns of figures, which are aligned at their end.
    """
    from rich.cells import cell_len

    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        padded = []
        for index, (cell, width) in enumerate(zip(row, widths, strict=True)):
            room = " " * (width - cell_len(cell))
            padded.append(room + cell if index in right else cell + room)
        lines.append("  ".join(padded).rstrip())
    return lines
