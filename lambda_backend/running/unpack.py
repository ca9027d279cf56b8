"""Unpacks zips as Lambda does: with their modes and symbolic links, later ones over earlier ones."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_backend.archive.unreadable import UNREADABLE
from lambda_backend.bundle.paths import path_problem
from lambda_backend.running.model import RunningError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["machines", "unpack", "zipped_machines"]

_HEAD = 20
"""Bytes up to the end of ``e_machine``."""


def unpack(source: Path, folder: Path) -> None:
    """Unpack a zip of any tool's into a folder, over what is there.

    Raises:
        RunningError: it is no zip, or a path in it leads out of the folder.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            for entry in archive.infolist():
                name = entry.filename.rstrip("/")
                path = folder / name
                problem = path_problem(name)
                # A link that was unpacked before may lead anywhere.
                if problem is None and not path.parent.resolve().is_relative_to(folder.resolve()):
                    problem = "leads out of the zip"
                if problem is not None:
                    raise RunningError(f"{source}: {entry.filename!r} {problem}", hint="make the zip anew")
                _unpack(archive, entry, path)
    except UNREADABLE as error:
        raise RunningError(f"{source} cannot be unpacked: {error}", hint="is it a whole zip?") from error


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    mode = entry.external_attr >> 16
    if entry.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if stat.S_ISLNK(mode):
        path.symlink_to(os.fsdecode(archive.read(entry)))
        return
    with archive.open(entry) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target)
    # Tools on Windows write none.
    path.chmod(stat.S_IMODE(mode) & 0o777 or 0o644)


def machines(folder: Path) -> frozenset[int]:
    """The processors (``e_machine``) that the ELF files below a folder are for."""
    return frozenset(_machines(folder))


def _machines(folder: Path) -> Iterator[int]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as stream:
                    yield from _machine(stream.read(_HEAD))


def zipped_machines(source: Path) -> frozenset[int]:
    """The same of the shared objects in a zip.

    Raises:
        RunningError: it is no zip.
    """
    found: set[int] = set()
    try:
        with zipfile.ZipFile(source) as archive:
            for entry in archive.infolist():
                if ".so" in entry.filename:
                    with archive.open(entry) as stream:
                        found.update(_machine(stream.read(_HEAD)))
    except UNREADABLE as error:
        raise RunningError(f"{source} cannot be read: {error}", hint="is it a whole zip?") from error
    return frozenset(found)


def _machine(head: bytes) -> Iterator[int]:
    if head[:4] == b"\x7fELF":
        # gABI: EI_DATA is 2 for big-endian files.
        yield int.from_bytes(head[18:20], "big" if head[5:6] == b"\2" else "little")
