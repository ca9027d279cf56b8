"""Settings for one build: ``-C lambda.KEY=VALUE`` and ``LAMBDA_BACKEND_KEY``."""

from __future__ import annotations

import copy
import functools
from typing import TYPE_CHECKING, Any

from lambda_backend.settings.hints import keys, shape, unwrap
from lambda_backend.settings.marks import Mark
from lambda_backend.settings.model import Settings
from lambda_backend.settings.problems import nearest, quoted
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lambda_backend.settings.problems import Problems

__all__ = ["Overrides", "overlaid", "overridable", "overrides", "variable_of"]

_PREFIX = "LAMBDA_BACKEND"
_SWITCH = "lambda"
_ONLY = "lambda.only"
# Read elsewhere: they say where things are kept and how much is said, not what is built.
_NO_SETTINGS = frozenset({"LAMBDA_BACKEND_CACHE_DIR", "LAMBDA_BACKEND_VERBOSE"})
_BOOLEANS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}


class Overrides(Value):
    """What one build asks for."""

    on: bool
    only: tuple[str, ...]
    values: Mapping[str, tuple[str, Any]]
    """By dotted key (``bundling.network``): the name it was given by, and the value in TOML's types."""
    rest: dict[str, Any]
    """The frontend's settings without ours."""


@functools.cache
def overridable() -> Mapping[str, str]:
    """Dotted keys with the form of their values: text, boolean, many or size; ``unfit`` for lists and tables."""
    return dict(_forms(Settings, ""))


def _forms(record: type, prefix: str) -> Iterator[tuple[str, str]]:
    for name, key in keys(record).items():
        hint = unwrap(key.hint)
        form = shape(hint.members[0])
        if Mark.ONE_OR_MANY in hint.marks:
            yield prefix + name, "many"
        elif Mark.SIZE in hint.marks:
            yield prefix + name, "size"
        elif form == "record":
            yield prefix + name, "unfit"
            yield from _forms(hint.members[0], f"{prefix}{name}.")
        else:
            yield prefix + name, {"text": "text", "choice": "text", "boolean": "boolean"}.get(form, "unfit")


def variable_of(key: str) -> str:
    """``lambda.output-dir`` → ``LAMBDA_BACKEND_OUTPUT_DIR``."""
    return (_PREFIX + key.removeprefix("lambda")).replace(".", "_").replace("-", "_").upper()


def overrides(config_settings: Mapping[str, Any], environ: Mapping[str, str], problems: Problems) -> Overrides:
    """Reads both sources; ``-C`` wins over the environment."""
    ours = {key: value for key, value in config_settings.items() if key == _SWITCH or key.startswith("lambda.")}
    known = {_SWITCH: "boolean", _ONLY: "many", **{f"lambda.{key}": form for key, form in overridable().items()}}
    found: dict[str, tuple[str, Any]] = {}
    for key, label, value in (*_from_environment(environ, known, problems), *_from_frontend(ours, known, problems)):
        converted = _converted(known[key], label, value, problems)
        if converted is not None:
            found[key] = (label, converted)
    _, on = found.pop(_SWITCH, ("", True))
    _, only = found.pop(_ONLY, ("", []))
    return Overrides(
        on=on,
        only=tuple(dict.fromkeys([only] if isinstance(only, str) else only)),
        values={key.removeprefix("lambda."): value for key, value in found.items()},
        rest={key: value for key, value in config_settings.items() if key not in ours},
    )


def _from_environment(
    environ: Mapping[str, str], known: Mapping[str, str], problems: Problems
) -> Iterator[tuple[str, str, Any]]:
    by_variable = {variable_of(key): key for key in known}
    for variable in sorted(name for name in environ if name == _PREFIX or name.startswith(f"{_PREFIX}_")):
        if not environ[variable] or variable in _NO_SETTINGS:
            continue
        if variable in by_variable:
            yield by_variable[variable], variable, environ[variable]
        else:
            problems.add(variable, f"unknown variable{nearest(variable, map(variable_of, _settable(known)))}")


def _settable(known: Mapping[str, str]) -> list[str]:
    return [key for key, form in known.items() if form != "unfit"]


def _from_frontend(
    ours: Mapping[str, Any], known: Mapping[str, str], problems: Problems
) -> Iterator[tuple[str, str, Any]]:
    for key, value in ours.items():
        if key in known:
            yield key, f"-C {key}", value
        elif key.startswith(("lambda.functions.", "lambda.layers.")):
            problems.add(f"-C {key}", "a key of one function or layer cannot be set for one build")
        else:
            problems.add(f"-C {key}", f"unknown setting{nearest(key, _settable(known))}")


def _converted(form: str, label: str, value: Any, problems: Problems) -> Any:  # noqa: ANN401 - TOML's types; None for a problem
    """The value in TOML's types. What is no text goes on to the parser as it is, which says what it expected."""
    if form == "unfit":
        problems.add(label, "a list or table cannot be set for one build; set it in pyproject.toml")
        return None
    if form == "many":
        return _many(label, value, problems)
    if isinstance(value, list):
        problems.add(label, f"given {len(value)} times; it takes one value")
        return None
    if form == "boolean":
        return _boolean(label, value, problems)
    if form == "size" and isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return _text(label, value, problems)


def _many(label: str, value: Any, problems: Problems) -> Any:  # noqa: ANN401 - one string or a list of them
    items = value if isinstance(value, list) else [value]
    texts = [_text(label, item, problems) for item in items]
    if None in texts:
        return None
    parts = [part.strip() for text in texts for part in text.split(",") if part.strip()]
    if not parts:
        problems.add(label, "must not be empty")
        return None
    return parts[0] if len(parts) == 1 else parts


def _text(label: str, value: Any, problems: Problems) -> Any:  # noqa: ANN401 - a string; None for a problem
    if isinstance(value, str):
        return value
    shown = str(value).lower() if isinstance(value, bool) else type(value).__name__
    problems.add(label, f"expected a string, got {shown}")
    return None


def _boolean(label: str, value: Any, problems: Problems) -> bool | None:  # noqa: ANN401 - what a frontend hands over
    found = value if isinstance(value, bool) else _BOOLEANS.get(str(value).lower())
    if found is None:
        problems.add(label, f"{quoted(str(value))} is no boolean; expected true or false (also on or off, 1 or 0)")
    return found


def overlaid(table: Mapping[str, Any], values: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
    """The raw table with the overrides in it; a value of the wrong type in their way stays, for the parser to name."""
    result = copy.deepcopy(dict(table))
    for key, (_, value) in values.items():
        *parents, last = key.split(".")
        inner: Any = result
        for parent in parents:
            inner = inner.setdefault(parent, {}) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner[last] = value
    return result
