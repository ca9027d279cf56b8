"""Installed distributions' RECORD files: who owns what, and making them true of what ships.

Source: the PyPA specification "Recording installed projects".
"""

from __future__ import annotations

import base64
import csv
import io
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from lambda_backend.bundle.bytecode import compiled_by_source, with_compiled
from lambda_backend.bundle.paths import normalised
from lambda_backend.bundle.sources import content, sha256
from lambda_backend.errors import BundleError
from lambda_backend.patterns import pattern
from lambda_backend.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lambda_backend.bundle.model import Member

__all__ = [
    "Row",
    "dist_info",
    "encoded_hash",
    "owner_of",
    "read_record",
    "record_text",
    "shebang",
    "with_true_records",
    "write_record",
]

_PYTHON = pattern(rb"#![ \t]*(?:[^\n]*/)?python[^\s/]*(?P<arguments>[ \t][^\n\r]*)?\r?\n")
# Where a path has blanks or is too long for the kernel, installers write a script that sh hands on to Python.
_PYTHON_BY_SH = pattern(rb"#!/bin/sh\r?\n'''exec' [^\n]*python[^\n]*\n' '''\r?\n")
# What may have another place than it says: two slashes, one at the end, "." and "..", backslashes, letters of Unicode.
_ODD = pattern(r"^$|^/|//|/$|(?:^|/)\.{1,2}(?:/|$)|\\|[^\x00-\x7f]")


class Row(NamedTuple):
    """One line of a RECORD."""

    path: str
    """From the folder that holds the ``.dist-info``, as written."""
    hash: str
    """``sha256=`` and base64, or empty."""
    place: str
    """Where the file lies in a tree made with ``--target``: scripts are in ``bin`` below it, not beside it."""


def dist_info(path: str) -> str | None:
    """The ``.dist-info`` folder at the top of a tree that a path lies in; one inside a package is no distribution."""
    folder, _, inner = path.partition("/")
    return folder if inner and folder.endswith(".dist-info") else None


def owner_of(folder: str) -> str:
    """The normalised name of the distribution of a ``.dist-info`` folder (PEP 427: ``NAME-VERSION.dist-info``)."""
    from packaging.utils import canonicalize_name

    return canonicalize_name(folder.removesuffix(".dist-info").partition("-")[0])


def read_record(text: str, what: str) -> tuple[Row, ...]:
    """Rows of a RECORD.

    Raises:
        BundleError: it is no such table.
    """
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error as error:
        raise BundleError(f"{what} is no valid RECORD: {error}") from None
    return tuple(Row(row[0], row[1] if len(row) > 1 else "", _place(row[0])) for row in rows)


def _place(path: str) -> str:
    if _ODD.search(path) is None:
        return path  # of all the thousands but a few
    place = normalised(posixpath.normpath(path.replace("\\", "/")))
    while place.startswith("../"):
        place = place[3:]
    return place


def encoded_hash(digest: bytes) -> str:
    """A SHA-256 as a RECORD has it."""
    return f"sha256={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def write_record(members: Iterable[Member], record: str, prefix: str) -> bytes:
    """A RECORD of the members given."""
    rows = []
    for member in members:
        size = len(member.source) if isinstance(member.source, bytes) else member.source.stat().st_size
        rows.append((member.path[len(prefix) :], sha256(member.source).digest(), size))
    return record_text(rows, record)


def record_text(rows: Iterable[tuple[str, bytes, int]], record: str) -> bytes:
    """A RECORD: sorted, with hashes and sizes; its own row comes without them.

    Args:
        rows: path from the RECORD's own root, SHA-256, size in bytes.
        record: its own path.
    """
    lines = [(record, "", "")]
    for path, digest, size in rows:
        lines.append((path, encoded_hash(digest), str(size)))
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(sorted(lines))
    return text.getvalue().encode()


def with_true_records(members: Sequence[Member], prefix: str) -> tuple[Member, ...]:
    """Write every RECORD at the top of a tree anew, so that it lists what it listed as far as that ships.

    Bytecode is listed where its source is.

    Args:
        members: of the tree, with their final bytes.
        prefix: the tree's folder in the artefact; empty for its root.
    """
    start = f"{prefix}/" if prefix else ""
    by_path = {member.path: member for member in members}
    compiled = compiled_by_source(by_path)
    made = []
    for member in members:
        path = member.path[len(start) :] if member.path.startswith(start) else ""
        folder = dist_info(path)
        if folder is None or path != f"{folder}/RECORD":
            made.append(member)
            continue
        rows = read_record(content(member.source).decode("utf-8", "replace"), member.path)
        listed = with_compiled({start + row.place for row in rows} - {member.path}, compiled)
        shipped = [by_path[name] for name in listed if name in by_path]
        made.append(replace(member, source=write_record(shipped, path, start)))
    return tuple(made)


def shebang(script: bytes, python: str) -> bytes:
    """A script for the target's Python, when its first line names one; else the script as it is.

    ``#!python`` of a wheel (PEP 427) and the host's path that an installer writes both do; ``#!/usr/bin/env python3``
    stays, for it is true everywhere.
    """
    if match := _PYTHON_BY_SH.match(script):
        return b"#!" + python.encode() + b"\n" + script[match.end() :]
    match = _PYTHON.match(script)
    if match is None:
        return script
    return b"#!" + python.encode() + (match["arguments"] or b"") + b"\n" + script[match.end() :]
