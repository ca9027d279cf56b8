"""Pins as a PEP 751 text that uv installs from."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from packaging.utils import InvalidSdistFilename, parse_sdist_filename

from lambda_backend.errors import LockError
from lambda_backend.requirements.places import file_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambda_backend.requirements.model import Pin

__all__ = ["origin", "preference_text", "pylock_text", "toml_string"]


def pylock_text(pins: Iterable[Pin], *, prefix: str = "", default_index: str | None = None) -> str:
    """A pylock with the one chosen archive of each pin, and no conditions; folders are left out.

    Args:
        pins: as ``pylock.select`` gives them.
        prefix: where the project's root lies for the reader: absolute, or relative to the pylock's folder. Goes before
            every path.
        default_index: what comes from an index and does not say from which comes from this one.

    Raises:
        LockError: for a name that is no valid Unicode, which TOML cannot hold.
    """
    parts = ['lock-version = "1.0"\ncreated-by = "lambda-backend"\n']
    written = sorted((pin for pin in pins if pin.kind != "directory"), key=lambda pin: pin.name)
    parts += [_package(pin, prefix, default_index) for pin in written]
    if not written:
        parts.append("packages = []\n")
    return "\n".join(parts)


def preference_text(versions: Iterable[tuple[str, str]]) -> str:
    """A pylock that says nothing but versions, which is all that uv reads of one that it is about to write anew."""
    packages = (
        f"[[packages]]\nname = {toml_string(name)}\nversion = {toml_string(version)}\n" for name, version in versions
    )
    return "\n".join(['lock-version = "1.0"\ncreated-by = "lambda-backend"\n', *packages])


def _package(pin: Pin, prefix: str, default_index: str | None) -> str:
    version = f"version = {toml_string(pin.version)}\n" if pin.version is not None else ""
    kind, table = origin(pin, prefix)
    value = f"[{table}]" if kind == "wheels" else table
    # PEP 751: only of what comes from an index. uv's cache of archives goes by it.
    place = None if pin.direct or pin.url is None or kind not in {"wheels", "sdist"} else pin.index or default_index
    index = "" if place is None else f"index = {toml_string(place)}\n"
    return f"[[packages]]\nname = {toml_string(pin.name)}\n{version}{index}{kind} = {value}\n"


def origin(pin: Pin, prefix: str) -> tuple[str, str]:
    """Where a pin is installed from.

    Args:
        pin: any.
        prefix: as for ``pylock_text``.

    Returns:
        PEP 751's key (``wheels``, ``sdist``, ``archive``, ``vcs``, ``directory``) and an inline table; it is one of
        several for ``wheels``.

    Raises:
        LockError: for a name that is no valid Unicode.
    """
    entries = _place(pin, prefix)
    if pin.subdirectory is not None:
        entries["subdirectory"] = toml_string(pin.subdirectory)
    if pin.kind == "directory":
        return "directory", _table(entries)
    if pin.kind == "vcs":
        entries = {"type": toml_string(pin.vcs or "git"), **entries, "commit-id": toml_string(pin.commit or "")}
        return "vcs", _table(entries)
    if pin.size is not None:
        entries["size"] = str(pin.size)
    # PEP 751: archives have at least one hash. uv takes an empty table too (with a warning); packaging does not.
    entries["hashes"] = _table({_key(algorithm): toml_string(value) for algorithm, value in _hashes(pin)})
    if pin.kind == "wheel":
        return "wheels", _table(entries)
    # An archive whose name is no sdist's (a repository's snapshot) may only be written as an archive; any other is
    # better written as an sdist, since uv refuses file: URLs of archives.
    return "sdist" if _has_sdist_name(pin) else "archive", _table(entries)


def _place(pin: Pin, prefix: str) -> dict[str, str]:
    if pin.path is not None:
        return {"path": toml_string(f"{prefix.rstrip('/')}/{pin.path}" if prefix else pin.path)}
    url = pin.url or ""
    if pin.kind != "vcs" and url.startswith("file:"):
        return {"path": toml_string(file_path(url))}
    return {"url": toml_string(url)}


def _hashes(pin: Pin) -> tuple[tuple[str, str], ...]:
    return pin.hashes or ((("sha256", pin.sha256),) if pin.sha256 is not None else ())


def _has_sdist_name(pin: Pin) -> bool:
    if pin.subdirectory is not None:
        return False
    place = pin.path if pin.path is not None else urlsplit(pin.url or "").path
    try:
        name, version = parse_sdist_filename(place.rpartition("/")[2])
    except InvalidSdistFilename:
        return False
    return name == pin.name and pin.version in {None, str(version)}


def _table(entries: dict[str, str]) -> str:
    return "{ " + ", ".join(f"{key} = {value}" for key, value in entries.items()) + " }" if entries else "{}"


def _key(text: str) -> str:
    # TOML: a bare key has letters, digits, dashes and underscores of ASCII.
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else toml_string(text)


def toml_string(text: str) -> str:
    """A text as a basic string of TOML.

    Raises:
        LockError: it is no valid Unicode.
    """
    # TOML: a basic string is a JSON string, but TOML wants DEL escaped, and no surrogates, not in pairs either.
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise LockError(f"{text!r} is no valid Unicode and cannot be written to a lock file") from None
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
