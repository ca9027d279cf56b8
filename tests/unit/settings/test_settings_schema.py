from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from validate_pyproject import api, plugins

from lambda_backend.settings import consistency, parse, reference
from lambda_backend.settings.hints import keys
from lambda_backend.settings.model import Settings
from lambda_backend.settings.problems import Problems
from lambda_backend.settings.schema import generate, schema
from tests.unit.settings.test_settings_bad_tables import GOOD, SHEET

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[3]
WHOLE = """
runtime = "python3.13"
architecture = ["x86_64", "arm64"]
handler = "shop.api.handler"
wheel-backend = "hatchling.build"
engine = "auto"
output-dir = "lambda"
lock = "uv.lock"
extras = ["pdf"]
groups = ["prod"]
include = [{ from = "conf/*.json", to = "conf" }]
exclude = ["tests/", "*.pyi"]
omit = ["boto3", "botocore"]
bytecode = true
strip = true
sbom = true
max-size = "100 MiB"

[functions.api]
handler = "shop.api.handler"
layers = ["deps"]

[functions.worker]
entry = "functions/worker"
handler = "index.handler"

[layers.deps]
extras = ["data"]
project = false
path-prefix = "python"

[bundling]
image = "public.ecr.aws/sam/build-python3.13"
build-args = { PIP_INDEX_URL = "${PIP_INDEX_URL}" }
environment = { PIP_INDEX_URL = "https://aws:${CODEARTIFACT_TOKEN}@example.com/simple/" }
network = "host"
user = "1000:1000"
security-opt = ["no-new-privileges"]
volumes = [{ host-path = "/host", container-path = "/container", read-only = true }]
volumes-from = ["777f7dc92da7"]
entrypoint = ["sh"]
command = ["-c"]
working-directory = "/work"
platform = "linux/arm64"
file-access = "auto"
ca-bundle = "auto"
ssh = "default"
secrets = [{ id = "netrc", source = "~/.netrc", target = "/home/build/.netrc" }]
tools = { uv = "0.13", poetry = "2.2", pipenv = "2026.0" }
poetry = { hashes = true, urls = true }
before = ["pytest -q"]
after = ["pylint $LAMBDA_OUTPUT_DIR/shop"]

[checks]
size = "error"
binaries = "error"
handler = "error"
import-handler = false
collisions = "error"
secrets = "error"
runtime-support = "warn"
"""
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


def test_validate_pyproject_takes_the_schema() -> None:
    validator = api.Validator(plugins=[plugins.PluginWrapper("lambda", schema)])
    table = tomllib.loads(GOOD + "[layers.deps]\nbundling = { environment = { A = 'x' } }")
    project = {"project": {"name": "hello", "version": "1"}, "tool": {"lambda": table}}
    assert validator(project) == project
    table["layers"]["deps"]["bundling"]["netwrk"] = "host"
    with pytest.raises(Exception, match="netwrk"):
        validator(project)


def test_examples_are_good_by_the_schema() -> None:
    for pyproject in sorted((ROOT / "examples").glob("**/pyproject.toml")):
        table = tomllib.loads(pyproject.read_text("utf-8")).get("tool", {}).get("lambda")
        if table is not None:
            jsonschema.validate(table, schema())


def test_the_whole_table_is_good_by_the_schema() -> None:
    jsonschema.validate(tomllib.loads(WHOLE), schema())


def test_the_whole_table_is_good() -> None:
    problems = Problems()
    settings = parse.read(tomllib.loads(WHOLE), problems)
    consistency.check(settings, problems)
    problems.raise_if_any()
    assert (settings.bytecode, settings.strip, settings.omit) == (True, True, ("boto3", "botocore"))
    assert settings.max_size == 100 * 1024**2
    assert settings.bundling.secrets[0].target == "/home/build/.netrc"
