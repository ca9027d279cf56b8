"""A project's folder among the arguments of a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import os

__all__ = ["ProjectFolder"]


class ProjectFolder(click.Path):
    """A folder with a ``pyproject.toml``."""

    def __init__(self) -> None:
        super().__init__(exists=True, file_okay=False, path_type=Path)

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        """Refuse any other folder as wrong usage."""
        folder = super().convert(value, param, ctx)
        if not (Path(value) / "pyproject.toml").is_file():
            self.fail(f"Directory {str(value)!r} has no pyproject.toml.", param, ctx)
        return folder
