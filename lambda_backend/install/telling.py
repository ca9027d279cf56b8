"""Which parts of a text must not show when a command prints them: of secret files, netrc files and variables."""

from __future__ import annotations

import re

from lambda_backend.settings.interpolate import url_secrets

__all__ = ["SHORTEST", "netrc_passwords", "telling_parts"]

SHORTEST = 4
"""Hiding every ``1`` would hide no secret, and make a log unreadable."""
# Lines of the formats themselves: a netrc may have each word on a line of its own.
_WORDS = frozenset({"account", "default", "false", "login", "machine", "none", "null", "password", "true"})
_PLAIN = re.compile(r"[A-Za-z]*|[0-9.]*")
_PAIR = re.compile(r"""(?P<name>[\w.-]*)["']?[ \t]*[=:][ \t]*(?P<value>"[^"]*"|'[^']*'|[^\s"',;]+)""")
_SECRET_NAME = re.compile(r"auth|cred|key|pass|pwd|secret|token", re.IGNORECASE)
# inetutils' and curl's netrc: words with white space between them, the password maybe in quotes.
_NETRC_PASSWORD = re.compile(r"""\bpassword\s+(?:"((?:[^"\\]|\\.)*)"|(\S+))""")
_MARKS = " \t\"',;"


def telling_parts(text: str) -> tuple[str, ...]:
    """The parts of a secret file that a command may print by themselves.

    Those are each line, and the values of a line that has some (``NAME=value``, ``"name": "value"``, netrc). Everyday
    words are none of them: words or numbers alone, but behind a name that says what they are (``password = swordfish``)
    or where they are all that the file holds.

    Args:
        text: the file's.
    """
    whole = text.strip()
    parts = [] if "\n" in whole else [whole]
    # JSON has keys of many lines in one.
    for line in map(str.strip, whole.replace("\\n", "\n").splitlines()):
        if line.lower() not in _WORDS:
            parts.append(line)
        parts += _values(line)
    parts += [*netrc_passwords(text), *url_secrets(text)]
    return tuple(dict.fromkeys(part for part in parts if len(part) >= SHORTEST))


def netrc_passwords(text: str) -> tuple[str, ...]:
    """The passwords of a netrc file."""
    found = _NETRC_PASSWORD.findall(text)
    return tuple(re.sub(r"\\(.)", r"\1", quoted) if quoted else plain for quoted, plain in found)


def _values(line: str) -> list[str]:
    found = []
    for mark in "=:":
        name, _, value = line.partition(mark)
        found.append((name, value.strip()))
    found += [(pair["name"], pair["value"]) for pair in _PAIR.finditer(line)]
    return [
        value
        for name, whole in found
        for value in (whole, whole.strip(_MARKS))
        if _SECRET_NAME.search(name) or not _PLAIN.fullmatch(value)
    ]
