"""The reference page of the table, made from the model: ``python -m lambda_backend.settings.reference > PAGE``."""

from __future__ import annotations

import json
import typing
from typing import TYPE_CHECKING

from lambda_backend.settings import describe
from lambda_backend.settings.hints import Hint, Key, keys, rule_of, shape, unwrap
from lambda_backend.settings.marks import Mark, Rule
from lambda_backend.settings.model import Settings
from lambda_backend.settings.overrides import overridable, variable_of
from lambda_backend.settings.rules import supported_architectures, supported_runtimes

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["page"]

_HEAD = """\
# Settings

<!-- Made from lambda_backend/settings/model.py by `python -m lambda_backend.settings.reference`. -->

Everything that `[tool.lambda]` in `pyproject.toml` may hold. An unknown key or a wrong value ends the build; all the
problems of the table are reported at once, each with its path.

`${NAME}` and `${NAME:-default}` are filled from the environment where a value is used; the default counts where the
variable is unset or empty. A variable that is unset and has no default ends the build. A filled-in value and the user
part of any URL are secrets: they are not shown, stored or shipped.

Top-level `runtime`, `architecture`, `include`, `exclude`, `omit`, `bytecode` and `strip` count for every function and
layer that does not set its own. `lock`, `extras` and `groups` do too, but not for a function with an `entry`.
A table below `bundling`, such as `environment`, is replaced as a whole.
"""
_ONE_BUILD = """\
## For one build

`-C` (`--config-setting`) of the frontend wins over the environment, and the environment over `pyproject.toml`. Several
values are separated by commas. An empty variable counts as unset. A function's or layer's own key wins over what is
set for all of them, here as in the table.

| Setting | Variable | Value |
| --- | --- | --- |
| `-C lambda=off` | `LAMBDA_BACKEND=off` | make only the wheel |
| `-C lambda.only=NAME,NAME` | `LAMBDA_BACKEND_ONLY` | functions and layers to build |
"""


def page() -> str:
    """The page, in Markdown."""
    found: dict[str, type] = {"[tool.lambda]": Settings}
    sections = [_HEAD]
    done: set[type] = set()
    while found:
        title, record = next(iter(found.items()))
        del found[title]
        if record in done:
            continue
        done.add(record)
        sections.append("\n".join([f"## `{title}`\n", f"{describe.of_record(record)}\n", *_rows(record)]) + "\n")
        found |= {_below(title, name, form): inner for name, form, inner in _inner_records(record)}
    return "\n".join([*sections, _ONE_BUILD + "\n".join(_overrides())]) + "\n"


def _rows(record: type) -> Iterator[str]:
    texts = describe.of_fields(record)
    yield "| Key | Value | Default | |"
    yield "| --- | --- | --- | --- |"
    for name, key in keys(record).items():
        wanted = unwrap(key.hint)
        yield f"| `{name}` | {_value(wanted)} | {_default(key)} | {texts[key.field]} |"


def _default(key: Key) -> str:
    if key.required:
        return "required"
    value = list(key.default) if isinstance(key.default, tuple) else key.default
    if value in (None, [], "") or not isinstance(value, str | bool | list):
        return ""
    return f"`{json.dumps(value[0] if isinstance(value, list) else value)}`"


def _value(wanted: Hint) -> str:
    if Mark.SIZE in wanted.marks:
        return "string or integer"
    if len(wanted.members) > 1:
        return " or ".join(_value(unwrap(member)) for member in wanted.members)
    (member,) = wanted.members
    form = shape(member)
    arguments = typing.get_args(member)
    if form == "list":
        item = _value(unwrap(arguments[0]))
        return f"{item}; or a list" if Mark.ONE_OR_MANY in wanted.marks else f"list of {item}s"
    if form == "table":
        return f"table of {_value(unwrap(arguments[1]))}s"
    choices = arguments if form == "choice" else _names(rule_of(wanted.marks))
    return ", ".join(f'`"{choice}"`' for choice in choices) or {"text": "string", "record": "table"}.get(form, form)


def _names(rule: Rule | None) -> tuple[str, ...]:
    if rule is Rule.RUNTIME:
        return supported_runtimes()
    return supported_architectures() if rule is Rule.ARCHITECTURE else ()


def _inner_records(record: type) -> Iterator[tuple[str, str, type]]:
    for name, key in keys(record).items():
        for member in unwrap(key.hint).members:
            form = shape(member)
            arguments = typing.get_args(member)
            inner = arguments[0] if form == "list" else arguments[1] if form == "table" else member
            if shape(inner) == "record":
                yield name, form, unwrap(inner).members[0]


def _below(title: str, name: str, form: str) -> str:
    path = f"{title.strip('[]')}.{name}"
    return {"list": f"[[{path}]]", "table": f"[{path}.NAME]"}.get(form, f"[{path}]")


def _overrides() -> Iterator[str]:
    words = {"text": "string", "many": "string or several", "boolean": "true or false", "size": "bytes or text"}
    for key, form in overridable().items():
        if form in words:
            yield f"| `-C lambda.{key}=` | `{variable_of(f'lambda.{key}')}` | {words[form]} |"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - the page is what the command is for
