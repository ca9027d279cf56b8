"""Private keys in any text: in files of their own, and inside of JSON, YAML and source code."""

from __future__ import annotations

import base64
import binascii

from lambda_backend.facts.placeholders import is_regular
from lambda_backend.patterns import pattern

__all__ = ["PRIVATE_KEY", "pem_key", "putty_key"]

PRIVATE_KEY = "a private key"

_LARGEST = 1 << 15
"""Bytes; an RSA key of 16,384 bits has some 13,000."""
_SHORTEST = 44
"""Bytes, decoded; Ed25519 in PKCS #8 has 48."""
_BEGIN = b"-----BEGIN "
_LINE = 48
"""Bytes before ``PRIVATE KEY`` in which its line starts."""
# RFC 7468, and RFC 9580, 6.2, for PGP.
_BLOCK = pattern(
    rb"-----BEGIN (?P<label>(?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?)-----"
    rb"(?P<body>[^-]*(?:-[^-]+)*?)-----END (?P=label)-----"
)
_HEADERS = pattern(rb"[A-Za-z][A-Za-z-]*: [^\n\\]*(?:\\r)?(?:\\n|\n)")
_BETWEEN = pattern(rb"""\\[nrt]|[\s"'\\,]""")
"""In source code each line may be a text of its own, and its end be written as ``\\n``."""
_CHECKSUM = pattern(rb"=[A-Za-z0-9+/]{4}$")
"""RFC 9580, 6.1.1."""
_DER_SEQUENCE = 0x30
_PACKET = 0x80
"""RFC 9580, 4.2: the first bit of a packet."""
_PUTTY = pattern(
    rb"PuTTY-User-Key-File-[123]: [!-~]+\r?\n(?:[^\n]*\n){1,2000}?"
    rb"Private-Lines: [1-9][0-9]*\r?\n(?P<key>[A-Za-z0-9+/=]{16,})"
)


def pem_key(data: bytes, place: int) -> bool:
    """Whether a private key starts here, and not only the line that one would start with.

    Args:
        data: all bytes of a file.
        place: inside of that line.
    """
    start = data.rfind(_BEGIN, max(0, place - _LINE), place)
    found = _BLOCK.match(data[start : start + _LARGEST]) if start >= 0 else None
    if found is None:
        return False
    is_pgp = found["label"].endswith(b"BLOCK")
    text, headers = _HEADERS.subn(b"", found["body"])
    text = _BETWEEN.sub(b"", text)
    try:
        key = base64.b64decode(_CHECKSUM.sub(b"", text) if is_pgp else text, validate=True)
    except binascii.Error:
        return False
    if len(key) < _SHORTEST or is_regular(text) or b"EXAMPLE" in text:
        return False
    if is_pgp:
        return key[0] & _PACKET != 0
    # What is encrypted by the way of RFC 1421 is told by its headers, and starts with anything.
    return bool(headers) or key[0] == _DER_SEQUENCE or key.startswith(b"openssh-key-v1\0")


def putty_key(data: bytes, start: int) -> bool:
    """The same of a key in PuTTY's own form (its manual, appendix C).

    Args:
        data: all bytes of a file.
        start: of ``PuTTY-User-Key-File``.
    """
    found = _PUTTY.match(data[start : start + _LARGEST])
    return found is not None and not is_regular(found["key"])
