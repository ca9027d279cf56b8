from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambda_backend.errors import SettingsError
from lambda_backend.settings.consistency import check
from lambda_backend.settings.model import Include, LayerSettings, Settings
from lambda_backend.settings.problems import Problems
from lambda_backend.settings.resolve import ArtifactSettings, artifacts

if TYPE_CHECKING:
    from conftest import LoadText

TABLE = """
[tool.lambda]
runtime = ["python3.13", "python3.12"]
architecture = "arm64"
handler = "shop.main.handler"
lock = "uv.lock"
extras = ["pdf"]
groups = ["prod"]
include = [{ from = "conf" }]
exclude = ["*.pyi"]
bundling = { network = "none", ca-bundle = "off", environment = { A = "1" } }

[tool.lambda.functions.worker]
entry = "functions/worker"

[tool.lambda.functions.api]
handler = "shop.api.handler"
layers = ["deps"]
runtime = "python3.13"
architecture = "x86_64"
lock = "pylock.toml"
extras = []
groups = ["web"]
include = []
exclude = ["docs/"]
bundling = { ca-bundle = "auto", environment = { B = "2" } }

[tool.lambda.layers.deps]
architecture = ["x86_64", "arm64"]
path-prefix = "./python/lib/"

[tool.lambda.layers.all]
project = true
path-prefix = "."
"""


@pytest.fixture
def resolved(load_text: LoadText) -> dict[str, ArtifactSettings]:
    settings = load_text(TABLE).settings
    assert settings is not None
    return {artifact.name: artifact for artifact in artifacts(settings)}


def test_layers_first_then_functions_each_by_name(resolved: dict[str, ArtifactSettings]) -> None:
    assert list(resolved) == ["all", "deps", "api", "function", "worker"]
    assert [artifact.kind for artifact in resolved.values()] == ["layer", "layer", "function", "function", "function"]
    assert [artifact.key for artifact in resolved.values()] == [
        "tool.lambda.layers.all",
        "tool.lambda.layers.deps",
        "tool.lambda.functions.api",
        "tool.lambda",
        "tool.lambda.functions.worker",
    ]


def test_own_values_replace_those_above(resolved: dict[str, ArtifactSettings]) -> None:
    api = resolved["api"]
    assert (api.runtime, api.architecture) == (("python3.13",), ("x86_64",))
    assert (api.lock, api.extras, api.groups) == ("pylock.toml", (), ("web",))
    assert (api.include, api.exclude) == ((), ("docs/",))
    assert (api.handler, api.entry, api.layers) == ("shop.api.handler", None, ("deps",))
    assert (api.project, api.path_prefix) == (True, "")


def test_values_above_reach_what_sets_none(resolved: dict[str, ArtifactSettings]) -> None:
    for artifact in (resolved["function"], resolved["all"]):
        assert (artifact.runtime, artifact.architecture) == (("python3.13", "python3.12"), ("arm64",))
        assert (artifact.lock, artifact.extras, artifact.groups) == ("uv.lock", ("pdf",), ("prod",))
        assert (artifact.include, artifact.exclude) == ((Include(from_="conf"),), ("*.pyi",))
        assert (artifact.omit, artifact.bytecode, artifact.strip) == ((), False, False)


def test_what_is_about_the_project_does_not_reach_an_entry(resolved: dict[str, ArtifactSettings]) -> None:
    worker = resolved["worker"]
    assert (worker.lock, worker.extras, worker.groups) == (None, (), ())
    assert (worker.handler, worker.project) == ("index.handler", False)
    assert worker.include == (Include(from_="conf"),)


def test_layers(resolved: dict[str, ArtifactSettings]) -> None:
    assert (resolved["deps"].project, resolved["deps"].path_prefix) == (False, "python/lib")
    assert (resolved["all"].project, resolved["all"].path_prefix) == (True, "")
    assert resolved["deps"].handler is None


def test_bundling_is_merged_key_by_key(resolved: dict[str, ArtifactSettings]) -> None:
    api = resolved["api"].bundling
    # A key that is set to its default is set.
    assert (api.network, api.ca_bundle, api.environment) == ("none", "auto", {"B": "2"})
    assert api.given == {"network", "ca_bundle", "environment"}
    worker = resolved["worker"].bundling
    assert (worker.network, worker.ca_bundle, worker.environment) == ("none", "off", {"A": "1"})


def test_short_form_with_an_entry(load_text: LoadText) -> None:
    settings = load_text('[tool.lambda]\nruntime = "python3.13"\nentry = "fn"').settings
    assert settings is not None
    (function,) = artifacts(settings)
    assert (function.name, function.key, function.handler) == ("function", "tool.lambda", "index.handler")
    assert (function.entry, function.project) == ("fn", False)


def test_only(load_text: LoadText) -> None:
    settings = load_text(TABLE).settings
    assert settings is not None
    assert [artifact.name for artifact in artifacts(settings, only=("worker", "deps"))] == ["deps", "worker"]
    with pytest.raises(SettingsError) as caught:
        artifacts(settings, only=("wroker", "nothing", "api", "nothing"))
    assert caught.value.problems == (
        'lambda.only: no function or layer "wroker"; did you mean "worker"?',
        'lambda.only: no function or layer "nothing"',
    )
    assert caught.value.hint == 'The project has "all", "deps", "api", "function", "worker".'


def test_only_of_nothing() -> None:
    assert artifacts(Settings()) == ()
    with pytest.raises(SettingsError) as caught:
        artifacts(Settings(), only=("api",))
    assert caught.value.hint is None


def test_more_runtimes_than_a_layer_takes() -> None:
    # There are fewer runtimes than that today, so this table cannot be written as text.
    problems = Problems()
    runtimes = tuple(f"python3.{minor}" for minor in range(16))
    check(Settings(layers={"deps": LayerSettings(runtime=runtimes)}), problems)
    with pytest.raises(SettingsError) as caught:
        problems.raise_if_any()
    assert caught.value.problems == ("tool.lambda.layers.deps.runtime: 16 runtimes; Lambda takes 15 for a layer",)
