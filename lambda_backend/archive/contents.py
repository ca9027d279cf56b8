"""What a zip holds, made by us or by any other tool: its files, and the distribution that each belongs to."""

from __future__ import annotations

import posixpath
import zipfile
from typing import TYPE_CHECKING

from lambda_backend.archive.unreadable import UNREADABLE
from lambda_backend.bundle.bytecode import source_of
from lambda_backend.bundle.record import owner_of, read_record
from lambda_backend.errors import BundleError
from lambda_backend.patterns import pattern
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Content", "Contents", "Distribution", "contents"]

_DIST_INFO = pattern(r"(?P<root>(?:.*/)?)(?P<folder>[^/]+\.dist-info)/(?:METADATA|RECORD)")


class Content(Value):
    """One file in a zip."""

    path: str
    size: int
    """Bytes, uncompressed."""
    compressed_size: int
    crc: int
    executable: bool
    owner: str
    """Normalised name of the distribution that it belongs to; empty where none claims it."""


class Distribution(Value):
    """What a ``.dist-info`` folder in a zip says of itself; one inside another distribution's package is none."""

    name: str
    """Normalised."""
    version: str
    root: str
    """The folder that it is installed in, with a slash at its end; empty for the zip's root."""
    folder: str
    """``NAME-VERSION.dist-info``."""


class Contents(Value):
    """A zip as it was read."""

    files: tuple[Content, ...]
    """Sorted by path; folders are none."""
    distributions: tuple[Distribution, ...]
    """Sorted by name."""


def contents(path: Path) -> Contents:
    """Read what a zip holds.

    Args:
        path: of the zip.

    Raises:
        BundleError: it is no zip, or cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename: entry for entry in archive.infolist() if not entry.filename.endswith("/")}
            found = tuple(_distributions(entries, archive))
    except UNREADABLE as error:
        raise BundleError(f"{path} cannot be read as a zip: {error}") from error
    owners = dict(_owners(entries, found))
    files = (
        Content(
            path=name,
            size=entry.file_size,
            compressed_size=entry.compress_size,
            crc=entry.CRC,
            executable=bool(entry.external_attr >> 16 & 0o100),
            owner=owners.get(name, ""),
        )
        for name, entry in sorted(entries.items())
    )
    return Contents(
        files=tuple(files), distributions=tuple(sorted((one for one, _ in found), key=lambda one: one.name))
    )


def _distributions(
    entries: Mapping[str, zipfile.ZipInfo], archive: zipfile.ZipFile
) -> Iterator[tuple[Distribution, frozenset[str]]]:
    """Distributions, each with the paths that its RECORD names; it has none where the RECORD was left out."""
    matches = (match for match in map(_DIST_INFO.fullmatch, entries) if match)
    places = sorted(
        {(match["root"], match["folder"]) for match in matches}, key=lambda place: (place[0].count("/"), place)
    )
    claimed: set[str] = set()
    for root, folder in places:
        record = f"{root}{folder}/RECORD"
        if {record, f"{root}{folder}/METADATA"} & claimed:
            continue  # vendored inside a package
        paths: frozenset[str] = frozenset()
        if record in entries:
            rows = read_record(archive.read(record).decode("utf-8", "replace"), f"{archive.filename}: {record}")
            paths = frozenset(posixpath.normpath(root + row.place) for row in rows)
        claimed |= paths
        version = folder.removesuffix(".dist-info").partition("-")[2]
        yield Distribution(name=owner_of(folder), version=version, root=root, folder=folder), paths


def _owners(
    entries: Mapping[str, zipfile.ZipInfo], found: tuple[tuple[Distribution, frozenset[str]], ...]
) -> Iterator[tuple[str, str]]:
    recorded: dict[str, str] = {}
    for one, paths in found:
        for path in paths:
            recorded.setdefault(path, one.name)
    tops = {f"{one.root}{one.folder}": one.name for one, _ in found}
    # Where a tool left out the RECORD, most often the package is called as the distribution.
    for one, paths in found:
        if not paths:
            module = one.root + one.name.replace("-", "_")
            tops |= {module: one.name, f"{module}.py": one.name}
    for path in entries:
        # Installers compile later than they record.
        owner = recorded.get(path) or recorded.get(source_of(path) or "") or _by_top(path, tops)
        if owner:
            yield path, owner


def _by_top(path: str, tops: Mapping[str, str]) -> str | None:
    while path:
        if path in tops:
            return tops[path]
        path = path.rpartition("/")[0]
    return None
