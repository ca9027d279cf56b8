"""The benchmarks run, and prove what they time: one round of the smallest workload."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from benchmarks import results as kept
from benchmarks.__main__ import main
from tests.helpers.interpreters import require_interpreter, unavailable

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.network


def test_a_round(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require_interpreter("3.13")
    if shutil.which("zip") is None:
        unavailable("no zip")
    folder = ["--folder", str(tmp_path / "benchmarks")]
    asked = ["--workloads", "W1", "--scenarios", "edit", "--contestants", "hooks,uv-zip", "--runs", "1"]
    assert main([*folder, "run", *asked, "--out", str(tmp_path / "results")]) == 1
    assert "set-up comes first" in capsys.readouterr().err
    assert main([*folder, "set-up"]) == 0
    assert main([*folder, "run", *asked, "--no-memory", "--out", str(tmp_path / "results")]) == 0
    ours, theirs = kept.read(tmp_path / "results.json").results
    assert (ours.contestant, theirs.contestant) == ("hooks", "uv-zip")
    # libdeflate's level 6 is no worse than zlib's.
    assert ours.size is not None
    assert theirs.size is not None
    assert ours.size <= 1.01 * theirs.size
    assert "## W1 (requests): code edited" in (tmp_path / "results.md").read_text("utf-8")
    assert (tmp_path / "results.svg").read_text("utf-8").startswith("<svg")
    assert str(tmp_path) not in (tmp_path / "results.json").read_text("utf-8")
