from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from lambda_backend.errors import SettingsError
from lambda_backend.settings.load import load

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import LoadText

LEAST = '[tool.lambda]\nruntime = "python3.13"\nhandler = "hello.app.handler"\n'


def test_least_table(load_text: LoadText) -> None:
    loaded = load_text('[project]\nname = "hello"\n' + LEAST)
    assert loaded.settings is not None
    assert loaded.settings.runtime == ("python3.13",)
    assert loaded.settings.architecture == ("x86_64",)
    assert loaded.settings.handler == "hello.app.handler"
    assert loaded.settings.engine == "auto"
    assert loaded.settings.wheel_backend == loaded.wheel_backend == "setuptools.build_meta"
    assert (loaded.inner_config_settings, loaded.only, loaded.output_dir_asked) == ({}, (), None)


def test_everything_supported(load_text: LoadText) -> None:
    loaded = load_text(
        """
        [tool.lambda]
        runtime = ["python3.13", "python3.12"]
        architecture = ["x86_64", "arm64"]
        handler = "shop.api.handler"
        wheel-backend = "hatchling.build"
        engine = "podman"
        output-dir = "lambda"
        lock = "uv.lock"
        extras = ["pdf"]
        groups = ["prod"]
        include = [{ from = "conf/*.json", to = "conf" }]
        exclude = ["tests/", "*.pyi"]
        [tool.lambda.functions.api]
        handler = "shop/api.handler"
        layers = ["deps"]
        [tool.lambda.functions.worker]
        entry = "functions/worker"
        [tool.lambda.layers.deps]
        extras = ["data"]
        project = true
        path-prefix = "python"
        [tool.lambda.bundling]
        image = "public.ecr.aws/sam/build-python3.13"
        environment = { PIP_INDEX_URL = "https://aws:${TOKEN}@example.com/simple/", EMPTY = "" }
        network = "host"
        user = "1000:1000"
        ca-bundle = "off"
        tools = { uv = "0.13" }
        """
    )
    settings = loaded.settings
    assert settings is not None
    assert dataclasses.asdict(settings.include[0]) == {"from_": "conf/*.json", "to": "conf"}
    assert settings.functions["worker"].entry == "functions/worker"
    assert settings.layers["deps"].project
    # The reference stays as it was written.
    assert settings.bundling.environment["PIP_INDEX_URL"] == "https://aws:${TOKEN}@example.com/simple/"
    assert settings.bundling.tools.uv == "0.13"
    assert loaded.wheel_backend == "hatchling.build"
    assert loaded.output_dir_asked is None


@pytest.mark.parametrize("text", ["", "[tool]", "[tool.other]\nx = 1", "[project]\nname = 'x'"])
def test_without_the_table_there_is_only_the_wheel(text: str, load_text: LoadText) -> None:
    loaded = load_text(text, {"lambda.engine": "host", "--other": "x"})
    assert loaded.settings is None
    assert loaded.wheel_backend == "setuptools.build_meta"
    assert loaded.inner_config_settings == {"--other": "x"}


@pytest.mark.parametrize(
    ("config_settings", "environ"),
    [
        ({"lambda": "off"}, {}),
        ({"lambda": "False"}, {}),
        ({"lambda": False}, {}),
        ({}, {"LAMBDA_BACKEND": "off"}),
        ({}, {"LAMBDA_BACKEND": "0"}),
        ({"lambda": "off"}, {"LAMBDA_BACKEND": "on"}),
    ],
)
def test_off(config_settings: dict[str, object], environ: dict[str, str], load_text: LoadText) -> None:
    # What else the table says does not count, right or wrong.
    loaded = load_text('[tool.lambda]\nwheel-backend = "flit_core.buildapi"\nwrong = 1', config_settings, environ)
    assert loaded.settings is None
    assert loaded.wheel_backend == "flit_core.buildapi"


@pytest.mark.parametrize(
    ("config_settings", "environ"),
    [({"lambda": "on"}, {"LAMBDA_BACKEND": "off"}), ({"lambda": True}, {}), ({}, {"LAMBDA_BACKEND": ""})],
)
def test_on(config_settings: dict[str, object], environ: dict[str, str], load_text: LoadText) -> None:
    assert load_text(LEAST, config_settings, environ).settings is not None


def test_off_still_refuses_ourselves(load_text: LoadText) -> None:
    with pytest.raises(SettingsError, match="this backend itself"):
        load_text('[tool.lambda]\nwheel-backend = "lambda_backend"', {"lambda": "off"})


def test_frontend_wins_over_environment_over_table(load_text: LoadText) -> None:
    text = LEAST + 'engine = "docker"\nlock = "uv.lock"\n[tool.lambda.bundling]\nnetwork = "none"\nuser = "1"'
    loaded = load_text(
        text,
        {"lambda.engine": "podman", "lambda.bundling.network": "host"},
        {"LAMBDA_BACKEND_ENGINE": "host", "LAMBDA_BACKEND_LOCK": "pylock.toml", "LAMBDA_BACKEND_BUNDLING_USER": "2"},
    )
    settings = loaded.settings
    assert settings is not None
    assert (settings.engine, settings.lock) == ("podman", "pylock.toml")
    assert (settings.bundling.network, settings.bundling.user) == ("host", "2")


def test_override_where_the_table_has_no_inner_table(load_text: LoadText) -> None:
    settings = load_text(LEAST, {"lambda.bundling.tools.uv": "0.13.1", "lambda.checks.size": "error"}).settings
    assert settings is not None
    assert settings.bundling.tools.uv == "0.13.1"
    assert settings.bundling.given == {"tools"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("python3.12", ("python3.12",)),
        ("python3.12, python3.13", ("python3.12", "python3.13")),
        (["python3.12", "python3.13,python3.14"], ("python3.12", "python3.13", "python3.14")),
    ],
)
def test_several_runtimes(value: object, expected: tuple[str, ...], load_text: LoadText) -> None:
    settings = load_text(LEAST, {"lambda.runtime": value}).settings
    assert settings is not None
    assert settings.runtime == expected


def test_only(load_text: LoadText) -> None:
    assert load_text(LEAST, {"lambda.only": "api"}).only == ("api",)
    assert load_text(LEAST, {"lambda.only": "api,deps,api"}).only == ("api", "deps")
    assert load_text(LEAST, {}, {"LAMBDA_BACKEND_ONLY": "api, deps"}).only == ("api", "deps")


def test_output_dir_counts_as_asked_for_only_in_this_build(load_text: LoadText) -> None:
    assert load_text(LEAST + 'output-dir = "x"').output_dir_asked is None
    by_environment = load_text(LEAST, {}, {"LAMBDA_BACKEND_OUTPUT_DIR": "/y"})
    assert by_environment.output_dir_asked == "/y"
    assert by_environment.settings is not None
    assert by_environment.settings.output_dir == "/y"
    assert load_text(LEAST, {"lambda.output-dir": "/z"}, {"LAMBDA_BACKEND_OUTPUT_DIR": "/y"}).output_dir_asked == "/z"


def test_other_words_of_the_environment_and_frontend_are_left_alone(load_text: LoadText) -> None:
    given = {"--global-option": ["a", "b"], "lambdas": "x", "editable": True}
    environ = {"LAMBDA_BACKEND_CACHE_DIR": "/cache", "LAMBDA_TASK_ROOT": "/var", "LAMBDA_BACKENDS": "x"}
    assert load_text(LEAST, given, environ).inner_config_settings == given


@pytest.mark.parametrize(("given", "size"), [("1000", 1000), ("1 MB", 1_000_000), ("100 MiB", 104_857_600)])
def test_sizes_of_an_override(given: str, size: int, load_text: LoadText) -> None:
    settings = load_text(LEAST, {"lambda.max-size": given}).settings
    assert settings is not None
    assert settings.max_size == size


def test_checks_for_one_build(load_text: LoadText) -> None:
    settings = load_text(LEAST, {"lambda.checks.size": "warn"}, {"LAMBDA_BACKEND_CHECKS_BINARIES": "off"}).settings
    assert settings is not None
    assert settings.checks.levels == {
        "size": "warn",
        "binaries": "off",
        "handler": "error",
        "collisions": "error",
        "secrets": "error",
        "bytecode": "warn",
        "runtime-support": "warn",
    }


def test_booleans_of_an_override(load_text: LoadText) -> None:
    for value in ("false", "OFF", "0", False, "true", "on", "1", True):
        settings = load_text(LEAST, {"lambda.bytecode": value}).settings
        assert settings is not None
        assert settings.bytecode == (str(value) in {"true", "on", "1", "True"})


WRONG: list[tuple[dict[str, object], dict[str, str], list[str]]] = [
    ({"lambda.engin": "x"}, {}, ['-C lambda.engin: unknown setting; did you mean "lambda.engine"?']),
    ({"lambda.": "x"}, {}, ['-C lambda.: unknown setting; did you mean "lambda"?']),
    (
        {},
        {"LAMBDA_BACKEND_ENGIN": "host"},
        ['LAMBDA_BACKEND_ENGIN: unknown variable; did you mean "LAMBDA_BACKEND_ENGINE"?'],
    ),
    (
        {"lambda.functions.api.handler": "a.b"},
        {},
        ["-C lambda.functions.api.handler: a key of one function or layer cannot be set for one build"],
    ),
    (
        {"lambda.extras": "a"},
        {},
        ["-C lambda.extras: a list or table cannot be set for one build; set it in pyproject.toml"],
    ),
    (
        {},
        {"LAMBDA_BACKEND_BUNDLING_ENVIRONMENT": "a"},
        ["LAMBDA_BACKEND_BUNDLING_ENVIRONMENT: a list or table cannot be set for one build; set it in pyproject.toml"],
    ),
    (
        {"lambda.bundling": "x"},
        {},
        ["-C lambda.bundling: a list or table cannot be set for one build; set it in pyproject.toml"],
    ),
    (
        {"lambda.bundling.netwrk": "x"},
        {},
        ['-C lambda.bundling.netwrk: unknown setting; did you mean "lambda.bundling.network"?'],
    ),
    ({"lambda.engine": ["host", "docker"]}, {}, ["-C lambda.engine: given 2 times; it takes one value"]),
    ({"lambda": ["off", "on"]}, {}, ["-C lambda: given 2 times; it takes one value"]),
    ({"lambda.engine": True}, {}, ["-C lambda.engine: expected a string, got true"]),
    ({"lambda.engine": None}, {}, ["-C lambda.engine: expected a string, got NoneType"]),
    ({"lambda.only": ["a", None]}, {}, ["-C lambda.only: expected a string, got NoneType"]),
    ({"lambda.only": ","}, {}, ["-C lambda.only: must not be empty"]),
    (
        {"lambda": "maybe"},
        {},
        ['-C lambda: "maybe" is no boolean; expected true or false (also on or off, 1 or 0)'],
    ),
    (
        {"lambda.strip": ""},
        {},
        ['-C lambda.strip: "" is no boolean; expected true or false (also on or off, 1 or 0)'],
    ),
    ({"lambda.lock": ""}, {}, ["-C lambda.lock: must not be empty"]),
    (
        {"lambda.engine": "dockr"},
        {"LAMBDA_BACKEND_BUNDLING_TOOLS_UV": "new"},
        [
            (
                '-C lambda.engine: unknown value "dockr"; known are "auto", "docker", "podman", "finch", "nerdctl",'
                ' "host"; did you mean "docker"?'
            ),
            'LAMBDA_BACKEND_BUNDLING_TOOLS_UV: "new" is no version; expected one such as "0.13"',
        ],
    ),
    (
        {"lambda.runtime": "python3.13,python3.1"},
        {},
        [
            (
                '-C lambda.runtime[1]: unknown runtime "python3.1"; known are "python3.14", "python3.13", "python3.12",'
                ' "python3.11", "python3.10"; did you mean "python3.10"?'
            )
        ],
    ),
]


@pytest.mark.parametrize(("config_settings", "environ", "expected"), WRONG)
def test_wrong_overrides(
    config_settings: dict[str, object], environ: dict[str, str], expected: list[str], load_text: LoadText
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_text(LEAST, config_settings, environ)
    assert list(caught.value.problems) == expected


def test_override_below_a_value_of_the_wrong_type(load_text: LoadText) -> None:
    for text in ("bundling = 1", "bundling = 1\n"):
        with pytest.raises(SettingsError) as caught:
            load_text(LEAST + text, {"lambda.bundling.tools.uv": "0.13"})
        assert caught.value.problems == ("tool.lambda.bundling: expected a table, got an integer (1)",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"tool = 1", "tool: expected a table"),
        (b"[tool]\nlambda = 'x'", "tool.lambda: expected a table"),
        (b"[tool.lambda]\nx = = 1", "pyproject.toml: no valid TOML: Invalid value (at line 2, column 5)"),
        (b"\xff", "pyproject.toml: cannot be read: not UTF-8"),
        (b"a = " + b"[" * 100_000, "pyproject.toml: nested too deeply"),
    ],
)
def test_broken_file(text: bytes, expected: str, tmp_path: Path) -> None:
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_bytes(text)
    with pytest.raises(SettingsError) as caught:
        load(pyproject, config_settings=None, environ={})
    assert caught.value.problems == (expected,)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / "pyproject.toml", config_settings=None, environ={})
    assert caught.value.problems == ("pyproject.toml: cannot be read: No such file or directory",)
