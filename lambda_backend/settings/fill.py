"""Bundling settings with the ``${NAME}`` of their texts filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambda_backend.settings.interpolate import expand
from lambda_backend.values import Value, fields, replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambda_backend.settings.model import BundlingSettings

__all__ = ["filled_bundling", "filled_texts"]

_LATER = frozenset({"environment", "build_args", "given"})
"""Texts that may be secrets: filled in where they are used (``filled_texts``), and kept as they were written."""
_COMMANDS = frozenset({"before", "after", "command", "entrypoint"})
"""Lines of a shell, in which ``${NAME}`` is the shell's own; it gets the variables that they name."""


def filled_bundling(bundling: BundlingSettings, environ: Mapping[str, str], key: str) -> BundlingSettings:
    """The settings as the environment completes them.

    Args:
        bundling: as written.
        environ: the environment.
        key: path of the table, for messages.

    Raises:
        SettingsError: a variable is not set.
    """
    names = [name for name in fields(bundling) if name not in _LATER | _COMMANDS]
    values = {name: _filled(getattr(bundling, name), environ, f"{key}.{_written(name)}") for name in names}
    return replace(bundling, **values)


def filled_texts(texts: Mapping[str, str], environ: Mapping[str, str], key: str) -> dict[str, str]:
    """A table of texts that may be secrets, as the environment completes them.

    Raises:
        SettingsError: a variable is not set.
    """
    return {name: expand(text, environ, f"{key}.{name}") for name, text in texts.items()}


def _filled(value: Any, environ: Mapping[str, str], key: str) -> Any:  # noqa: ANN401 - any field's value
    if isinstance(value, str):
        return expand(value, environ, key)
    if isinstance(value, tuple):
        return tuple(_filled(item, environ, f"{key}[{index}]") for index, item in enumerate(value))
    if isinstance(value, Value):
        names = list(fields(value))
        return replace(
            value, **{name: _filled(getattr(value, name), environ, f"{key}.{_written(name)}") for name in names}
        )
    return value


def _written(field: str) -> str:
    return field.rstrip("_").replace("_", "-")
