from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.contestants import contestants
from benchmarks.curve import filler
from benchmarks.model import Place, State
from benchmarks.tools import Tools
from benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.model import Workload


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.key)
def test_every_lock_is_pinned_and_has_what_is_bumped(workload: Workload) -> None:
    for function in workload.functions:
        requirements = [Requirement(pin) for pin in function.pins]
        assert all(str(one.specifier).startswith("==") for one in requirements)
        assert [one.name for one in requirements] == [canonicalize_name(one.name) for one in requirements]
        assert len({one.name for one in requirements}) == len(requirements)
    bump = workload.bump
    assert any(f"{bump.name}=={bump.versions[0]}" in function.pins for function in workload.functions)
    assert len(set(bump.versions)) == len(bump.versions) > 6
    assert len({function.name for function in workload.functions}) == len(workload.functions)


def test_an_edit_is_one_function_and_a_bump_is_everywhere() -> None:
    workload = next(one for one in WORKLOADS if one.key == "W6")
    before, after = State(), State(edit=1, version=1)
    edited = [one for one in workload.functions if workload.code(one, before) != workload.code(one, after)]
    bumped = [one for one in workload.functions if workload.pins(one, before) != workload.pins(one, after)]
    assert len(edited) == 1
    assert len(bumped) == 40


@pytest.mark.parametrize("key", ["W1", "W4", "W5"])
def test_every_project_has_all_functions(key: str, tmp_path: Path) -> None:
    """What is written is what is built: each lock and each module, whoever builds it."""
    (workload,) = (one for one in WORKLOADS if one.key == key)
    everybody = contestants(Tools(root=tmp_path / "tools"))
    assert len({one.key for one in everybody}) == len(everybody)
    for number, contestant in enumerate(everybody):
        place = Place(root=tmp_path / str(number))
        if len(workload.functions) > 1 and not contestant.zips(place, workload):
            continue  # a wheel alone, and floors, are for one function
        contestant.write(place, workload, State(edit=3))
        (first, *_) = workload.functions
        written = {path.read_text() for path in place.project.rglob("*") if path.is_file()}
        assert workload.code(first, State(edit=3)) in written
        locks = [path.read_text() for path in place.project.rglob("requirements.txt")]
        assert len(locks) == len(workload.functions)
        assert "".join(f"{line}\n" for line in (*workload.options, *first.pins)) in locks


def test_a_filler_is_a_wheel_that_compresses_as_libraries_do(tmp_path: Path) -> None:
    path = filler(tmp_path, "filler-x", size=1_000_000, files=50)
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    assert len(entries) == 50 + 3
    unzipped, zipped = sum(one.file_size for one in entries), sum(one.compress_size for one in entries)
    assert 900_000 < unzipped < 1_050_000
    assert 2 < unzipped / zipped < 4
    again = filler(tmp_path / "again", "filler-x", size=1_000_000, files=50)
    with zipfile.ZipFile(again) as archive:
        assert [one.CRC for one in archive.infolist()] == [one.CRC for one in entries]
