from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from test_settings_bad_tables import GOOD, LATER, SHEET
from validate_pyproject import api, plugins

from lambda_backend.settings import reference
from lambda_backend.settings.hints import keys
from lambda_backend.settings.model import Settings
from lambda_backend.settings.schema import generate, schema

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[3]
# What only a build sees: what stands between keys, names, and rules that a pattern cannot say.
BETWEEN_KEYS = {
    "empty functions",
    "no runtime",
    "no runtime for some",
    "function needs something",
    "unknown layer",
    "too many layers",
    "function and layer of one name",
    "layer called function",
    "names that differ in case",
    "short form twice",
    "layer for another runtime",
    "layer for another architecture",
    "ourselves",
    "ourselves below",
    "path prefix above",
    "path prefix absolute",
    "include leaves",
    "include leaves on Windows",
    "include to",
    "entry absolute",
    "entry leaves",
    "entry with NUL",
    "lock leaves",
    "handler with a colon",
}


def test_committed_schema_is_the_generated_one() -> None:
    assert schema("lambda") == generate(), "run: python -m lambda_backend.settings.schema > …/schema.json"


def test_committed_page_is_the_generated_one() -> None:
    committed = (ROOT / "docs/reference/settings.md").read_text("utf-8")
    assert committed == reference.page(), "run: python -m lambda_backend.settings.reference > …"


@pytest.mark.parametrize(
    ("module", "committed"),
    [("reference", "docs/reference/settings.md"), ("schema", "lambda_backend/settings/schema.json")],
)
def test_commands(module: str, committed: str, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / f"lambda_backend/settings/{module}.py"), run_name="__main__")
    assert capsys.readouterr().out == (ROOT / committed).read_text("utf-8")


def test_import_is_light() -> None:
    code = (
        "import sys, lambda_backend.settings;"
        "print({name.partition('.')[0] for name in sys.modules} & {'packaging', 'json', 'difflib', 'tomllib', 'tomli'})"
    )
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True)
    assert printed.stdout == "set()\n"


def test_every_key_is_described() -> None:
    found = schema()
    assert set(found["properties"]) == set(keys(Settings))
    tables = [found, *found["definitions"].values()]
    assert all(key["description"] for table in tables for key in table["properties"].values())
    assert all(table["additionalProperties"] is False for table in tables)


@pytest.mark.parametrize("name", sorted(set(SHEET) - BETWEEN_KEYS))
def test_schema_refuses_what_the_parser_refuses(name: str) -> None:
    table = tomllib.loads(f"[tool.lambda]\n{SHEET[name][0]}")["tool"]["lambda"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(table, schema())


@pytest.mark.parametrize("text", LATER.values())
def test_schema_knows_the_keys_of_later_stages(text: str) -> None:
    jsonschema.validate(tomllib.loads(GOOD + text), schema())


def test_validate_pyproject_takes_the_schema() -> None:
    validator = api.Validator(plugins=[plugins.PluginWrapper("lambda", schema)])
    table = tomllib.loads(GOOD + "[layers.deps]\nbundling = { environment = { A = 'x' } }")
    project = {"project": {"name": "hello", "version": "1"}, "tool": {"lambda": table}}
    assert validator(project) == project
    table["layers"]["deps"]["bundling"]["netwrk"] = "host"
    with pytest.raises(Exception, match="netwrk"):
        validator(project)
