"""What a check has to say."""

from __future__ import annotations

from typing import Literal

from lambda_backend.values import Value

__all__ = ["Finding", "Level"]

Level = Literal["error", "warn", "off"]


class Finding(Value):
    """One thing that is wrong with an artefact, or may be."""

    check: str
    """The check's name, which is its key in ``[tool.lambda.checks]``."""
    level: str
    """``error`` or ``warn``."""
    message: str
    """What is wrong and where, in one line; further lines are details."""
    hint: str | None = None
    """What to do about it."""
    path: str | None = None
    """The file in the zip, where it is about one."""
