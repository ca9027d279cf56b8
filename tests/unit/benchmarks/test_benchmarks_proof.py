"""Nobody wins by doing less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.clock import BenchmarkError
from benchmarks.model import State
from benchmarks.proof import prove
from tests.helpers.zippers import WORKLOAD, make_zip

if TYPE_CHECKING:
    from pathlib import Path

(FUNCTION,) = WORKLOAD.functions
NOW = State(edit=2, version=1)
CODE = WORKLOAD.code(FUNCTION, NOW)
PINS = ("idna==3", "six==2")


def test_a_good_zip(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "one.zip", CODE, [*PINS, "bench==1.0.0"])
    found = prove([path], WORKLOAD, NOW, runs=True)
    assert found.distributions == (PINS,)
    assert found.files == 4
    assert found.size == path.stat().st_size
    assert found.unzipped == len(CODE)


@pytest.mark.parametrize(
    ("code", "distributions", "words"),
    [
        (CODE, ["idna==3"], r"lacks \['six==2'\]"),
        (CODE, ["idna==3", "six==1"], r"lacks \['six==2'\] of the lock, and holds \['six==1'\]"),
        (CODE, [*PINS, "extra==1"], r"holds \['extra==1'\] beside it"),
        (WORKLOAD.code(FUNCTION, State(edit=1)), PINS, "is not as it was edited"),
    ],
)
def test_less_or_other_is_told(code: str, distributions: list[str], words: str, tmp_path: Path) -> None:
    path = make_zip(tmp_path / "one.zip", code, distributions)
    with pytest.raises(BenchmarkError, match=words):
        prove([path], WORKLOAD, NOW, runs=False)


def test_a_zip_that_was_not_made(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="was not made"):
        prove([tmp_path / "one.zip"], WORKLOAD, NOW, runs=False)


def test_an_import_that_fails(tmp_path: Path) -> None:
    function = type(FUNCTION)(name="one", imports=("no_such_module",), pins=())
    workload = type(WORKLOAD)(key="T", title="", functions=(function,), bump=WORKLOAD.bump)
    path = make_zip(tmp_path / "one.zip", workload.code(function, NOW), [])
    with pytest.raises(BenchmarkError, match="No module named 'no_such_module'"):
        prove([path], workload, NOW, runs=True)


def test_packages_of_this_interpreter_do_not_count(tmp_path: Path) -> None:
    function = type(FUNCTION)(name="one", imports=("pytest",), pins=())
    workload = type(WORKLOAD)(key="T", title="", functions=(function,), bump=WORKLOAD.bump)
    path = make_zip(tmp_path / "one.zip", workload.code(function, NOW), [])
    with pytest.raises(BenchmarkError, match="No module named 'pytest'"):
        prove([path], workload, NOW, runs=True)
