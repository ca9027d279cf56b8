"""The variables of a build: the host's, and those of ``bundling.environment``, filled in when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lambda_backend.settings.interpolate import expand

__all__ = ["Variables"]


class Variables(Mapping[str, str]):
    """The host's environment with a table of the project's over it. Values may be secrets.

    Args:
        environ: of the host.
        table: ``bundling.environment``, as written.
        key: its path, for messages.
    """

    def __init__(self, environ: Mapping[str, str], table: Mapping[str, str], key: str) -> None:
        self._environ = environ
        self._table = table
        self._key = key

    def __getitem__(self, name: str) -> str:
        if name in self._table:
            return expand(self._table[name], self._environ, f"{self._key}.{name}")
        return self._environ[name]

    def __iter__(self) -> Iterator[str]:
        yield from {**self._environ, **self._table}

    def __len__(self) -> int:
        return len({**self._environ, **self._table})
