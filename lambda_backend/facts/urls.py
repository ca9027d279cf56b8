"""Credentials in the user part of a URL."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from lambda_backend.facts.placeholders import is_placeholder, looks_random
from lambda_backend.patterns import pattern

__all__ = ["PASSWORD", "TOKEN", "url_kind"]

PASSWORD = "a URL with a password"  # noqa: S105 - what it is called
TOKEN = "a URL with a token"  # noqa: S105 - what it is called

_LONGEST = 5000
"""Bytes; a token of AWS CodeArtifact has some 2,000."""
# RFC 3986, 3.2.1, and what people forget to quote; not what only a template or a pattern has there.
_AUTHORITY = pattern(
    rb"://(?P<user>[\w.~!$&()*+,;=%:#^|-]{1,4096})@(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.%-]+)(?P<rest>[^\s\"'<>]{0,80})"
)
_SCHEME = pattern(rb"[a-z][a-z0-9+.-]{1,20}$", re.IGNORECASE)
_HTTP = pattern(rb"(?:[a-z]+\+)?https?", re.IGNORECASE)
# RFC 2606 and RFC 6761; this machine; and what people write for "a host".
_NOWHERE = pattern(
    rb"(?:.*\.)?(?:invalid|test|localhost|local|localdomain)|127\.[0-9.]+|0\.0\.0\.0|\[::1\]|.*(?:example|your|%s).*"
    rb"|(?:(?:my|the|some)[-_]?)?(?:address|domain|endpoint|host|hostname|ip|proxy|server|servername|site|url)[0-9]?(?:\..*)?",
    re.IGNORECASE,
)
# Sentry's address of a project may be public: it takes reports and tells nothing.
_DSN = pattern(rb"(?::[0-9]+)?(?:/[\w-]+)*/[0-9]+/?")
_NO_PASSWORD = frozenset({b"", b"x", b"x-oauth-basic"})
_SHORTEST_TOKEN = 20


def url_kind(data: bytes, start: int) -> str | None:
    """What kind of credentials a URL has; None for none, and for what is only an example.

    A password that people could have written as an example is one where the host is an example too; one that a machine
    made is never an example.

    Args:
        data: all bytes of a file.
        start: of ``://``.
    """
    found = _AUTHORITY.match(data[start : start + _LONGEST])
    scheme = _SCHEME.search(data[max(0, start - 24) : start])
    if found is None or scheme is None:
        return None
    user, _, password = (unquote_to_bytes(part) for part in found["user"].partition(b":"))
    if password in _NO_PASSWORD:
        is_token = len(user) >= _SHORTEST_TOKEN and looks_random(user) and _HTTP.fullmatch(scheme[0])
        return TOKEN if is_token and not _DSN.fullmatch(found["rest"]) else None
    if password == user or is_placeholder(password):
        return None
    return PASSWORD if looks_random(password) or not _NOWHERE.fullmatch(found["host"]) else None
