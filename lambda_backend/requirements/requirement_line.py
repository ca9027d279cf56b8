"""One line of a requirements file."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import unquote

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from lambda_backend.patterns import pattern
from lambda_backend.requirements.places import inside
from lambda_backend.settings.interpolate import redact_urls, without_user
from lambda_backend.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from packaging.utils import NormalizedName

__all__ = ["BadLineError", "RequirementLine", "local_path", "requirement_line", "split"]

_VALUED = {
    "-i": "--index-url",
    "--index-url": "--index-url",
    "--pypi-url": "--index-url",
    "--extra-index-url": "--extra-index-url",
    "-f": "--find-links",
    "--find-links": "--find-links",
    "--no-binary": "--no-binary",
    "--only-binary": "--only-binary",
    "--trusted-host": "--trusted-host",
    "-r": "--requirement",
    "--requirement": "--requirement",
    "-c": "--constraint",
    "--constraint": "--constraint",
    "--hash": "--hash",
}
_FLAGS = frozenset({"--no-index", "--pre", "--require-hashes", "--prefer-binary"})
_ARCHIVES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tar.lzma", ".tar", ".tar.zst")
_SCHEME = pattern(r"[A-Za-z][A-Za-z0-9+.-]+://|file:")
_EDITABLE = pattern(r"(?:-e|--editable)(?:[\s=]+|(?=\.)|\Z)")
_OPTION = pattern(r"(?:^|\s)--?[A-Za-z]")
_DIRECT = pattern(r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:(?P<extras>\[[^\]]*\])\s*)?@\s*(?P<url>\S+)\Z")
_EXTRAS = pattern(r"(?P<place>.+?)(?P<extras>\[[^\]]*\])\Z")
_HASH = pattern(r"(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})\Z")
_FRAGMENT_HASH = pattern(r"(?:^|&)(sha256|sha384|sha512)=([0-9a-fA-F]+)")
_EGG = pattern(r"(?:^|&)egg=([A-Za-z0-9][\w.-]*)")
_VARIABLE = pattern(r"\$\{[A-Z0-9_]+\}")


class RequirementLine(Value):
    """One requirement or constraint."""

    where: str
    """File, relative to the root, and line: ``requirements.txt:3``."""
    text: str = field(repr=False)
    """What uv is given, with paths relative to the root; may hold secrets."""
    name: NormalizedName | None
    """None for a folder, archive or URL that does not say its name."""
    requirement: Requirement | None = field(default=None, repr=False)
    """The requirement of a name; None for a bare path or URL."""
    url: str | None = None
    """Without user part."""
    path: str | None = None
    """Of a local folder or archive, relative to the root, with forward slashes."""
    extras: tuple[str, ...] = ()
    marker: str | None = None
    hashes: frozenset[str] = frozenset()
    """``sha256:…``."""
    editable: bool = False
    constraint: bool = False


class BadLineError(Exception):
    """What is wrong with a line; never holds a secret."""


def split(line: str) -> tuple[str, bool, list[tuple[str, str | None]]]:
    """The requirement of a line, whether it follows ``-e``, and its options by their long names."""
    editable = _EDITABLE.match(line)
    line = line[editable.end() :] if editable else line
    option = _OPTION.search(line)
    start = option.start() if option else len(line)
    return line[:start].strip(), editable is not None, _options(line[start:])


def _options(text: str) -> list[tuple[str, str | None]]:
    try:
        words = shlex.split(text)
    except ValueError:
        raise BadLineError("a quote is not closed") from None
    found: list[tuple[str, str | None]] = []
    while words:
        word = words.pop(0)
        option, equals, value = word.partition("=")
        if not word.startswith("--") and len(word) > 2:  # noqa: PLR2004 - a short option with its value: -rfile
            option, equals, value = word[:2], "=", word[2:].removeprefix("=")
        if option in _FLAGS and not equals:
            found.append((option, None))
        elif option in _VALUED:
            if not equals and words:
                value = words.pop(0)
            if not value:
                raise BadLineError(f"{option} lacks its value")
            found.append((_VALUED[option], value))
        else:
            raise BadLineError(f"unknown option {redact_urls(option)}")
    return found


def local_path(text: str, base: Path, root: Path) -> str:
    """A path of a file in ``base``, relative to the root, with forward slashes.

    Raises:
        BadLineError: when it leaves the root, also by a symlink, or does not exist.
    """
    if _VARIABLE.search(text):
        raise BadLineError(f"{text}: variables may stand in URLs, not in paths")
    place = unquote(re.sub(r"^file:(//(localhost)?(?=/))?", "", text)) if text.startswith("file:") else text
    path = base / place
    if not inside(path, root):
        raise BadLineError(f"{text} leaves the project")
    if not path.exists():
        raise BadLineError(f"{text} does not exist")
    return path.resolve().relative_to(root.resolve()).as_posix()


def requirement_line(
    text: str, *, where: str, base: Path, root: Path, hashes: Iterable[str], editable: bool, constraint: bool
) -> RequirementLine:
    """The requirement, path or URL that a line names.

    Args:
        text: without options and comment.
        where: file and line.
        base: folder of the file.
        root: the project's.
        hashes: values of its ``--hash``.
        editable: whether it follows ``-e``.
        constraint: whether it is one.

    Raises:
        BadLineError: when it is none of the three, or names a place outside the project.
    """
    # pip: in a URL a marker follows "; ", since a URL may hold a semicolon.
    is_url = _SCHEME.match(text) is not None or _DIRECT.match(text.partition("; ")[0]) is not None
    body, _, marker_text = text.partition("; " if is_url else ";")
    body = body.strip()
    marker = _marker(marker_text.strip())
    name, extras, place = _parts(body)
    common_hashes = frozenset(_hash(value) for value in hashes)
    suffix = f" ; {marker}" if marker else ""
    prefix = "-e " if editable else ""
    if place is None:
        if editable:
            raise BadLineError("-e takes a folder or a repository")
        requirement = _requirement(text)
        return RequirementLine(
            where=where,
            text=text,
            name=canonicalize_name(requirement.name),
            requirement=requirement,
            extras=tuple(sorted(requirement.extras)),
            marker=str(requirement.marker) if requirement.marker else None,
            hashes=common_hashes,
            constraint=constraint,
        )
    if _SCHEME.match(place) and not place.startswith("file:"):
        address, _, fragment = place.partition("#")
        path = None
    else:
        address, _, fragment = place.partition("#") if place.startswith("file:") else (place, "", "")
        path = local_path(address, base, root)
    common_hashes |= {f"{kind}:{value}".lower() for kind, value in _FRAGMENT_HASH.findall(fragment)}
    shown = place if path is None else f"./{path}"
    named = f"{name}{extras} @ {shown}" if name else f"{shown}{extras}"
    return RequirementLine(
        where=where,
        text=f"{prefix}{named}{suffix}",
        name=_name(name, fragment, path or address),
        url=without_user(address) if path is None else None,
        path=path,
        extras=tuple(sorted(one.strip() for one in extras.strip("[]").split(",") if one.strip())),
        marker=marker,
        hashes=common_hashes,
        editable=editable,
        constraint=constraint,
    )


def _parts(body: str) -> tuple[str | None, str, str | None]:
    """Name, extras in their brackets, and URL or path; no place for a plain requirement."""
    direct = _DIRECT.match(body)
    if direct is not None:
        return direct["name"], direct["extras"] or "", direct["url"]
    if _SCHEME.match(body):
        return None, "", body
    with_extras = _EXTRAS.match(body)
    place, extras = (with_extras["place"], with_extras["extras"]) if with_extras else (body, "")
    if place.startswith(".") or "/" in place or place.lower().endswith(_ARCHIVES):
        return None, extras, place
    return None, "", None


def _marker(text: str) -> str | None:
    if not text:
        return None
    try:
        return str(Marker(text))
    except (InvalidMarker, RecursionError):  # thousands of parentheses
        raise BadLineError(f"{text!r} is no marker") from None


def _requirement(text: str) -> Requirement:
    try:
        return Requirement(text)
    except (InvalidRequirement, RecursionError):
        raise BadLineError(f"{redact_urls(text)!r} is no requirement, path or URL") from None


def _hash(value: str) -> str:
    if not _HASH.match(value.lower()):
        raise BadLineError(f"{value!r} is no hash; pip takes sha256:, sha384: and sha512: with hex digits")
    return value.lower()


def _name(name: str | None, fragment: str, address: str) -> NormalizedName | None:
    if name is not None:
        return canonicalize_name(name)
    egg = _EGG.search(fragment)
    if egg is not None:
        return canonicalize_name(egg[1])
    file_name = unquote(address.rpartition("/")[2])
    try:
        return parse_wheel_filename(file_name)[0] if file_name.endswith(".whl") else parse_sdist_filename(file_name)[0]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
