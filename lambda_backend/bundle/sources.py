"""Digests of files: what a build was made from."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from lambda_backend.bundle.model import Member
from lambda_backend.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["NO_CODE", "content", "files_digest", "fingerprint", "sha256", "start"]

NO_CODE = (".py", ".pyc", ".pyi", ".txt", ".json")
"""Endings of files that hold no compiled code, of which there are many."""
_BLOCK = 1 << 20
_KIND = 4


def fingerprint(members: Iterable[Member]) -> str:
    """Hex SHA-256 over path, executable bit and contents of every member, in any order.

    Raises:
        BundleError: a file is gone or cannot be read.
    """
    digest = hashlib.sha256()
    for member in sorted(members, key=lambda member: member.path):
        # NUL ends the path, which cannot hold one; the rest has a fixed length.
        digest.update(member.path.encode(errors="surrogateescape") + b"\0")
        digest.update(b"x" if member.executable else b"-")
        digest.update(sha256(member.source).digest())
    return digest.hexdigest()


def files_digest(files: Mapping[str, Path]) -> str:
    """The same for files on disk, by the path that counts."""
    return fingerprint(Member(path=path, source=file, executable=_is_executable(file)) for path, file in files.items())


def sha256(source: Path | bytes) -> hashlib._Hash:
    """The SHA-256 of a member's bytes."""
    digest = hashlib.sha256()
    if isinstance(source, bytes):
        digest.update(source)
        return digest
    try:
        with source.open("rb", buffering=0) as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise _unreadable(source, error) from error
    return digest


def content(source: Path | bytes) -> bytes:
    """A member's bytes."""
    try:
        return source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise _unreadable(source, error) from error


def start(source: Path | bytes) -> bytes:
    """The first four bytes of a member: what kind of file it is."""
    if isinstance(source, bytes):
        return source[:_KIND]
    try:
        with source.open("rb", buffering=0) as stream:
            return stream.read(_KIND)
    except OSError as error:
        raise _unreadable(source, error) from error


def _is_executable(file: Path) -> bool:
    try:
        return bool(file.stat().st_mode & 0o100)
    except OSError as error:
        raise _unreadable(file, error) from error


def _unreadable(source: Path | bytes, error: OSError) -> BundleError:
    return BundleError(f"{source!s} cannot be read: {error.strerror or error}")
