"""No table, override or variable ends in anything but settings or a SettingsError."""

from __future__ import annotations

import contextlib
import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from lambda_backend.errors import SettingsError
from lambda_backend.settings import Settings, artifacts, consistency, parse
from lambda_backend.settings.hints import keys
from lambda_backend.settings.model import BundlingSettings, FunctionSettings, Include, LayerSettings
from lambda_backend.settings.overrides import overlaid, overrides
from lambda_backend.settings.problems import Problems

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
    settings = parse.read(table, problems)
    consistency.check(settings, problems)
    with contextlib.suppress(SettingsError):
        problems.raise_if_any()
        # Without a problem there is something to build, and for something.
        assert all(artifact.runtime and artifact.architecture for artifact in artifacts(settings))
        assert artifacts(settings)


@given(TABLE)
def test_any_table(table: dict[str, object]) -> None:
    settled(table, Problems())


@given(TABLE)
def test_any_table_with_a_good_start(table: dict[str, object]) -> None:
    settled({"runtime": "python3.13", "handler": "a.b", "layers": {"deps": {}}} | table, Problems())


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
