from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import clock
from benchmarks.clock import BenchmarkError
from benchmarks.model import Command
from benchmarks.profiles import spent_on
from benchmarks.scenarios import SCENARIOS
from benchmarks.suite import Suite
from tests.helpers.zippers import WORKLOAD, Zipper

if TYPE_CHECKING:
    from pathlib import Path

BY_KEY = {scenario.key: scenario for scenario in SCENARIOS}


def suite(root: Path, *, runs: int = 3) -> Suite:
    return Suite(root=root / "work", tools=root / "tools", runs=runs, memory=False, say=lambda _: None)


def test_contestants_alternate(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    found = list(suite(tmp_path).run(WORKLOAD, [BY_KEY["edit"]], [Zipper("a", notes), Zipper("b", notes)]))
    # Each once ahead, then side by side, in turn from the first and from the last.
    assert notes.read_text().split() == ["a", "b", "a", "b", "b", "a", "a", "b"]
    assert [(one.contestant, one.scenario, len(one.seconds)) for one in found] == [("a", "edit", 3), ("b", "edit", 3)]
    assert found[0].script == f"echo a >> {notes}\ncp made.zip $PLACE/out/one.zip"
    assert found[0].files == 3


def test_every_scenario_is_proven_in_its_state(tmp_path: Path) -> None:
    zipper = Zipper("a", tmp_path / "notes")
    found = list(suite(tmp_path, runs=2).run(WORKLOAD, SCENARIOS, [zipper]))
    assert [one.scenario for one in found] == [scenario.key for scenario in SCENARIOS]
    # A second run of the suite begins anew.
    assert len(list(suite(tmp_path, runs=2).run(WORKLOAD, SCENARIOS, [zipper]))) == len(SCENARIOS)


@pytest.mark.parametrize("scenario", ["edit", "bump"])
def test_who_does_nothing_is_caught(scenario: str, tmp_path: Path) -> None:
    lazy = Zipper("lazy", tmp_path / "notes", lazy=True)
    with pytest.raises(BenchmarkError, match=r"edited|lacks \['six==2'\]"):
        list(suite(tmp_path).run(WORKLOAD, [BY_KEY[scenario]], [lazy]))


def test_a_version_is_new_each_time(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="six has 4 versions, too few for 4 runs"):
        list(suite(tmp_path, runs=4).run(WORKLOAD, [BY_KEY["bump"]], [Zipper("a", tmp_path / "notes")]))


def test_a_failure_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    command = Command(script="echo went wrong >&2; false\necho unseen", cwd=tmp_path, env={})
    with pytest.raises(BenchmarkError, match=r"exit code 1(?s:.*)went wrong"):
        clock.timed(command, tmp_path / "log")


def test_time_is_that_of_all_processes(tmp_path: Path) -> None:
    spin = "python3 -c 'import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass'"
    found = clock.timed(Command(script=f"({spin})", cwd=tmp_path, env={}), tmp_path / "log")
    assert found.seconds >= 0.2
    assert found.processor >= 0.2


HOLD = """\
import pathlib, sys, time
held = b"x" * 60_000_000
pathlib.Path(sys.argv[1]).touch()
while len(list(pathlib.Path().glob("up-*"))) < int(sys.argv[2]):
    time.sleep(0.01)
time.sleep(1.5)
"""


def test_memory_is_that_of_all_processes(tmp_path: Path) -> None:
    (tmp_path / "hold.py").write_text(HOLD)
    script = "python3 hold.py up-1 2 & python3 hold.py up-2 2; wait"
    found = clock.memory(Command(script=script, cwd=tmp_path, env={}), tmp_path / "log")
    assert 120_000_000 <= found < 200_000_000


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (("~", 0, "<built-in method posix.unlink>"), "the file system"),
        (("~", 0, "<method 'acquire' of '_thread.lock' objects>"), "waiting for compressing threads"),
        (("~", 0, "<method 'read1' of '_io.BufferedReader' objects>"), "waiting for uv or an engine"),
        (("/lib/site-packages/setuptools/dist.py", 3, "run"), "setuptools"),
        (("/lib/site-packages/lambda_backend/planning.py", 3, "plan"), "lambda-backend's own code"),
        (("/lib/site-packages/lambda_backend/planning.py", 1, "<module>"), "imports"),
        (("/lib/python3.11/dataclasses.py", 3, "_create_fn"), "imports: dataclasses being made"),
        (("/lib/python3.11/re/_parser.py", 3, "get"), "imports: regular expressions being compiled"),
        (("/lib/python3.11/json/decoder.py", 3, "decode"), "the standard library and other packages"),
    ],
)
def test_what_time_is_spent_on(function: tuple[str, int, str], kind: str) -> None:
    assert spent_on(function) == kind
