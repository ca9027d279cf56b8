"""What a path inside an artefact may look like."""

from __future__ import annotations

import unicodedata

__all__ = ["normalised", "path_problem"]

# Linux: PATH_MAX is 4096 with the final NUL; /var/task or /opt comes in front of the path.
_LONGEST = 4000


def normalised(path: str) -> str:
    """The path in NFC, so that the names of a macOS host and of a Linux host give the same bytes."""
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def path_problem(path: str) -> str | None:
    """Why a path cannot lie in an artefact, in words that follow the path; None when it can.

    The path is one from the root of the artefact, with forward slashes.
    """
    return None if _is_plain(path) else _problem(path)


def _problem(path: str) -> str | None:
    if any(segment in {"", ".", ".."} for segment in path.split("/")):
        return "is not a plain path below the artefact's root"
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return "is not UTF-8"
    if len(encoded) > _LONGEST:
        return f"is longer than {_LONGEST} bytes"
    # APPNOTE 4.4.17: names in a zip have forward slashes only; readers take a backslash for one.
    if "\\" in path:
        return "has a backslash in it"
    if not path.isprintable() and any(unicodedata.category(letter) == "Cc" for letter in path):
        return "has a control character in it"
    return None


def _is_plain(path: str) -> bool:
    """Whether a path has no problem; told in a fifth of the time, for nearly all of the thousands there are."""
    return (
        path.isascii()
        and path.isprintable()
        and path[:1] not in {"", ".", "/"}
        and not path.endswith("/")
        and "/." not in path
        and "//" not in path
        and "\\" not in path
        and len(path) <= _LONGEST
    )
