"""Problems of a table, collected so that all are reported at once, each with its path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.errors import SettingsError
from lambda_backend.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Place", "Problems", "nearest", "quoted"]

_BARE_KEY = pattern(r"[A-Za-z0-9_-]+")
_LONGEST = 60


class Place:
    """Where a value stands, and whether messages may show it."""

    __slots__ = ("path", "quiet")

    def __init__(self, path: str, quiet: bool = False) -> None:
        self.path = path
        self.quiet = quiet

    def key(self, name: str) -> Place:
        """A key of the table here; quoted where TOML would have it quoted."""
        return Place(f"{self.path}.{name if _BARE_KEY.fullmatch(name) else quoted(name)}", self.quiet)

    def index(self, number: int) -> Place:
        """An item of the list here."""
        return Place(f"{self.path}[{number}]", self.quiet)

    def silent(self) -> Place:
        """The same place, whose values no message shows."""
        return Place(self.path, quiet=True)


class Problems:
    """Problems in the order they were found.

    Args:
        origins: the override that a path's value came from (``-C lambda.engine``); its problems go by that name.
    """

    def __init__(self, origins: Mapping[str, str] | None = None) -> None:
        self.origins: Mapping[str, str] = origins or {}
        self._found: list[tuple[str, str]] = []

    def __len__(self) -> int:
        return len(self._found)

    def add(self, place: Place | str, message: str) -> None:
        """Adds one line."""
        self._found.append((place if isinstance(place, str) else place.path, message))

    def at(self, place: Place | str) -> bool:
        """Whether a problem was found there or below, so that what follows from it needs no second message."""
        path = place if isinstance(place, str) else place.path
        return any(_is_within(found, path) for found, _ in self._found)

    def raise_if_any(self) -> None:
        """Reports all of them.

        Raises:
            SettingsError: if there is one.
        """
        if self._found:
            raise SettingsError([f"{self._label(path)}: {message}" for path, message in self._found])

    def _label(self, path: str) -> str:
        for origin, label in self.origins.items():
            if _is_within(path, origin):
                return label + path.removeprefix(origin)
        return path


def _is_within(path: str, outer: str) -> bool:
    return path == outer or path.startswith((f"{outer}.", f"{outer}["))


def quoted(value: str) -> str:
    """A string as a message shows it: one line, in double quotes, not too long, without the user part of a URL."""
    import json

    from lambda_backend.settings.interpolate import redact_urls

    shown = redact_urls(value)
    return json.dumps(shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…", ensure_ascii=False)


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean "…"?`` for the most similar known word; empty where none is similar."""
    import difflib

    by_folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold().replace("_", "-"), by_folded, n=1)
    return f"; did you mean {quoted(by_folded[close[0]])}?" if close else ""
