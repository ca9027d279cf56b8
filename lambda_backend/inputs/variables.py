"""An environment that knows what it was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

__all__ = ["AskedVariables"]


class AskedVariables(Mapping[str, str]):
    """Variables, and which of them were asked for.

    Args:
        environ: the variables.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.names: set[str] = set()
        """What was asked for, there or not."""
        self.listed = False
        """It was asked which there are."""
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._environ[name]

    def __contains__(self, name: object) -> bool:
        if isinstance(name, str):
            self.names.add(name)
        return name in self._environ

    def __iter__(self) -> Iterator[str]:
        self.listed = True
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)
