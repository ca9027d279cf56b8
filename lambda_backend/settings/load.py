"""From pyproject.toml, the frontend's settings and the environment to ``Settings``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from lambda_backend.errors import SettingsError
from lambda_backend.settings import consistency, parse
from lambda_backend.settings.overrides import overlaid, overrides
from lambda_backend.settings.problems import Problems
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lambda_backend.settings.model import Settings

__all__ = ["Loaded", "load"]


class Loaded(Value):
    """What one build is to do."""

    settings: Settings | None
    """None without a ``[tool.lambda]`` table, or when the step is switched off."""
    inner_config_settings: dict[str, Any]
    """The frontend's settings for the wheel backend."""
    only: tuple[str, ...]
    """Functions and layers to build; empty for all. ``artifacts`` refuses unknown names."""
    output_dir_asked: str | None
    """The output folder when this very build asks for it, by ``-C`` or environment and not by pyproject.toml."""
    wheel_backend: str
    """Known also when the step is off."""
    document: Mapping[str, Any]
    """All of pyproject.toml."""


def load(pyproject: Path, *, config_settings: Mapping[str, Any] | None, environ: Mapping[str, str]) -> Loaded:
    """Reads and checks the table and what overrides it.

    Args:
        pyproject: the project's pyproject.toml.
        config_settings: as the frontend hands them to a hook; ours are ``lambda`` and ``lambda.*``.
        environ: the environment; ours are ``LAMBDA_BACKEND`` and ``LAMBDA_BACKEND_*``.

    Raises:
        SettingsError: with all problems at once.
    """
    document = _document(pyproject)
    table = _table(document)
    problems = Problems()
    asked = overrides(config_settings or {}, environ, problems)
    problems.origins = {f"tool.lambda.{key}": label for key, (label, _) in asked.values.items()}
    used = asked.on and table is not None
    # With the step off the rest of the table does not count: a wheel can be made of a project whose table is wrong.
    chosen: tuple[Mapping[str, Any], ...] = (table or {}, asked.values)
    raw = overlaid(*(chosen if used else map(_wheel_backend, chosen)))
    settings = parse.read(raw, problems)
    if used:
        consistency.check(settings, problems)
    problems.raise_if_any()
    return Loaded(
        settings=settings if used else None,
        inner_config_settings=asked.rest,
        only=asked.only,
        output_dir_asked=asked.values["output-dir"][1] if "output-dir" in asked.values else None,
        wheel_backend=settings.wheel_backend,
        document=document,
    )


def _wheel_backend(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key == "wheel-backend"}


def _document(pyproject: Path) -> Mapping[str, Any]:
    if sys.version_info >= (3, 11):  # pragma: no cover - each Python runs one of the two
        import tomllib
    else:  # pragma: no cover
        import tomli as tomllib
    try:
        document: Mapping[str, Any] = tomllib.loads(pyproject.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"{pyproject.name}: no valid TOML: {error}"]) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SettingsError([f"{pyproject.name}: cannot be read: {reason}"]) from error
    except RecursionError as error:
        raise SettingsError([f"{pyproject.name}: nested too deeply"]) from error
    return document


def _table(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    tool = document.get("tool", {})
    table = tool.get("lambda") if isinstance(tool, dict) else tool
    if table is None or isinstance(table, dict):
        return table
    raise SettingsError([f"tool{'.lambda' if isinstance(tool, dict) else ''}: expected a table"])
