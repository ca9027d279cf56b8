"""Every example, built with every engine, answers its event through Lambda's own runtime client."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.engine_answers import engine_environment
from tests.helpers.invoke import invoke
from tests.helpers.machine import EXAMPLES, example, manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.helpers.machine import Machine, Outcome

pytestmark = pytest.mark.network

NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/pyproject.toml"))
# Each in a container and, but for what has to be compiled, on the host; in both engines what has a layer or a compiler.
ENGINES = {
    "api": ("host", "docker"),
    "data": ("host", "docker", "podman"),
    "monorepo": ("host", "podman"),
    "native": ("docker", "podman"),
    "quickstart": ("host", "docker", "podman"),
}
PAIRS = [
    pytest.param(name, engine, marks=() if engine == "host" else pytest.mark.engine)
    for name, engines in ENGINES.items()
    for engine in engines
]


@pytest.fixture(scope="module")
def built(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], tuple[Path, Outcome]]:
    """Builds an example with an engine once, and gives its dist/ and the log."""
    done: dict[tuple[str, str], tuple[Path, Outcome]] = {}

    def build(name: str, engine: str) -> tuple[Path, Outcome]:
        if (name, engine) not in done:
            environment = engine_environment(engine)
            project = example(name, tmp_path_factory.mktemp(f"{name}-{engine}") / name)
            done[name, engine] = (project / "dist", machine.build(project, env=environment))
        return done[name, engine]

    return build


def test_all_examples_are_here() -> None:
    assert sorted(ENGINES) == NAMES


@pytest.mark.parametrize(("name", "engine"), PAIRS)
def test_answers_its_event(name: str, engine: str, built: Callable[[str, str], tuple[Path, Outcome]]) -> None:
    dist, _ = built(name, engine)
    found = manifest(dist)["artifacts"]
    layers = {item["name"]: dist / item["file"] for item in found if item["kind"] == "layer"}
    functions = [item for item in found if item["kind"] == "function"]
    assert {item["name"] for item in functions} == {
        path.stem for path in (EXAMPLES / name / "tests/events").glob("*.json") if not path.stem.endswith(".answer")
    }
    for item in functions:
        events = EXAMPLES / name / "tests/events"
        answer = invoke(
            dist / item["file"],
            item["handler"],
            json.loads((events / f"{item['name']}.json").read_text("utf-8")),
            python=item["runtimes"][0].removeprefix("python"),
            layers=[layers[layer] for layer in item["layers"]],
        )
        assert not answer.failed, answer.payload
        expected = json.loads((events / f"{item['name']}.answer.json").read_text("utf-8"))
        assert _part_of(answer.payload, expected) == expected


def _part_of(payload: Any, expected: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Only the keys that are expected: an HTTP answer has headers besides."""
    if isinstance(payload, dict) and isinstance(expected, dict):
        return {key: _part_of(payload.get(key), value) for key, value in expected.items()}
    return payload


@pytest.mark.parametrize(("name", "engine"), PAIRS)
def test_holds_what_the_manifest_says(
    name: str, engine: str, built: Callable[[str, str], tuple[Path, Outcome]]
) -> None:
    dist, _ = built(name, engine)
    for item in manifest(dist)["artifacts"]:
        assert item["engine"] in {engine, None}  # None: nothing had to be installed
        with zipfile.ZipFile(dist / item["file"]) as archive:
            assert archive.testzip() is None
            members = archive.infolist()
        assert sum(member.file_size for member in members) == item["unzipped_size"]
        assert (dist / item["file"]).stat().st_size == item["size"]
        metadata = {member.filename.rsplit("/", 2)[-2] for member in members if member.filename.endswith("/METADATA")}
        for requirement in item["requirements"]:
            assert any(
                folder.lower().replace("-", "_").startswith(f"{requirement['name'].replace('-', '_')}_")
                or folder.lower().replace("_", "-").startswith(f"{requirement['name']}-")
                for folder in metadata
            ), requirement


def test_a_function_leaves_out_what_its_layer_has(built: Callable[[str, str], tuple[Path, Outcome]]) -> None:
    dist, _ = built("data", "host")
    by_name = {item["name"]: item for item in manifest(dist)["artifacts"]}
    in_layer = {requirement["name"] for requirement in by_name["deps"]["requirements"]}
    assert {"numpy", "pandas"} <= in_layer
    assert not in_layer & {requirement["name"] for requirement in by_name["summary"]["requirements"]}
    with zipfile.ZipFile(dist / by_name["deps"]["file"]) as layer:
        assert all(name.startswith("python/") for name in layer.namelist())
        assert not any(name.startswith("python/stats/") for name in layer.namelist())
    with zipfile.ZipFile(dist / by_name["summary"]["file"]) as function:
        assert "stats/summary.py" in function.namelist()
        assert not any(name.startswith(("numpy/", "pandas/")) for name in function.namelist())


@pytest.mark.engine
@pytest.mark.parametrize("name", NAMES)
def test_docker_and_podman_give_the_same_tree(name: str, built: Callable[[str, str], tuple[Path, Outcome]]) -> None:
    first, *others = (
        {item["name"]: item["content_digest"] for item in manifest(built(name, engine)[0])["artifacts"]}
        for engine in ENGINES[name]
    )
    assert others
    assert all(digests == first for digests in others), (first, others)


def test_native_needs_a_container(machine: Machine, tmp_path: Path) -> None:
    project = example("native", tmp_path / "native")
    outcome = machine.build(project, check=False)
    assert outcome.exit_code != 0
    assert "fastsum" in outcome.message
    assert "container" in outcome.message
    assert "Traceback" not in outcome.log
    assert not (project / "dist").exists() or not list((project / "dist").iterdir())
