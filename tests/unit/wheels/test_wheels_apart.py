from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from lambda_backend.inputs.observation import Observation, observing
from lambda_backend.wheel_backend import WheelBackend
from lambda_backend.wheels.apart import Apart

if TYPE_CHECKING:
    from pathlib import Path

BACKEND = """
import pathlib, sys, time

def build_wheel(folder, config_settings, metadata_directory):
    text = pathlib.Path("source.txt").read_text("utf-8")
    print("made of", text)
    print("told", config_settings, metadata_directory, file=sys.stderr)
    pathlib.Path(folder, "x-1-py3-none-any.whl").write_text(text, "utf-8")
    {then}
    return "x-1-py3-none-any.whl"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "source.txt").write_text("something", "utf-8")
    return root


def apart(root: Path, monkeypatch: pytest.MonkeyPatch, *, then: str = "") -> Apart:
    stage = root.parent / "stage"
    (stage / "wheel").mkdir(parents=True)
    modules = root.parent / "modules"
    modules.mkdir()
    (modules / "a_backend.py").write_text(BACKEND.format(then=then), "utf-8")
    monkeypatch.syspath_prepend(modules)
    return Apart(WheelBackend("a_backend"), root=root, folder=stage / "wheel", stage=stage, outputs=())


def test_a_wheel_and_what_was_read_for_it(
    root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with observing(Observation(root, apart=[root.parent / "stage"], outputs=())) as everybody:
        making = apart(root, monkeypatch)
        found = making.result()
    assert found is not None
    path, observation = found
    assert path.read_text("utf-8") == "something"
    assert making.has_ended
    for one in (observation, everybody):
        assert one.complete
        assert "source.txt" in one.files
        assert one.folders["."] == ["source.txt"]
    output, log = capfd.readouterr()
    assert output == "made of something\n"
    assert log == "told {} None\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_what_it_prints_is_shown_in_any_encoding(root: Path, encoding: str) -> None:
    """By a process of its own, whose streams have that encoding."""
    (root / "source.txt").write_text("é \u2192", "utf-8")
    for name in ("stage/wheel", "modules"):
        (root.parent / name).mkdir(parents=True)
    (root.parent / "modules/a_backend.py").write_text(BACKEND.format(then=""), "utf-8")
    script = f"""
import pathlib, sys
sys.path.insert(0, {str(root.parent / "modules")!r})
sys.path.insert(0, pathlib.Path("odd"))
from lambda_backend.wheel_backend import WheelBackend
from lambda_backend.wheels.apart import Apart
root, stage = pathlib.Path({str(root)!r}), pathlib.Path({str(root.parent / "stage")!r})
found = Apart(WheelBackend("a_backend"), root=root, folder=stage / "wheel", stage=stage, outputs=()).result()
print(found is not None)
"""
    environ = {**os.environ, "PYTHONIOENCODING": f"{encoding}:backslashreplace"}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, check=True)
    expected = "made of é \u2192\n".encode(encoding, "backslashreplace")
    assert done.stdout.splitlines() == [*expected.splitlines(), b"True"]


@pytest.mark.parametrize("then", ["raise ValueError('no')", "sys.exit('no')", "sys.exit(0)", "import os; os._exit(0)"])
def test_nothing_is_said_of_a_failure(
    root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], then: str
) -> None:
    with observing(Observation(root, apart=[], outputs=())) as everybody:
        assert apart(root, monkeypatch, then=then).result() is None
    assert everybody.files == {}
    assert capfd.readouterr() == ("", "")


def test_it_can_be_ended(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    making = apart(root, monkeypatch, then="time.sleep(60)")
    assert not making.has_ended
    started = time.monotonic()
    making.close()
    assert making.has_ended
    assert time.monotonic() - started < 30
    making.close()


def test_no_process_can_be_started(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(root / "none"))
    with pytest.raises(OSError, match="none"):
        apart(root, monkeypatch)
