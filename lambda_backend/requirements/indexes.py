"""Indexes that the locks of Poetry and Pipenv name, with credentials that only a running build holds."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from lambda_backend.errors import LockError
from lambda_backend.patterns import pattern
from lambda_backend.requirements.requirement_line import BadLineError, split
from lambda_backend.requirements.requirements_txt import logical_lines
from lambda_backend.settings.interpolate import without_user
from lambda_backend.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lambda_backend.requirements.tool_lock import Source, ToolLock

__all__ = ["Index", "exported_indexes", "plain", "references"]

# Pipenv: '${NAME}' in quotes is an older way to write ${NAME}.
_REFERENCE = pattern(r"'?\$\{(\w+)\}'?|\$(\w+)")
_OPTIONS = frozenset({"--index-url", "--extra-index-url"})


class Index(Value):
    """A package index."""

    name: str
    """For uv; no two the same in an export."""
    key: str = field(repr=False)
    """What ``LockedPackage.index`` calls it."""
    url: str
    """Without user part."""
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    verified: bool = True
    """Whether its certificate counts."""

    @property
    def url_with_user(self) -> str | None:
        """The address with the credentials; None where there are none."""
        if not self.user and not self.password:
            return None
        parts = urlsplit(self.url)
        user = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc}"))

    @property
    def host(self) -> str:
        """Host and port, as uv's ``--allow-insecure-host`` takes them."""
        return urlsplit(self.url).netloc


def exported_indexes(text: str, lock: ToolLock, environ: Mapping[str, str]) -> tuple[Index, ...]:
    """The indexes of an export, in its order.

    Args:
        text: the export.
        lock: what was exported.
        environ: fills in what the sources of a Pipfile refer to.

    Raises:
        LockError: a variable that such a source refers to is not set, or is a part of its path.
    """
    urls = list(_urls(text))
    if lock.tool == "poetry":
        return tuple(_index(url, number, key=plain(url)) for number, url in enumerate(urls))
    named = {plain(_filled(url, environ)) for url in urls}
    found = []
    for number, source in enumerate(lock.sources):
        url = _source(source, environ)
        # PIPENV_PYPI_MIRROR puts another index in the place of this one, and before all others.
        if urls and plain(url) not in named:
            url = urls[0]
        found.append(_index(url, number, key=source.name, verified=source.verified))
    return tuple(found)


def references(texts: Iterable[str]) -> set[str]:
    """Names of variables that texts of a Pipfile refer to."""
    return {found[1] or found[2] for text in texts for found in _REFERENCE.finditer(text)}


def _urls(text: str) -> Iterator[str]:
    for _, line in logical_lines(text):
        try:
            options = split(line)[2]
        except BadLineError:
            continue  # told by whoever reads the line for its requirement
        yield from (str(value) for option, value in options if option in _OPTIONS)


def _index(url: str, number: int, *, key: str, verified: bool = True) -> Index:
    parts = urlsplit(url)
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    return Index(
        name=f"lambda-backend-{number}",
        key=key,
        url=urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])),
        user=unquote(user),
        password=unquote(password),
        verified=verified,
    )


def plain(url: str) -> str:
    """An address for comparison: without user part and slash at its end."""
    return without_user(url).rstrip("/")


def _source(source: Source, environ: Mapping[str, str]) -> str:
    missing = sorted(name for name in references([source.template]) if name not in environ)
    if missing:
        raise LockError(
            f"Pipfile: the source {source.name!r} refers to {', '.join(missing)}, which is not set",
            hint="set it in the environment, or in tool.lambda.bundling.environment",
        )
    parts = urlsplit(source.template)
    if references([parts.path, parts.query]):
        raise LockError(
            f"Pipfile: the source {source.name!r} refers to a variable in its path, which would be written down with "
            "the address of every archive",
            hint="give the credentials as user and password, https://${NAME}@host/path, or in a netrc file",
        )
    return _filled(source.template, environ)


def _filled(template: str, environ: Mapping[str, str]) -> str:
    """A source's address with the environment's values, as Pipenv does it: in the user part they are quoted."""

    def fill(text: str) -> str:
        return _REFERENCE.sub(lambda found: environ.get(found[1] or found[2], found[0]), text)

    parts = urlsplit(template)
    user, at, host = parts.netloc.rpartition("@")
    if references([user]):
        # One variable may hold both: user:password.
        name, colon, password = fill(user).partition(":")
        user = f"{quote(name, safe='')}{colon}{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{user}{at}{fill(host)}"))
