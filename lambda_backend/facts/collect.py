"""Collects the facts of many files."""

from __future__ import annotations

import contextlib
import mmap
import os
from typing import TYPE_CHECKING

from lambda_backend.facts.binary import binary_facts
from lambda_backend.facts.bytecode import source_time
from lambda_backend.facts.model import Facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["VERSION", "collect", "facts_of"]

VERSION = 3
"""Raised when the same bytes would give other facts than an older version of ours found."""

_NOTHING = Facts()
_LARGE = 1 << 20
"""Bytes; files from here on are mapped, so that none is in memory as a whole."""


def collect(files: Iterable[tuple[str, Path | bytes]]) -> dict[str, Facts]:
    """The facts of files by their path; those with nothing to tell are left out.

    Args:
        files: path in the artefact, and the bytes or the file that holds them.
    """
    found = {}
    for path, source in files:
        with _bytes_of(source) as data:
            facts = facts_of(path, data)
        if facts is not None:
            found[path] = facts
    return found


def facts_of(path: str, data: bytes | mmap.mmap) -> Facts | None:
    """What one file's bytes tell, or None.

    Args:
        path: in the artefact; some names tell what to expect.
        data: all of its bytes.
    """
    # Its patterns are compiled by its import, and a build that changes nothing reads no file.
    from lambda_backend.facts.credentials import credentials_in

    elf, foreign = binary_facts(data)
    found = Facts(elf=elf, foreign=foreign, secrets=credentials_in(path, data), source_time=source_time(path, data))
    return None if found == _NOTHING else found


@contextlib.contextmanager
def _bytes_of(source: Path | bytes) -> Iterator[bytes | mmap.mmap]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb", buffering=0) as stream:
        if os.fstat(stream.fileno()).st_size < _LARGE:
            yield stream.readall()
            return
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield mapped
