"""Regular expressions that are compiled when they are first used: a build needs few of all that there are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, AnyStr, cast

if TYPE_CHECKING:
    from re import Pattern

__all__ = ["pattern"]


def pattern(text: AnyStr, flags: int = 0) -> Pattern[AnyStr]:
    """What ``re.compile`` gives, later."""
    return cast("Pattern[AnyStr]", _Later(text, flags))


class _Later:
    """Gets the methods of a pattern when it is first asked for one of them."""

    def __init__(self, text: str | bytes, flags: int) -> None:
        self._arguments = (text, flags)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the pattern's own
        # Only what is not there yet is asked for here.
        text, flags = self._arguments
        found = getattr(re.compile(text, flags), name)
        setattr(self, name, found)
        return found
