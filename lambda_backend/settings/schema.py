"""The JSON schema of the ``[tool.lambda]`` table.

``schema.json`` is what is served; ``python -m lambda_backend.settings.schema > schema.json`` makes it anew from the
model, and a test holds the two equal. The schema sees one key at a time: what stands between keys, only a build checks.
"""

from __future__ import annotations

import json
import typing
from importlib import resources
from typing import Any

from lambda_backend.settings.hints import Hint, keys, rule_of, shape, unwrap
from lambda_backend.settings.marks import Mark, Rule

__all__ = ["generate", "schema"]

_ASKING = ("handler", "entry", "functions", "layers")


def schema(tool_name: str = "lambda") -> dict[str, Any]:  # noqa: ARG001 - validate-pyproject calls with the tool's name
    """Schema of the `[tool.lambda]` table of lambda-backend."""
    text = resources.files("lambda_backend.settings").joinpath("schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def generate() -> dict[str, Any]:
    """The schema made fresh from the model."""
    from lambda_backend.settings.model import Settings

    definitions: dict[str, Any] = {}
    root = _record(Settings, definitions)
    return {
        # validate-pyproject takes draft 7 and wants an address of its own for each schema.
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://lambda-backend.readthedocs.io/schema.json",
        "title": "[tool.lambda] of lambda-backend",
        **root,
        "anyOf": [{"required": [name]} for name in _ASKING],
        "definitions": dict(sorted(definitions.items())),
    }


def _record(record: type, definitions: dict[str, Any]) -> dict[str, Any]:
    from lambda_backend.settings import describe

    texts = describe.of_fields(record)
    properties = {}
    for name, key in keys(record).items():
        wanted = unwrap(key.hint)
        described = {"description": texts[key.field]}
        default = _default(key.default)
        value = _value(wanted, definitions)
        # Draft 7 ignores what stands beside a $ref.
        body = {"allOf": [value]} if "$ref" in value else value
        properties[name] = described | body | ({} if default is None else {"default": default})
    required = [name for name, key in keys(record).items() if key.required]
    return {
        "description": describe.of_record(record),
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    } | ({"required": required} if required else {})


def _default(value: Any) -> Any:  # noqa: ANN401 - a value of the model
    """As in JSON; None for what is no simple value."""
    if isinstance(value, tuple):
        return list(value) or None
    return value if isinstance(value, str | bool | int) else None


def _value(wanted: Hint, definitions: dict[str, Any]) -> dict[str, Any]:
    from lambda_backend.settings.rules import SIZE_PATTERN

    if Mark.SIZE in wanted.marks:
        return {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": SIZE_PATTERN}]}
    if len(wanted.members) > 1:
        return {"anyOf": [_value(unwrap(member), definitions) for member in wanted.members]}
    (member,) = wanted.members
    form = shape(member)
    if form in {"list", "table", "record"}:
        return {"list": _list, "table": _table, "record": _reference}[form](wanted, definitions)
    if form == "choice":
        return {"enum": list(typing.get_args(member))}
    return _text(rule_of(wanted.marks)) if form == "text" else {"type": form}


def _table(wanted: Hint, definitions: dict[str, Any]) -> dict[str, Any]:
    name, value = (unwrap(hint) for hint in typing.get_args(wanted.members[0]))
    return {
        "type": "object",
        "propertyNames": {"pattern": _text(rule_of(name.marks))["pattern"]},
        "additionalProperties": _value(value, definitions),
    }


def _reference(wanted: Hint, definitions: dict[str, Any]) -> dict[str, Any]:
    (record,) = wanted.members
    if record.__name__ not in definitions:
        definitions[record.__name__] = _record(record, definitions)
    return {"$ref": f"#/definitions/{record.__name__}"}


def _text(rule: Rule | None) -> dict[str, Any]:
    from lambda_backend.settings.rules import PATTERNS, supported_architectures, supported_runtimes

    if rule is Rule.RUNTIME:
        return {"enum": list(supported_runtimes())}
    if rule is Rule.ARCHITECTURE:
        return {"enum": list(supported_architectures())}
    pattern = PATTERNS[rule] if rule else ""
    return {"type": "string"} | ({"pattern": pattern} if pattern else {})


def _list(wanted: Hint, definitions: dict[str, Any]) -> dict[str, Any]:
    item = _value(unwrap(typing.get_args(wanted.members[0])[0]), definitions)
    many: dict[str, Any] = {"type": "array", "items": item}
    if Mark.UNIQUE in wanted.marks:
        many["uniqueItems"] = True
    if Mark.ONE_OR_MANY not in wanted.marks:
        return many
    return {"anyOf": [item, many | {"minItems": 1}]}


if __name__ == "__main__":
    print(json.dumps(generate(), indent=2))  # noqa: T201 - the schema is what the command is for
