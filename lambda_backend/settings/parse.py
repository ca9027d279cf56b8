"""One parser for the whole table, driven by the model's annotations. It collects problems and goes on."""

from __future__ import annotations

import datetime as dt
import typing
from typing import TYPE_CHECKING, Any

from lambda_backend.settings.hints import Hint, keys, rule_of, shape, unwrap
from lambda_backend.settings.marks import Mark
from lambda_backend.settings.model import Settings
from lambda_backend.settings.problems import Place, Problems, nearest, quoted
from lambda_backend.settings.rules import broken_rule, size_in_bytes
from lambda_backend.values import fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambda_backend.settings.hints import Key

__all__ = ["read"]

_FAILED: Any = object()

_TYPE_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a float"),
    (str, "a string"),
    (list, "a list"),
    (dict, "a table"),
    (dt.datetime, "a date-time"),
    (dt.date, "a date"),
    (dt.time, "a time"),
)
_EXPECTED = {
    "text": "a string",
    "choice": "a string",
    "boolean": "a boolean",
    "integer": "an integer",
    "list": "a list",
    "table": "a table",
    "record": "a table",
}


def read(raw: Mapping[str, Any], problems: Problems) -> Settings:
    """The table as ``Settings``.

    A key with a problem has its default in the result, which is of use only to find more problems.
    """
    found: Settings = _Reader(problems).record(Settings, raw, Place("tool.lambda"))
    return found


class _Reader:
    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def record(self, record: type, raw: Mapping[str, Any], place: Place) -> Any:  # noqa: ANN401 - the record, or _FAILED
        known = keys(record)
        for name in raw:
            if name not in known:
                self.problems.add(
                    place.key(name), f"unknown key{_inner_table_with(name, known) or nearest(name, known)}"
                )
        values: dict[str, Any] = {}
        failed = False
        for name, key in known.items():
            if name not in raw:
                if key.required:
                    self.problems.add(place.key(name), "missing")
                failed = failed or key.required
                continue
            value = self._value(key.hint, raw[name], place.key(name))
            if value is not _FAILED:
                values[key.field] = value
            failed = failed or (key.required and value is _FAILED)
        if "given" in fields(record):
            values["given"] = frozenset(values)
        return _FAILED if failed else record(**values)

    def _value(self, hint: Any, raw: object, place: Place) -> Any:  # noqa: ANN401 - the value, or _FAILED
        wanted = unwrap(hint)
        if Mark.SECRET in wanted.marks:
            place = place.silent()
        before = len(self.problems)
        value = self._read(wanted, raw, place)
        if value is _FAILED or len(self.problems) > before:
            return value
        if Mark.UNIQUE in wanted.marks:
            self._refuse_duplicates(value, place)
        return value

    def _read(self, wanted: Hint, raw: object, place: Place) -> Any:  # noqa: ANN401 - the value, or _FAILED
        if Mark.SIZE in wanted.marks:
            return self._size(raw, place)
        if Mark.ONE_OR_MANY in wanted.marks:
            return self._one_or_many(wanted, raw, place)
        if len(wanted.members) > 1:
            member = next((member for member in wanted.members if _takes(member, raw)), None)
            if member is None:
                expected = " or ".join(_EXPECTED[shape(member)] for member in wanted.members)
                return self._wrong_type(expected, raw, place)
            return self._value(member, raw, place)
        (member,) = wanted.members
        if not _takes(member, raw):
            return self._wrong_type(_EXPECTED[shape(member)], raw, place)
        return getattr(self, f"_{shape(member)}")(wanted, raw, place)

    def _text(self, wanted: Hint, raw: str, place: Place) -> Any:  # noqa: ANN401 - the value, or _FAILED
        rule = rule_of(wanted.marks)
        broken = broken_rule(rule, raw) if rule else None
        if broken is None:
            return raw
        self.problems.add(place, broken)
        return _FAILED

    def _choice(self, wanted: Hint, raw: str, place: Place) -> Any:  # noqa: ANN401 - the value, or _FAILED
        choices: tuple[str, ...] = typing.get_args(wanted.members[0])
        if raw in choices:
            return raw
        listed = ", ".join(quoted(choice) for choice in choices)
        self.problems.add(place, f"unknown value {quoted(raw)}; known are {listed}{nearest(raw, choices)}")
        return _FAILED

    def _boolean(self, _wanted: Hint, raw: bool, _place: Place) -> bool:
        return raw

    def _list(self, wanted: Hint, raw: list[object], place: Place) -> tuple[Any, ...]:
        item = typing.get_args(wanted.members[0])[0]
        found = (self._value(item, value, place.index(number)) for number, value in enumerate(raw))
        return tuple(value for value in found if value is not _FAILED)

    def _table(self, wanted: Hint, raw: dict[str, object], place: Place) -> dict[str, Any]:
        name_hint, value_hint = typing.get_args(wanted.members[0])
        found = {}
        for name, value in raw.items():
            if self._text(unwrap(name_hint), name, place.key(name)) is _FAILED:
                continue
            read_value = self._value(value_hint, value, place.key(name))
            if read_value is not _FAILED:
                found[name] = read_value
        return found

    def _record(self, wanted: Hint, raw: dict[str, object], place: Place) -> Any:  # noqa: ANN401 - the value, or _FAILED
        return self.record(wanted.members[0], raw, place)

    def _one_or_many(self, wanted: Hint, raw: object, place: Place) -> Any:  # noqa: ANN401 - the value, or _FAILED
        if isinstance(raw, str):
            value = self._value(typing.get_args(wanted.members[0])[0], raw, place)
            return _FAILED if value is _FAILED else (value,)
        if not isinstance(raw, list):
            return self._wrong_type("a string or a list", raw, place)
        if raw:
            return self._list(wanted, raw, place)
        self.problems.add(place, "must not be an empty list")
        return _FAILED

    def _size(self, raw: object, place: Place) -> Any:  # noqa: ANN401 - the value, or _FAILED
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            return self._wrong_type("a string or an integer", raw, place)
        size = raw if isinstance(raw, int) else size_in_bytes(raw)
        if size is not None and size > 0:
            return size
        shown = raw if isinstance(raw, int) else quoted(raw)
        self.problems.add(place, f'{shown} is no size; expected bytes, or text such as "100 MiB" or "50 MB"')
        return _FAILED

    def _refuse_duplicates(self, values: tuple[str, ...], place: Place) -> None:
        for number, value in enumerate(values):
            if value in values[:number]:
                self.problems.add(place.index(number), f"{quoted(value)} is listed twice")

    def _wrong_type(self, expected: str, raw: object, place: Place) -> Any:  # noqa: ANN401 - always _FAILED
        self.problems.add(place, f"expected {expected}, got {_described(raw, quiet=place.quiet)}")
        return _FAILED


def _inner_table_with(name: str, known: Mapping[str, Key]) -> str:
    for key in known.values():
        (member, *_) = unwrap(key.hint).members
        if shape(member) == "record" and name in keys(member):
            return f"; it is a key of {quoted(key.name)}"
    return ""


def _takes(member: Any, raw: object) -> bool:  # noqa: ANN401 - a type of any form
    form = shape(member)
    if form in {"text", "choice"}:
        return isinstance(raw, str)
    if form == "boolean":
        return isinstance(raw, bool)
    return isinstance(raw, list if form == "list" else dict)


def _described(raw: object, *, quiet: bool) -> str:
    name = next((name for kind, name in _TYPE_NAMES if isinstance(raw, kind)), type(raw).__name__)
    if quiet or isinstance(raw, list | dict):
        return name
    if isinstance(raw, bool):
        return f"{name} ({str(raw).lower()})"
    return f"{name} ({quoted(raw) if isinstance(raw, str) else raw})"
