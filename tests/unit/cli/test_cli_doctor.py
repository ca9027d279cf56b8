"""The doctor, on machines where there is nothing, one engine, or something wrong."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from lambda_backend.cli.diagnosis import processor
from lambda_backend.targets import target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

PODMAN = """\
#!{python}
import json, sys
words = sys.argv[1:]
if words[0] == "--version":
    print("podman version 5.6.0")
elif words[0] == "info":
    print(json.dumps({{"host": {{"security": {{"rootless": True}}}}}}))
elif words[:2] == ["image", "inspect"] and words[-1].endswith("x86_64"):
    print(json.dumps([{{"Id": "1", "Os": "linux", "Architecture": "amd64", "RepoDigests": []}}]))
else:
    sys.exit("no such image")
"""
TABLE = """
[project]
name = "shop"
version = "1"
[tool.lambda]
runtime = "python3.13"
architecture = ["x86_64", "arm64"]
handler = "shop.app.handler"
{more}
"""


@pytest.fixture
def doctor(command: Callable[..., Result], tmp_path: Path) -> Callable[..., Result]:
    """Runs on a machine without any engine; ``podman=True`` gives it one."""
    (tmp_path / "bin").mkdir()
    environment = {
        "PATH": str(tmp_path / "bin"),
        "HOME": str(tmp_path),
        "DOCKER_HOST": f"unix://{tmp_path}/none.sock",
        "CI": "1",
    }

    def run(*arguments: str | Path, podman: bool = False, **more: str) -> Result:
        if podman:
            path = tmp_path / "bin/podman"
            path.write_text(PODMAN.format(python=sys.executable))
            path.chmod(0o755)
        return command("doctor", *arguments, env=environment | more)

    return run


def project(tmp_path: Path, more: str = "") -> Path:
    (tmp_path / "pyproject.toml").write_text(TABLE.format(more=more))
    return tmp_path


def found(result: Result) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def problems(result: Result) -> list[tuple[str, str]]:
    return [(item["level"], item["message"]) for item in found(result)["problems"]]


def test_without_an_engine(doctor: Callable[..., Result], tmp_path: Path) -> None:
    result = doctor("--json", project(tmp_path))
    assert result.exit_code == 0
    assert problems(result) == [
        ("warn", "no engine answers: builds run on this machine, where only pure Python can be built from source")
    ]
    document = found(result)
    assert document["engine"] == "host"
    assert [(item["name"], item["answers"]) for item in document["engines"]] == [
        ("docker", False),
        ("podman", False),
        ("finch", False),
        ("nerdctl", False),
    ]
    assert document["engines"][1]["reason"] == "podman is not installed"
    assert document["engines"][1]["hint"] == "install podman, or name another engine"
    assert document["uv"]["version"][0].isdecimal()
    assert set(document["pythons"]) == {"3.13"}
    assert document["cache"] == {"folder": str(tmp_path / "cache"), "entries": 0, "bytes": 0}


def test_an_engine_with_one_of_two_images(doctor: Callable[..., Result], tmp_path: Path) -> None:
    result = doctor("--json", project(tmp_path), podman=True)
    document = found(result)
    assert (result.exit_code, document["engine"]) == (0, "podman")
    assert document["engines"][1]["version"] == "podman 5.6.0"
    image = "public.ecr.aws/sam/build-python3.13:latest"
    assert document["images"] == [
        {"reference": f"{image}-x86_64", "platform": "linux/amd64", "engines": ["podman"]},
        {"reference": f"{image}-arm64", "platform": "linux/arm64", "engines": []},
    ]
    assert ("warn", f"podman has no image {image}-arm64 for linux/arm64: a build pulls it") in problems(result)
    assert document["problems"][0]["hint"] == f"podman pull --platform linux/arm64 {image}-arm64"


def test_what_a_person_reads(doctor: Callable[..., Result], tmp_path: Path) -> None:
    lines = doctor(project(tmp_path), podman=True).stdout.splitlines()
    assert lines[:3] == [
        "engines",
        f"  docker   no: docker does not answer at unix://{tmp_path}/none.sock (DOCKER_HOST): nothing listens there",
        "  podman   podman 5.6.0 (in use)",
    ]
    assert "  public.ecr.aws/sam/build-python3.13:latest-x86_64  podman" in lines
    assert lines[-1].startswith("  → ")


def test_an_engine_that_was_named_and_does_not_answer(doctor: Callable[..., Result], tmp_path: Path) -> None:
    result = doctor("--json", project(tmp_path, 'engine = "nerdctl"'), podman=True)
    assert (result.exit_code, found(result)["engine"]) == (1, None)
    assert problems(result) == [("error", "engine nerdctl: nerdctl is not installed")]
    assert doctor(tmp_path, podman=True, LAMBDA_BACKEND_ENGINE="podman").exit_code == 0


def test_images_of_the_projects_own(doctor: Callable[..., Result], tmp_path: Path) -> None:
    more = """
[tool.lambda.bundling]
image = "example.com/mine:1"
platform = "linux/amd64"
[tool.lambda.functions.other]
handler = "shop.app.handler"
architecture = "x86_64"
bundling = { image = { context = "docker" } }
"""
    document = found(doctor("--json", project(tmp_path, more)))
    assert document["images"] == [{"reference": "example.com/mine:1", "platform": "linux/amd64", "engines": []}]


def test_all_runtimes_where_there_is_no_project(doctor: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = doctor("--json", tmp_path / "empty", podman=True)
    document = found(result)
    assert {"3.10", "3.13", "3.14"} <= set(document["pythons"])
    assert len(document["images"]) == 2 * len(document["pythons"])
    # Nobody knows which of them matter.
    assert problems(result) == []
    assert doctor(tmp_path / "empty", podman=True).stdout.endswith("\nnothing is wrong\n")


def test_without_uv(doctor: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    result = doctor("--json", project(tmp_path, 'engine = "host"'))
    assert result.exit_code == 1
    assert found(result)["uv"] is None
    assert problems(result) == [("error", "uv is not installed, and builds on this machine need it")]


def test_a_cache_that_cannot_be_written(doctor: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = doctor("--json", project(tmp_path), podman=True, LAMBDA_BACKEND_CACHE_DIR=str(tmp_path / "file/cache"))
    assert result.exit_code == 1
    assert ("error", f"{tmp_path}/file/cache cannot be written: Not a directory") in problems(result)


def test_a_table_that_is_wrong(doctor: Callable[..., Result], tmp_path: Path) -> None:
    result = doctor(project(tmp_path, "nothing = 1"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "tool.lambda.nothing: unknown key" in result.stderr


MAGIC = "magic 7f454c460201010000000000000000000200b700\n"


@pytest.mark.parametrize(
    ("machine", "entry", "how"),
    [
        ("aarch64", None, "native"),
        ("arm64", None, "native"),
        ("x86_64", f"enabled\ninterpreter /usr/bin/qemu\nflags: OCF\noffset 0\n{MAGIC}", "emulated"),
        ("x86_64", f"disabled\ninterpreter /usr/bin/qemu\nflags: OCF\noffset 0\n{MAGIC}", "missing"),
        ("x86_64", f"enabled\ninterpreter /usr/bin/qemu\nflags: OC\noffset 0\n{MAGIC}", "missing"),
        ("x86_64", f"enabled\ninterpreter /usr/bin/qemu\nflags: F\noffset 0\n{MAGIC.replace('b7', '3e')}", "missing"),
        ("x86_64", None, "missing"),
    ],
)
def test_processors(machine: str, entry: str | None, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("sys.platform", "linux")
    (tmp_path / "register").write_text("enabled")
    (tmp_path / "status").write_text("enabled")
    if entry is not None:
        (tmp_path / "any-name").write_text(entry)
    assert processor(target("python3.13", "arm64"), tmp_path) == how


def test_engines_of_a_virtual_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    monkeypatch.setattr("sys.platform", "darwin")
    assert processor(target("python3.13", "x86_64")) == "unknown"
