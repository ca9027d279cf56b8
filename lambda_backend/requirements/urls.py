"""URLs without their secrets."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

__all__ = ["redacted", "without_user"]

_USER = re.compile(r"(?<=://)[^/?#\s'\"]*@")


def without_user(url: str) -> str:
    """The URL without its user part.

    The user name of an ssh address stays (``ssh://git@example.com/…``): it is part of the address, never a secret, and
    without it the address does not work. Its password goes.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return redacted(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url
    if parts.scheme.rpartition("+")[2] == "ssh":
        host = f"{user.partition(':')[0]}@{host}"
    return urlunsplit(parts._replace(netloc=host))


def redacted(text: str) -> str:
    """Text for a message: every URL in it loses its user part."""
    return _USER.sub("", text)
