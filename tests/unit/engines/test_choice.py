from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines.choice import choose, likely
from lambda_backend.errors import EngineUnavailableError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@pytest.fixture
def bare(tmp_path: Path) -> Mapping[str, str]:
    """An environment in which nothing answers."""
    (tmp_path / "bin").mkdir()
    return {
        "PATH": str(tmp_path / "bin"),
        "HOME": str(tmp_path),
        "DOCKER_HOST": f"unix://{tmp_path}/none.sock",
    }


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)


def program(bare: Mapping[str, str], name: str, script: str) -> None:
    from pathlib import Path

    path = Path(bare["PATH"]) / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_auto_without_an_engine_is_the_host_with_one_line_of_reasons(bare: Mapping[str, str]) -> None:
    pytest.importorskip("docker")
    notes: list[str] = []
    assert choose("auto", environ=bare, note=notes.append) is None
    assert len(notes) == 1
    assert "\n" not in notes[0]
    assert notes[0].startswith("no container engine answers (docker: does not answer at unix:///")
    assert "nothing listens there; podman: is not installed; finch: is not installed; nerdctl: " in notes[0]
    assert notes[0].endswith("nerdctl: is not installed): building on the host")


@pytest.mark.usefixtures("no_package")
def test_auto_says_that_only_the_package_is_missing(bare: Mapping[str, str]) -> None:
    program(bare, "docker", "exit 0")
    notes: list[str] = []
    assert choose("auto", environ=bare, note=notes.append) is None
    assert "docker: the docker package is not installed though there is a Docker" in notes[0]


@pytest.mark.usefixtures("no_package")
def test_a_named_engine_never_falls_back(bare: Mapping[str, str]) -> None:
    with pytest.raises(MissingExtraError, match=r"lambda-backend\[docker\]"):
        choose("docker", environ=bare, note=print)
    for name in ("podman", "finch", "nerdctl"):
        with pytest.raises(EngineUnavailableError, match=f"{name} is not installed"):
            choose(name, environ=bare, note=print)


def test_the_host_needs_no_engine(bare: Mapping[str, str]) -> None:
    notes: list[str] = []
    assert choose("host", environ=bare, note=notes.append) is None
    assert not notes


def test_an_engine_that_fails_says_why_without_secrets(bare: Mapping[str, str]) -> None:
    program(bare, "podman", "echo first >&2; echo cannot reach https://user:pass@example.com >&2; exit 125")
    with pytest.raises(EngineUnavailableError, match=r"cannot reach https://\*\*\*@example\.com"):
        choose("podman", environ=bare, note=print)


def answering(name: str) -> str:
    return f"case $1 in info) echo '{{}}' ;; --version) echo '{name} version 1.2.3' ;; esac"


def test_auto_takes_the_first_that_answers(bare: Mapping[str, str]) -> None:
    pytest.importorskip("docker")
    for name in ("nerdctl", "finch", "podman"):
        program(bare, name, answering(name))
        engine = choose("auto", environ=bare, note=print)
        assert engine is not None
        assert engine.name == name
        assert engine.version() == f"{name} 1.2.3"
    program(bare, "podman", "exit 1")
    engine = choose("auto", environ=bare, note=print)
    assert engine is not None
    assert engine.name == "finch"


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("finch", 'instance "finch" is stopped, run `finch vm start` to start the instance', "finch vm start"),
        ("finch", 'instance "finch" does not exist, run `finch vm init` to create a new instance', "finch vm init"),
        (
            "nerdctl",
            "FATA[0000] rootless containerd not running? (hint: …)",
            "containerd-rootless-setuptool.sh install",
        ),
        (
            "nerdctl",
            'FATA[0000] cannot access containerd socket "/run/c.sock": no such file',
            "systemctl start containerd",
        ),
        ("podman", "Cannot connect to Podman. Try `podman machine init` and `podman machine start`", "podman machine"),
        ("nerdctl", "something else", "see what `nerdctl info` says"),
    ],
)
def test_an_engine_that_is_not_up_says_how_to_start_it(
    bare: Mapping[str, str], tmp_path: Path, name: str, said: str, hint: str
) -> None:
    (tmp_path / "said").write_text(said)
    program(bare, name, f'read line <{tmp_path}/said; echo "$line" >&2; exit 1')
    with pytest.raises(EngineUnavailableError, match=f"{name} does not answer: ") as caught:
        choose(name, environ=bare, note=print)
    assert caught.value.hint is not None
    assert hint in caught.value.hint


def test_an_engine_of_another_machine_is_told_by_its_address(bare: Mapping[str, str]) -> None:
    program(bare, "podman", "echo 'Cannot connect to Podman. Try `podman machine init`' >&2; exit 125")
    with pytest.raises(EngineUnavailableError) as caught:
        choose("podman", environ={**bare, "CONTAINER_HOST": "ssh://me:secret@far/run/podman.sock"}, note=print)
    assert "does not answer at ssh://***@far/run/podman.sock (CONTAINER_HOST): Cannot" in caught.value.message
    assert caught.value.hint is not None
    assert "CONTAINER_HOST" in caught.value.hint


def test_an_engine_that_only_talks_does_not_answer(bare: Mapping[str, str]) -> None:
    program(bare, "nerdctl", "echo 'Rancher Desktop is not running. Please start Rancher Desktop to use nerdctl'")
    with pytest.raises(EngineUnavailableError, match="nerdctl does not answer: Rancher Desktop is not running"):
        choose("nerdctl", environ=bare, note=print)


def test_likely(bare: Mapping[str, str], tmp_path: Path) -> None:
    names = ("docker", "podman", "finch", "nerdctl", "host")
    assert [likely(name, bare) for name in names] == list(names)
    assert likely("auto", bare) == "docker"  # DOCKER_HOST names one
    (tmp_path / "config.json").write_text('{"currentContext": "gone"}')
    without = {**bare, "DOCKER_HOST": "", "DOCKER_CONFIG": str(tmp_path)}
    assert likely("auto", without) == "host"
    program(bare, "nerdctl", "exit 0")
    assert likely("auto", without) == "nerdctl"
    program(bare, "podman", "exit 0")
    assert likely("auto", without) == "podman"
