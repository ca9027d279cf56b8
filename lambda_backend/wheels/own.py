"""The project's own wheel, there or in the making."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lambda_backend.metadata import ProjectMetadata

__all__ = ["Made", "OwnWheel"]


class Made(Value):
    """The project's wheel."""

    path: Path
    project: ProjectMetadata


class OwnWheel:
    """A wheel that need not be there before it is asked for.

    Args:
        make: gives it, when it is there.
        project: what is known of the project before.
        is_there: whether that takes no time.
    """

    def __init__(
        self, make: Callable[[], Made], *, project: ProjectMetadata, is_there: Callable[[], bool] = lambda: True
    ) -> None:
        self.project = project
        self._make = make
        self._is_there = is_there

    @functools.cached_property
    def made(self) -> Made:
        """The wheel."""
        return self._make()

    def hear(self) -> None:
        """Let it say what is wrong with it, if it can by now."""
        if self._is_there():
            _ = self.made
