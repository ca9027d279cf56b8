"""Where a function runs: which Python, this machine or an engine, and what is said where neither will do."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines import choice
from lambda_backend.install.interpreter import find_interpreter
from lambda_backend.running import host
from lambda_backend.running import open as opening
from lambda_backend.running.model import RunningError
from lambda_backend.targets import target

if TYPE_CHECKING:
    from tests.unit.running.conftest import Runner

HERE = "{}.{}".format(*sys.version_info)
OTHER = "3.10" if HERE != "3.10" else "3.11"
ARM = target("python3.13", "arm64")
X86 = target("python3.13", "x86_64")


def script(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(0o755)
    return path


def test_this_process_s_own_python_is_taken_first() -> None:
    assert find_interpreter(HERE, {"PATH": ""}) == Path(sys.executable)


def test_what_is_on_path_has_to_work_and_to_be_of_that_version(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path), "UV_PYTHON_INSTALL_DIR": str(tmp_path / "none")}
    assert find_interpreter(OTHER, environ) is None
    script(tmp_path / "bin", f"python{OTHER}", "echo pyenv: not chosen >&2; exit 127")
    assert find_interpreter(OTHER, environ) is None
    script(tmp_path / "bin", f"python{OTHER}", f'exec "{sys.executable}" "$@"')
    assert find_interpreter(OTHER, environ) is None, "it is another version than its name says"


def test_a_script_that_stands_for_an_interpreter_is_not_what_is_taken(tmp_path: Path) -> None:
    """pyenv's look on PATH again, which a function's environment does not have."""
    real = tmp_path / "real" / f"python{OTHER}"
    script(tmp_path / "real", real.name, f'echo "cpython {OTHER}"; echo "{real}"; echo "{OTHER}.1 00ff"')
    script(tmp_path / "shims", real.name, f'exec "{real}" "$@"')
    assert find_interpreter(OTHER, {"PATH": str(tmp_path / "shims"), "HOME": str(tmp_path)}) == real


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere everything is an obstacle")
def test_obstacles(monkeypatch: pytest.MonkeyPatch) -> None:
    python = Path(sys.executable)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert host.obstacle(X86, python, compiled=True) is None
    assert host.obstacle(ARM, python, compiled=False) is None
    of_machine = host.obstacle(ARM, python, compiled=True)
    assert of_machine is not None
    assert of_machine.words == "it has compiled code for arm64, and this machine is x86_64"
    of_python = host.obstacle(X86, None, compiled=False)
    assert of_python is not None
    assert "no Python 3.13" in of_python.words
    assert "uv python install 3.13" in of_python.hint
    monkeypatch.setattr(sys, "platform", "darwin")
    of_system = host.obstacle(X86, python, compiled=False)
    assert of_system is not None
    assert "Linux" in of_system.words


@pytest.mark.parametrize(
    ("library", "words"),
    [
        (("glibc", "2.34"), None),
        (("glibc", "2.41"), None),
        (("glibc", "2.28"), "this machine has glibc 2.28"),
        (("", ""), "this machine has another C library"),
    ],
)
def test_doubts(monkeypatch: pytest.MonkeyPatch, library: tuple[str, str], words: str | None) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: library)
    assert host.doubt(X86, compiled=False) is None
    found = host.doubt(X86, compiled=True)
    assert (found is None) == (words is None)
    assert found is None or words is None or words in found.words


@pytest.mark.parametrize("engine", ["auto", "host"])
def test_where_nothing_will_do_that_is_said_with_the_next_step(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setattr(opening, "find_interpreter", lambda *_: None)

    def none_answers(name: str, *, environ: object, note: object) -> None:
        del environ
        if name == "auto":
            assert callable(note)
            note("no container engine answers (docker: none): building on the host")

    monkeypatch.setattr(choice, "choose", none_answers)
    with pytest.raises(RunningError) as raised, runner.stage({"app.py": ""}, engine=engine):
        pass
    assert raised.value.message.startswith(
        f"function.zip cannot run on this machine: there is no Python {HERE} on PATH, and uv finds none"
    )
    assert raised.value.message.endswith("; no container engine answers (docker: none)") == (engine == "auto")
    assert f"uv python install {HERE}" in str(raised.value.hint)


def test_extensions_are_not_started_and_that_is_said(runner: Runner) -> None:
    said: list[str] = []
    object.__setattr__(runner.surroundings, "say", said.append)
    with runner.stage({"app.py": ""}, layers=[{"extensions/agent": "#!/bin/sh\n"}]):
        pass
    assert said == ["the layers' extensions are not started: agent"]


def test_nothing_is_left_and_nobody_else_reads_it(runner: Runner) -> None:
    temporary = runner.surroundings.cache.root / "v1/tmp"
    with runner.stage({"app.py": ""}):
        (root,) = (path for path in temporary.iterdir() if path.is_dir())
        assert root.stat().st_mode & 0o077 == 0, "the function's variables may be secrets"
    assert list(temporary.iterdir()) == []
    assert [path.name for path in runner.folder.iterdir()] == ["function.zip"]
