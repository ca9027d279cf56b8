"""What the standard library raises for zips that are broken, encrypted, or compressed in ways that it does not know."""

from __future__ import annotations

import lzma
import zipfile
import zlib

__all__ = ["UNREADABLE"]

# RuntimeError (and NotImplementedError, which is one): a password is wanted, a method is unknown.
UNREADABLE: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    RuntimeError,
    UnicodeDecodeError,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zlib.error,
)
"""To be caught around nothing but the reading of a zip."""
