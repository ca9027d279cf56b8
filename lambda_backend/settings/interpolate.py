"""``${NAME}`` and ``${NAME:-default}``, filled in where a value is used, and kept out of everything that is shown."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from lambda_backend.errors import SettingsError
from lambda_backend.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["expand", "redact", "redact_urls", "secrets_in", "url_secrets", "without_user"]

_REFERENCE = pattern(r"\$\{(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<otherwise>:-(?P<default>[^}]*))?\})?")
# RFC 3986: the user part ends at the last "@" of the authority. The second form is a password with an unquoted "/",
# "?" or "#": what follows the colon is no port. Its length is bounded, as a long line would take quadratic time.
_USER_PART = pattern(
    r"""(?P<ssh>\b(?i:ssh))?://
        (?P<user>[^\s/?\#"'<>]* | [^\s/?\#@:\["'<>]*:(?![0-9]*(?:[\s/?\#"'<>]|$))[^\s"'<>]{0,4096})@""",
    re.VERBOSE,
)
_HIDDEN = "***"
_SHORTEST_LINE = 4


def expand(text: str, environ: Mapping[str, str], key: str) -> str:
    """Fills in the environment's values. A default counts where the variable is unset or empty, as in a shell.

    Args:
        text: a value of the table.
        environ: the environment.
        key: the value's path in the table, for the message.

    Raises:
        SettingsError: for an unset variable without a default, or a broken reference; it names key and variable.
    """
    problems = []

    def fill(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None:
            problems.append(f'{key}: "${{" starts no reference; expected ${{NAME}} or ${{NAME:-default}}')
            return ""
        if found["otherwise"]:
            return environ.get(name) or found["default"]
        if name not in environ:
            problems.append(f"{key}: the environment variable {name} is not set")
            return ""
        return environ[name]

    expanded = _REFERENCE.sub(fill, text)
    if problems:
        raise SettingsError(list(dict.fromkeys(problems)))
    return expanded


def secrets_in(text: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The values of the environment that ``expand`` fills in; defaults are no secrets. Never raises."""
    names = dict.fromkeys(found["name"] for found in _REFERENCE.finditer(text) if found["name"])
    return tuple(dict.fromkeys(environ[name] for name in names if environ.get(name)))


def url_secrets(text: str) -> tuple[str, ...]:
    """The passwords in the URLs of a text, as they are quoted there; a user part without one is a token."""
    users = (found["user"] for found in _USER_PART.finditer(text) if not found["ssh"] or ":" in found["user"])
    return tuple(dict.fromkeys(filter(None, (user.partition(":")[2] or user.rstrip(":") for user in users))))


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret as ``***``: in full, as quoted in a URL, and each line of one with many lines.

    Secrets that overlap in the text are hidden together, so that none shows its other half.
    """
    spans = sorted(span for form in _forms(tuple(secrets)) for span in _occurrences(text, form))
    shown = []
    end = 0
    for start, stop in spans:
        if start >= end:
            shown += [text[end:start], _HIDDEN]
        end = max(end, stop)
    return "".join([*shown, text[end:]])


@functools.lru_cache(maxsize=8)  # a log has many lines, and a secret file may have too
def _forms(secrets: tuple[str, ...]) -> frozenset[str]:
    from urllib.parse import quote, quote_plus, unquote

    forms = set()
    for secret in secrets:
        lines = (line.strip() for line in secret.splitlines())
        for plain in (secret, *(line for line in lines if len(line) >= _SHORTEST_LINE)):
            forms |= {plain, quote(plain, safe=""), quote_plus(plain), unquote(plain)}
    return frozenset(forms - {""})


def _occurrences(text: str, form: str) -> Iterator[tuple[int, int]]:
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + 1)


def without_user(text: str) -> str:
    """The text with ``user:password@`` taken out of every URL.

    The user name of an ssh address stays (``ssh://git@example.com/…``): it is part of the address, never a secret, and
    without it the address does not work. Its password goes.
    """

    def bare(found: re.Match[str]) -> str:
        return f"{found['ssh']}://{found['user'].partition(':')[0]}@" if found["ssh"] else "://"

    return _USER_PART.sub(bare, text)


def redact_urls(text: str) -> str:
    """The text with ``user:password@`` of every URL as ``***@``, so that one sees that there was something.

    An ssh address that has a user name and no password stays as it is.
    """

    def hidden(found: re.Match[str]) -> str:
        return found[0] if found["ssh"] and ":" not in found["user"] else f"{found['ssh'] or ''}://{_HIDDEN}@"

    return _USER_PART.sub(hidden, text)
