"""Zips that no reader can read to the end, each in another way."""

from __future__ import annotations

import io
import zipfile

__all__ = ["BROKEN", "broken_zip"]

BROKEN = ("cut", "damaged deflate", "damaged lzma", "encrypted", "unknown method", "wrong checksum")
_TEXT = b"a.py,,\n" * 1000


def broken_zip(how: str, name: str) -> bytes:
    """A zip with one member that cannot be read.

    Args:
        how: one of ``BROKEN``.
        name: of the member.
    """
    method = zipfile.ZIP_LZMA if "lzma" in how else zipfile.ZIP_DEFLATED
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", method) as archive:
        archive.writestr(name, _TEXT)
    data = bytearray(whole.getvalue())
    start, directory = 30 + len(name), data.index(b"PK\1\2")
    if how == "cut":
        return bytes(data[:directory])
    # APPNOTE 4.3.7 and 4.3.12: the same fields, two bytes further on in the central directory.
    for place in (0, directory + 2):
        if how == "encrypted":
            data[place + 6] |= 1
        elif how == "unknown method":
            data[place + 8] = 99
        elif how == "wrong checksum":
            data[place + 14] ^= 1
    if how.startswith("damaged"):
        data[start + 2 : directory] = b"\xff" * (directory - start - 2)
    return bytes(data)
