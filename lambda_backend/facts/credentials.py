"""Finds credentials in a file. What is found is told by its kind only, never shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import mmap

__all__ = ["credentials_in"]

# RFC 7468. Code that reads keys has the first line too; a key has base64 below it.
_PRIVATE_KEY = re.compile(
    rb"-----BEGIN (?:(?:RSA|EC|DSA|OPENSSH) )?PRIVATE KEY-----\r?\n"
    rb"(?:[A-Za-z0-9+/=]{40,}\r?\n){1,200}"
    rb"(?:[A-Za-z0-9+/=]+\r?\n)?"
    rb"-----END "
)


def credentials_in(path: str, data: bytes | mmap.mmap) -> tuple[str, ...]:
    """Kinds of credentials that a file holds.

    Args:
        path: in the artefact.
        data: all of its bytes.
    """
    del path
    start = data.find(b"-----BEGIN ")
    if start >= 0 and _PRIVATE_KEY.search(data, start):
        return ("private key",)
    return ()
