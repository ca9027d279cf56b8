from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lambda_backend.inputs.observation import Observation, observing, tell, unobserved
from lambda_backend.inputs.seen import changed, seen
from lambda_backend.inputs.variables import AskedVariables

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    (project / "package/inner").mkdir(parents=True)
    (project / "package/module.py").write_text("x = 1\n", "utf-8")
    (project / "package/inner/data.txt").write_text("data\n", "utf-8")
    (project / "pyproject.toml").write_text("", "utf-8")
    (project / "dist").mkdir()
    return project


def observed(root: Path) -> Observation:
    return Observation(root, apart=[root / "stage"], outputs=[root / "out"])


def test_what_is_read_and_listed(root: Path) -> None:
    with observing(observed(root)) as observation:
        (root / "package/module.py").read_text("utf-8")
        list((root / "package/inner").iterdir())
    content = (root / "package/module.py").read_bytes()
    assert observation.complete
    assert {name: state.sha256 for name, state in observation.files.items()} == {
        "package/module.py": hashlib.sha256(content).hexdigest()
    }
    assert observation.folders == {"package": ["inner", "module.py"], "package/inner": ["data.txt"]}
    (root / "pyproject.toml").read_text("utf-8")
    assert "pyproject.toml" not in observation.files


def test_a_file_that_is_looked_for_in_vain(root: Path) -> None:
    with observing(observed(root)) as observation, pytest.raises(FileNotFoundError):
        (root / "setup.cfg").read_text("utf-8")
    record = seen(observation, root)
    assert list(changed(record, root, ())) == []
    (root / "setup.cfg").write_text("", "utf-8")
    assert [name for name, _ in changed(record, root, ())] == ["."]


def test_what_builds_write_is_no_input(root: Path) -> None:
    with observing(observed(root)) as observation:
        list(root.iterdir())
        (root / "stage").mkdir()
        (root / "stage/made").write_text("made", "utf-8")
        (root / "stage/made").read_text("utf-8")
        (root / "new.txt").write_text("new", "utf-8")
        (root / "new.txt").read_text("utf-8")
    assert observation.files == {}
    assert observation.written == ["new.txt"]
    (root / "new.txt").unlink()
    (root / "stage/made").unlink()
    (root / "stage").rmdir()
    (root / "out").mkdir()
    (root / "build").mkdir()
    (root / "tiny.egg-info").mkdir()
    assert list(changed(seen(observation, root), root, [root / "out"])) == []


@pytest.mark.parametrize("what", ["content", "mode", "gone", "sibling"])
def test_what_has_changed(what: str, root: Path) -> None:
    path = root / "package/module.py"
    with observing(observed(root)) as observation:
        path.read_text("utf-8")
    record = seen(observation, root)
    if what == "content":
        path.write_text("x = 2\n", "utf-8")
    elif what == "mode":
        path.chmod(0o755)
    elif what == "gone":
        path.unlink()
    else:
        (root / "package/other.py").touch()
    found = dict(changed(record, root, ()))
    assert (
        set(found)
        == {
            "content": {"package/module.py"},
            "mode": {"package/module.py"},
            "gone": {"package", "package/module.py"},
            "sibling": {"package"},
        }[what]
    )
    assert all(is_content is (what == "content") for is_content in found.values())


@pytest.mark.parametrize("name", ["build", "dist"])
def test_such_a_name_deeper_down_is_one_as_any_other(name: str, root: Path) -> None:
    with observing(observed(root)) as observation:
        list((root / "package").iterdir())
    (root / "package" / name).mkdir()
    assert [found for found, _ in changed(seen(observation, root), root, ())] == ["package"]


def test_what_lies_outside_is_of_one_place(root: Path) -> None:
    (root.parent / "shared.txt").write_text("shared", "utf-8")
    copy = shutil.copytree(root, root.parent / "elsewhere/project")
    with observing(observed(root)) as observation:
        (root / "package/module.py").read_text("utf-8")
    assert list(changed(seen(observation, root), copy, ())) == []
    with observing(observed(root)) as observation:
        (root.parent / "shared.txt").read_text("utf-8")
    assert list(changed(seen(observation, root), root, ())) == []
    assert [name for name, _ in changed(seen(observation, root), copy, ())] == ["."]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_what_is_no_file_is_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with observing(observed(root)) as observation:
        os.close(os.open(root / "pipe", os.O_RDONLY | os.O_NONBLOCK))
    assert observation.files == {}


def test_behind_a_process_nothing_is_seen(root: Path) -> None:
    with observing(observed(root)) as observation:
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        (root / "package/module.py").read_text("utf-8")
    assert not observation.complete
    assert observation.files == {}


def test_what_another_process_tells(root: Path) -> None:
    there = observed(root)
    with observing(there):
        (root / "package/module.py").read_text("utf-8")
        (root / "new.txt").write_text("new", "utf-8")
    (root / "stage").mkdir()
    (root / "stage/made").write_text("made", "utf-8")
    with observing(Observation(root, apart=(), outputs=())) as of_more:
        (root / "stage/made").read_text("utf-8")
    with observing(observed(root)) as observation:
        with unobserved():
            subprocess.run([sys.executable, "-c", "pass"], check=True)
        for told in (there.told, of_more.told):
            tell(json.loads(json.dumps(told)))
    assert observation.complete
    assert observation.files == there.files
    assert observation.folders == there.folders
    assert observation.written == ["new.txt"]


def test_another_process_that_has_not_seen_all(root: Path) -> None:
    with observing(observed(root)) as there:
        subprocess.run([sys.executable, "-c", "pass"], check=True)
    with observing(observed(root)) as observation:
        tell(there.told)
    assert not observation.complete


def test_variables_that_were_asked_for() -> None:
    variables = AskedVariables({"A": "1", "B": "2"})
    assert variables["A"] == "1"
    assert variables.get("C") is None
    assert "D" not in variables
    assert variables.names == {"A", "C", "D"}
    assert not variables.listed
    assert sorted(variables) == ["A", "B"]
    assert variables.listed
