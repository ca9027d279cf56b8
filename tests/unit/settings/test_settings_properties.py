"""No table, override or variable ends in anything but settings or a SettingsError."""

from __future__ import annotations

import contextlib
import datetime as dt

import jsonschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambda_backend.errors import SettingsError
from lambda_backend.settings import consistency, parse
from lambda_backend.settings.hints import keys
from lambda_backend.settings.model import BundlingSettings, FunctionSettings, Include, LayerSettings, Settings
from lambda_backend.settings.overrides import overlaid, overrides
from lambda_backend.settings.problems import Problems
from lambda_backend.settings.resolve import artifacts
from lambda_backend.settings.schema import schema

RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
WORDS = st.sampled_from(
    ["", "a", "a.b", "..", "/x", "python3.13", "python3.15", "x86_64", "auto", "host", "error", "100 MiB", "A", "\0"]
)
KEY = st.sampled_from(
    sorted(
        {
            name
            for record in (Settings, FunctionSettings, LayerSettings, BundlingSettings, Include)
            for name in keys(record)
        }
    )
) | st.text(max_size=5)
SCALAR = (
    WORDS
    | st.text(max_size=20)
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.datetimes()
    | st.dates()
    | st.just(dt.time(1, 2))
)
VALUE = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=4))
TABLE = st.dictionaries(KEY, VALUE, max_size=6)


def settled(table: dict[str, object], problems: Problems) -> None:
    found = parse.read(table, problems)
    consistency.check(found, problems)
    with contextlib.suppress(SettingsError):
        problems.raise_if_any()
        # Without a problem there is something to build, and for something.
        assert all(artifact.runtime and artifact.architecture for artifact in artifacts(found))
        assert artifacts(found)


@RELAXED
@given(TABLE)
def test_any_table(table: dict[str, object]) -> None:
    settled(table, Problems())


@RELAXED
@given(TABLE)
def test_any_table_with_a_good_start(table: dict[str, object]) -> None:
    settled({"runtime": "python3.13", "handler": "a.b", "layers": {"deps": {}}} | table, Problems())


@RELAXED
@given(
    TABLE,
    st.dictionaries(KEY.map("lambda.{}".format) | st.just("lambda"), VALUE | st.none(), max_size=4),
    st.dictionaries(
        KEY.map(lambda key: f"LAMBDA_BACKEND_{key}".upper().replace("-", "_")), WORDS | st.text(), max_size=4
    ),
)
def test_any_override(table: dict[str, object], config_settings: dict[str, object], environ: dict[str, str]) -> None:
    problems = Problems()
    asked = overrides(config_settings, environ, problems)
    settled(overlaid(table, asked.values), problems)
    assert not any(key.startswith("lambda.") for key in asked.rest)


PART = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True)
PATH = st.lists(PART | st.just("."), min_size=1, max_size=3).map("/".join)
HANDLER = st.tuples(PART, st.sampled_from([".", "/"]), PART, PART).map("{0[0]}{0[1]}{0[2]}.{0[3]}".format)
RUNTIME = st.sampled_from(["python3.10", "python3.13", ["python3.12", "python3.14"]])
INCLUDE = st.fixed_dictionaries({"from": PATH}, optional={"to": PATH | st.just("")})
BUNDLING = st.fixed_dictionaries(
    {},
    optional={
        "image": PATH,
        "environment": st.dictionaries(PART, st.text()),
        "network": PART,
        "ca-bundle": st.sampled_from(["auto", "off", "/etc/ca.pem"]),
        "tools": st.just({"uv": "0.13"}),
    },
)
SHARED = {
    "architecture": st.sampled_from(["arm64", "x86_64", ["x86_64", "arm64"]]),
    "lock": PATH,
    "extras": st.lists(PART, unique=True, max_size=3),
    "groups": st.lists(PART, unique=True, max_size=3),
    "include": st.lists(INCLUDE, max_size=2),
    "exclude": st.lists(PATH, max_size=2),
    "bundling": BUNDLING,
}
FUNCTION = st.fixed_dictionaries({"handler": HANDLER}, optional={"entry": PATH, "runtime": RUNTIME} | SHARED)
LAYER = st.fixed_dictionaries({}, optional={"project": st.booleans(), "path-prefix": PATH, "runtime": RUNTIME} | SHARED)
GOOD = st.fixed_dictionaries(
    {"runtime": RUNTIME, "handler": HANDLER},
    optional={
        "entry": PATH,
        "engine": st.sampled_from(["auto", "docker", "podman", "host"]),
        "wheel-backend": st.sampled_from(["hatchling.build", "setuptools.build_meta:__legacy__", "flit_core.buildapi"]),
        "output-dir": PATH,
        "functions": st.dictionaries(PART.map("f{}".format).map(str.lower), FUNCTION, max_size=2),
        "layers": st.dictionaries(PART.map("l{}".format).map(str.lower), LAYER, max_size=2),
    }
    | SHARED,
)


@RELAXED
@given(GOOD)
def test_good_tables_pass_parser_and_schema(table: dict[str, object]) -> None:
    table.get("functions", {}).pop("function", None)  # type: ignore[attr-defined]
    problems = Problems()
    found = parse.read(table, problems)
    consistency.check(found, problems)
    problems.raise_if_any()
    assert artifacts(found)
    jsonschema.validate(table, schema())
