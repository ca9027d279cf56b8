"""``lambda-backend invoke``: what it is told, by options and by the manifest, and how its answer leaves."""

from __future__ import annotations

import json
import platform
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from lambda_backend.running import open as opening
from lambda_backend.running.model import Invocation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lambda_backend.running.model import Configuration, Function, Surroundings

ANSWER = Invocation(
    payload='{"ok": "Zoë"}',
    failed=False,
    request_id="id",
    init_seconds=0.1,
    seconds=0.1,
    billed_ms=200,
    peak_bytes=1,
)


class Stages:
    """Takes note of what is asked for; running itself is tested in tests/unit/running and tests/integration."""

    def __init__(self) -> None:
        self.answer = ANSWER
        self.function: Function
        self.engine = ""
        self.surroundings: Surroundings
        self.event = ""
        self.configuration: Configuration
        self.where = "nowhere"

    @contextmanager
    def staged(self, function: Function, engine: str, surroundings: Surroundings) -> Iterator[Stages]:
        self.function, self.engine, self.surroundings = function, engine, surroundings
        yield self

    def invoke(self, event: str, configuration: Configuration) -> Invocation:
        self.event, self.configuration = event, configuration
        self.surroundings.log("what it logs")
        return self.answer


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Stages:
    made = Stages()
    monkeypatch.setattr(opening, "staged", made.staged)
    return made


def zipped(path: Path, files: Mapping[str, bytes] | None = None) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (files or {"app.py": b""}).items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def event(tmp_path: Path) -> Path:
    path = tmp_path / "event.json"
    path.write_text('{"name": "Ada"}', "utf-8")
    return path


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A function's zip with its layers and a manifest."""
    artifacts: list[dict[str, Any]] = []
    for kind, name, architecture in [
        ("layer", "deps", "x86_64"),
        ("layer", "deps", "arm64"),
        ("layer", "more", "arm64"),
        ("function", "api", "arm64"),
    ]:
        file = zipped(tmp_path / f"shop-1.0-{name}-{architecture}.zip").name
        own = {"handler": "shop.api.handler", "layers": ["more", "deps"]} if kind == "function" else {"layers": []}
        common = {"name": name, "kind": kind, "file": file, "runtimes": ["python3.12"], "architecture": architecture}
        artifacts.append({**common, **own})
    document = {"schema": 1, "project": "shop", "version": "1.0", "artifacts": artifacts}
    (tmp_path / "shop-1.0.lambda.json").write_text(json.dumps(document), "utf-8")
    return tmp_path / "shop-1.0-api-arm64.zip"


Command = "Callable[..., Result]"


def test_the_manifest_says_what_the_zip_is(command: Command, stages: Stages, built: Path, event: Path) -> None:
    found = command("invoke", built, "--event", event)
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout) == {"ok": "Zoë"}
    assert "what it logs" in found.stderr
    assert "api runs nowhere" in found.stderr
    function = stages.function
    assert (function.name, function.handler, function.target.name) == ("api", "shop.api.handler", "python3.12-arm64")
    assert [path.name for path in function.layers] == ["shop-1.0-more-arm64.zip", "shop-1.0-deps-arm64.zip"]
    assert json.loads(stages.event) == {"name": "Ada"}
    assert (stages.configuration.timeout, stages.configuration.memory, stages.engine) == (3, 128, "auto")


def test_options_say_it_otherwise(command: Command, stages: Stages, built: Path, event: Path, tmp_path: Path) -> None:
    layer = zipped(tmp_path / "other.zip")
    options = ["--runtime", "python3.13", "--architecture", "x86_64", "--handler", "a.b", "--layer", layer]
    options += ["--timeout", "900", "--memory", "10240", "--engine", "host", "--network", "none"]
    found = command("invoke", built, "--event", event, *options)
    assert found.exit_code == 0, found.output
    assert (stages.function.handler, stages.function.target.name) == ("a.b", "python3.13-x86_64")
    assert stages.function.layers == (layer,)
    assert (stages.configuration.timeout, stages.configuration.memory) == (900, 10_240)
    assert (stages.engine, stages.surroundings.network) == ("host", "none")


def test_the_environment_chooses_engine_and_network_as_for_builds(
    command: Command, stages: Stages, built: Path, event: Path
) -> None:
    env = {"LAMBDA_BACKEND_ENGINE": "podman", "LAMBDA_BACKEND_BUNDLING_NETWORK": "host"}
    assert command("invoke", built, "--event", event, env=env).exit_code == 0
    assert (stages.engine, stages.surroundings.network) == ("podman", "host")


def test_an_event_may_come_from_standard_input(stages: Stages, built: Path) -> None:
    from click.testing import CliRunner

    from lambda_backend.cli.group import group

    found = CliRunner().invoke(group, ["invoke", str(built), "--event", "-"], input="[1]")
    assert found.exit_code == 0, found.output
    assert stages.event == "[1]"


def test_variables_are_given_by_value_or_by_name(command: Command, stages: Stages, built: Path, event: Path) -> None:
    arguments = ["--env", "A=b=c", "--env", "EMPTY=", "--env", "TOKEN"]
    found = command("invoke", built, "--event", event, *arguments, env={"TOKEN": "hush", "OTHER": "x"})
    assert found.exit_code == 0, found.output
    assert stages.configuration.environment == {"A": "b=c", "EMPTY": "", "TOKEN": "hush"}
    assert "hush" not in repr(stages.configuration)


def test_a_failed_invocation_gives_the_error_object_and_1(
    command: Command, stages: Stages, built: Path, event: Path
) -> None:
    import dataclasses

    stages.answer = dataclasses.replace(ANSWER, payload='{"errorType": "ValueError"}', failed=True)
    found = command("invoke", built, "--event", event)
    assert found.exit_code == 1
    assert json.loads(found.stdout) == {"errorType": "ValueError"}


def test_an_answer_of_bytes_leaves_as_it_is(command: Command, stages: Stages, built: Path, event: Path) -> None:
    import dataclasses

    stages.answer = dataclasses.replace(ANSWER, payload=b"\xffraw".decode("utf-8", "surrogateescape"))
    assert command("invoke", built, "--event", event).stdout_bytes == b"\xffraw\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing option '--runtime'"),
        (["--runtime", "python3.13"], "Missing option '--handler'"),
        (["--runtime", "python2.7", "--handler", "a.b"], "--runtime: 'python2.7' is none of"),
        (["--runtime", "python3.13", "--handler", "a.b", "--architecture", "ppc"], "--architecture: 'ppc' is none of"),
        (["--runtime", "python3.13", "--handler", "a.b", "--env", "=x"], "--env: write NAME=VALUE, or NAME"),
        (["--runtime", "python3.13", "--handler", "a.b", "--env", "NOT_SET_HERE"], "--env: 'NOT_SET_HERE' is not set"),
        (["--runtime", "python3.13", "--handler", "a.b", "--timeout", "901"], "'--timeout'"),
        (["--runtime", "python3.13", "--handler", "a.b", "--memory", "64"], "'--memory'"),
        (["--runtime", "python3.13", "--handler", "a.b", "--engine", "lxc"], "'--engine'"),
        (["--runtime", "python3.13", "--handler", "a.b", "--layer", "nowhere.zip"], "'--layer'"),
    ],
)
def test_wrong_usage_names_the_option(
    command: Command, tmp_path: Path, event: Path, arguments: list[str], words: str
) -> None:
    found = command("invoke", zipped(tmp_path / "f.zip"), "--event", event, *arguments)
    assert found.exit_code == 2, found.output
    assert words in found.stderr
    assert found.stdout == ""


def test_a_layer_is_not_invoked(command: Command, built: Path, event: Path) -> None:
    found = command("invoke", built.with_name("shop-1.0-deps-arm64.zip"), "--event", event)
    assert found.exit_code == 2
    assert "is a layer" in found.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "is no JSON"), ("", "is no JSON"), ('"' + "x" * 6_291_456 + '"', "at most 6291456 bytes")],
    ids=["JSON", "empty", "size"],
)
def test_an_event_that_lambda_would_refuse(command: Command, built: Path, event: Path, text: str, words: str) -> None:
    event.write_text(text, "utf-8")
    found = command("invoke", built, "--event", event)
    assert found.exit_code == 2
    assert "--event" in found.stderr
    assert words in found.stderr


@pytest.mark.parametrize(
    ("files", "here", "architecture"),
    [
        ({"a.so": b"\x7fELF\2\1" + bytes(12) + b"\xb7\0"}, "x86_64", "arm64"),
        ({"a.so": b"\x7fELF\2\1" + bytes(12) + b"\x3e\0"}, "arm64", "x86_64"),
        ({"a.py": b""}, "aarch64", "arm64"),
        ({"a.py": b""}, "arm64", "arm64"),
        ({"a.py": b""}, "AMD64", "x86_64"),
        ({"a.py": b""}, "x86_64", "x86_64"),
        ({"a.py": b""}, "riscv64", "x86_64"),
    ],
)
def test_without_a_manifest_compiled_code_tells_the_architecture(  # noqa: PLR0917 - cases and fixtures
    command: Command,
    stages: Stages,
    tmp_path: Path,
    event: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, bytes],
    here: str,
    architecture: str,
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: here)
    found = command(
        "invoke", zipped(tmp_path / "f.zip", files), "--event", event, "--runtime", "python3.13", "--handler", "a.b"
    )
    assert found.exit_code == 0, found.output
    assert stages.function.target.architecture == architecture
    assert stages.function.name == "f"
