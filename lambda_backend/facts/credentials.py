"""Finds credentials in a file. What is found is told by its kind only, never shown.

Every byte of every file is searched, so the search is made of a few patterns that start with one fixed character or
text: ``re`` looks for that by ``memchr``. A pattern that may start with one of several takes ten times as long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.facts import credential_files, private_keys, urls
from lambda_backend.facts.binary import texts
from lambda_backend.facts.placeholders import is_placeholder, looks_random
from lambda_backend.facts.tokens import GOOGLE_API_KEY, TOKENS
from lambda_backend.facts.tokens import pattern as token_pattern
from lambda_backend.patterns import pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping

__all__ = ["MANY", "credentials_in"]

_NAMED = [(f"token{index}", token) for index, token in enumerate(TOKENS)]
_KINDS = {name: token.kind for name, token in _NAMED} | {"google": GOOGLE_API_KEY, "slack": "a Slack webhook"}
_AWS_KEY = "an AWS access key"
_AWS_SECRET = pattern(rb"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_NEAR = 400
"""Bytes from an identifier to its secret."""
_AZURE_KEY = "an Azure account key"
# The same for everybody: the storage emulator's and Cosmos DB emulator's, as Microsoft documents them.
_EMULATORS = (b"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50u", b"C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5")
_ASSIGNED = r"""["']?\]?[ \t]{0,20}(?:=>|[:=,>])?[ \t]{0,20}["']?(?P<%s>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"""
_A = (
    r"A(?:(?P<aws_id>[KS]IA[A-Z2-7]{16})(?![A-Za-z0-9])"
    rf"|(?<=_SECRET_A)CCESS_KEY{_ASSIGNED % 'aws_upper'}|(?<=ecretA)ccessKey{_ASSIGNED % 'aws_camel'}"
    r"|(?P<azure>ccountKey=[A-Za-z0-9+/]{86}==|(?<=SharedA)ccessKey=[A-Za-z0-9+/]{43}=)"
    r"|Iza(?P<google>[A-Za-z0-9_-]{35})(?![A-Za-z0-9_-])"
    r"|(?<=PRIVA)(?P<pem>TE KEY))"
)
_URL = (
    r"://(?:(?P<slack>hooks\.slack\.com/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{20,30})"
    r"|(?P<url>)[^\x00-\x20\"'/<>?@\\\x7f-\xff]{1,4096}@)"
)
_UNDERSCORE = token_pattern("_", _NAMED, {"secret_": rf"access_key{_ASSIGNED % 'aws_lower'}"})
_HYPHEN = token_pattern("-", _NAMED, {"PuTTY-": "(?P<putty>User-Key-File-)"})
_STARTS = tuple(start.encode() for token in TOKENS for start in token.starts)
_SOUGHT = (
    (pattern(_UNDERSCORE.encode()), (*(start for start in _STARTS if start.endswith(b"_")), b"secret_access_key")),
    (pattern(_HYPHEN.encode()), (*(start for start in _STARTS if start.endswith(b"-")), b"PuTTY-User-Key-File-")),
    (
        pattern(_A.encode()),
        (
            *(b"AKIA", b"ASIA", b"_SECRET_ACCESS_KEY", b"ecretAccessKey", b"AccountKey=", b"SharedAccessKey="),
            *(b"AIza", b"PRIVATE KEY"),
        ),
    ),
    (pattern(_URL.encode()), (b"://",)),
)
"""Patterns, each with texts one of which is in all that it matches."""
MANY = 1 << 18
"""Bytes from which making the patterns is worth its time: an edit of code has fewer, and looks for those texts."""


class _Thrift:
    """Tells when so many bytes have been searched. Threads may lose some of the count: it decides about time alone."""

    def __init__(self) -> None:
        self._left = MANY

    def allows(self, size: int) -> bool:
        self._left -= size
        return self._left >= 0


_THRIFT = _Thrift()


def credentials_in(path: str, data: bytes) -> tuple[str, ...]:
    """Kinds of credentials that a file holds.

    Args:
        path: in the artefact.
        data: all of its bytes.
    """
    found = dict.fromkeys(credential_files.kinds(path, data))
    thrifty = _THRIFT.allows(len(data))
    for start, end in texts(data):
        for sought, parts in _SOUGHT:
            if thrifty and not any(data.find(part) >= 0 for part in parts):
                continue
            for match in sought.finditer(data, start, end):
                if kind := _kind(data, match):
                    found[kind] = None
    return tuple(found)


def _kind(data: bytes, match: re.Match[bytes]) -> str | None:
    group = match.lastgroup or ""
    if judge := _JUDGES.get(group):
        return judge(data, match)
    return None if is_placeholder(match[group]) else _KINDS[group]


def _pem(data: bytes, match: re.Match[bytes]) -> str | None:
    return private_keys.PRIVATE_KEY if private_keys.pem_key(data, match.start()) else None


def _putty(data: bytes, match: re.Match[bytes]) -> str | None:
    return private_keys.PRIVATE_KEY if private_keys.putty_key(data, match.start() - len("PuTTY")) else None


def _url(data: bytes, match: re.Match[bytes]) -> str | None:
    return urls.url_kind(data, match.start())


def _aws_pair(data: bytes, match: re.Match[bytes]) -> str | None:
    """An identifier alone opens nothing; its secret stands near it."""
    if is_placeholder(b"A" + match["aws_id"]):
        return None
    near = data[max(0, match.start() - _NEAR) : match.end() + _NEAR]
    return _AWS_KEY if any(_is_aws_secret(found[0]) for found in _AWS_SECRET.finditer(near)) else None


def _aws_assigned(_: bytes, match: re.Match[bytes]) -> str | None:
    return _AWS_KEY if _is_aws_secret(match[match.lastgroup or ""]) else None


def _is_aws_secret(value: bytes) -> bool:
    # One of lower-case letters only is the hash of a commit.
    return looks_random(value) and value.lower() != value and value.upper() != value


def _azure(_: bytes, match: re.Match[bytes]) -> str | None:
    key = match["azure"].partition(b"=")[2]
    return None if key.startswith(_EMULATORS) or is_placeholder(key) else _AZURE_KEY


_JUDGES: Mapping[str, Callable[[bytes, re.Match[bytes]], str | None]] = {
    "pem": _pem,
    "putty": _putty,
    "url": _url,
    "aws_id": _aws_pair,
    "aws_lower": _aws_assigned,
    "aws_upper": _aws_assigned,
    "aws_camel": _aws_assigned,
    "azure": _azure,
}
