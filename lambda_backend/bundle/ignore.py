"""A build context's ignore file, ``.containerignore`` or ``.dockerignore``, by Docker's rules.

They look like git's and are not: a pattern starts at the context's root unless it starts with ``**``, a slash at its
end says nothing, and the last pattern that matches a path or a folder above it decides, so that a ``!`` line takes a
file back in wherever it lies. (Docker's reference on ``.dockerignore``; its patterns are those of Go's
``filepath.Match``, and ``**``.)
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambda_backend.bundle.paths import normalised
from lambda_backend.errors import BundleError
from lambda_backend.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["IgnoreFile"]

_TOKEN = pattern(r"(?P<any>\*\*/?)|(?P<star>\*)|(?P<one>\?)|\\(?P<escaped>.)|\[(?P<set>\^?(?:\\.|[^\]\\])+)\]|.")
_LETTER = pattern(r"\\(.)|[^-]")
_SPECIAL = pattern(r"[*?\[\]\\]")


@dataclass(frozen=True, slots=True)
class _Pattern:
    paths: re.Pattern[str]
    takes_back: bool


class IgnoreFile:
    """The patterns of an ignore file.

    Args:
        text: its contents; empty for none.
        name: its name, for the error.

    Raises:
        BundleError: a line is no pattern.
    """

    def __init__(self, text: str = "", *, name: str = ".dockerignore") -> None:
        self._patterns = tuple(_patterns(text, name))
        self.takes_back = any(pattern.takes_back for pattern in self._patterns)
        """Something below a folder that is left out may be wanted."""

    def excluded(self, path: str) -> bool:
        """Whether a path from the context's root is left out."""
        parts = path.split("/")
        here = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        matching = (
            pattern for pattern in reversed(self._patterns) if any(pattern.paths.fullmatch(folder) for folder in here)
        )
        last = next(matching, None)
        return last is not None and not last.takes_back

    def names(self, path: str) -> bool:
        """Whether a ``!`` line matches the path itself, and not only a folder above it."""
        return any(pattern.takes_back and pattern.paths.fullmatch(path) for pattern in self._patterns)


def _patterns(text: str, name: str) -> Iterator[_Pattern]:
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        pattern = line.strip()
        if line.startswith("#") or not pattern:
            continue
        takes_back = pattern.startswith("!")
        try:
            yield _Pattern(re.compile(_regex(_clean(pattern.removeprefix("!")))), takes_back)
        except (ValueError, re.error):
            raise BundleError(
                f"{name}, line {number}: {pattern!r} is no pattern",
                hint="its lines are those of a .dockerignore file",
            ) from None


def _clean(pattern: str) -> str:
    """A pattern as Go's ``filepath.Clean`` leaves it, from the context's root."""
    pattern = pattern.strip()
    if not pattern:
        raise ValueError(pattern)
    return re.sub(r"\A/+(?=.)", "", posixpath.normpath(normalised(pattern)))


def _regex(pattern: str) -> str:
    found = []
    for token in _TOKEN.finditer(pattern):
        if token["any"]:
            found.append(".*" if _is_anything(token, pattern) else "(?:.*/)?")
        elif token["star"]:
            found.append("[^/]*")
        elif token["one"]:
            found.append("[^/]")
        elif token["set"]:
            found.append(_set(token["set"]))
        elif token["escaped"] is None and token[0] in {"[", "\\"}:
            raise ValueError(pattern)
        else:
            found.append(re.escape(token["escaped"] or token[0]))
    return "".join(found)


def _set(inside: str) -> str:
    """A set of letters; Python keeps some of them for operations on sets."""
    negated = inside.startswith("^")
    letters = _LETTER.sub(lambda letter: re.escape(letter[1] or letter[0]), inside[negated:])
    return f"[{'^' if negated else ''}{letters}]"


def _is_anything(token: re.Match[str], pattern: str) -> bool:
    """Whether ``**`` stands for any text, as at the end, or for any number of folders.

    ``**.pyc`` is any text and ``.pyc``, but with another wildcard in it (``**.py?``) the name must start there.
    """
    rest = pattern[token.end() :]
    return not rest or (token.start() == 0 and token[0] == "**" and not _SPECIAL.search(rest))
