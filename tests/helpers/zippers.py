"""Contestants that are quick, zips that hold what they are told to, and results."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.model import Bump, Command, Contestant, Function, Workload
from benchmarks.results import Result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.model import Place, State

WORKLOAD = Workload(
    key="T",
    title="tiny",
    functions=(Function(name="one", imports=("json",), pins=("idna==3", "six==1")),),
    bump=Bump(name="six", versions=("1", "2", "3", "4")),
)


def make_zip(path: Path, code: str, distributions: Sequence[str], module: str = "bench/app.py") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(module, code)
        for name in distributions:
            archive.writestr(f"{name.replace('==', '-')}.dist-info/METADATA", "")
    return path


@dataclass
class Zipper(Contestant):
    """Makes the zip that is asked for, and notes each build."""

    name: str
    notes: Path
    lazy: bool = False

    @property
    def key(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        return f"the zipper {self.name}"

    def why_not(self, workload: Workload) -> str | None:
        return None if len(workload.functions) == 1 else "one function is enough"

    def write(self, place: Place, workload: Workload, state: State) -> None:
        (function,) = workload.functions
        made = place.project / "made.zip"
        if not (self.lazy and made.exists()):
            make_zip(made, workload.code(function, state), workload.pins(function, state))

    def command(self, place: Place, workload: Workload) -> Command:
        del workload
        script = f"echo {self.name} >> {self.notes}\ncp made.zip {place.out}/one.zip"
        return Command(script=script, cwd=place.project, env={})

    def zips(self, place: Place, workload: Workload) -> Sequence[Path]:
        del workload
        return [place.out / "one.zip"]


def result(contestant: str, seconds: Sequence[float], *, scenario: str = "edit", size: int | None = 2**20) -> Result:
    return Result(
        workload="W1",
        scenario=scenario,
        contestant=contestant,
        title=f"what {contestant} is",
        script=f"run {contestant}",
        seconds=tuple(seconds),
        processor=tuple(seconds),
        size=size,
        unzipped=size and 3 * size,
        files=size and 1234,
    )
