"""pex: a flat zip, as Pants makes for AWS Lambda, and ``zip`` for the code."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.contestants import layout
from benchmarks.contestants.warm import warm_pip
from benchmarks.model import PROJECT, Command, Contestant
from benchmarks.tools import interpreter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.model import Place, State, Workload
    from benchmarks.tools import Tools

__all__ = ["Pex"]

PIP = "26.2.1"
"""The one that pex carries is too old for Python 3.13."""


@dataclass(frozen=True, kw_only=True)
class Pex(Contestant):
    """pex."""

    tools: Tools
    key = "pex"
    title = "pex, layout flat-zipped, and zip for the code"

    def why_not(self, workload: Workload) -> str | None:
        """It is not installed."""
        del workload
        if not (self.tools.venv("pex") / "pex3").exists():
            return "not installed (set-up --peers)"
        return None if shutil.which("zip") else "no zip on PATH"

    def write(self, place: Place, workload: Workload, state: State) -> None:
        """Folders with code and lock."""
        layout.write(place.project, layout.functions(workload, state))

    def command(self, place: Place, workload: Workload) -> Command:
        """Function by function; the interpreter is the runtime's, so that it resolves for no other platform."""
        lines = [self._function(place, workload, index) for index in range(len(workload.functions))]
        env = {"PEX_ROOT": str(place.packages / "pex"), "PIP_CACHE_DIR": str(place.packages / "pip")}
        return Command(script="\n".join(lines), cwd=place.project, env=env)

    def _function(self, place: Place, workload: Workload, index: int) -> str:
        function = workload.functions[index]
        folder = layout.folder_of(workload, function) or "./"
        made = self.zips(place, workload)[index]
        flat = made.with_suffix("")
        pex = f"{shlex.quote(str(self.tools.venv('pex') / 'pex3'))} venv create --layout flat-zipped --force"
        pex += f" --intransitive --use-pip-config --pip-version {PIP} --python {interpreter(workload.python)}"
        code = PROJECT if len(workload.functions) == 1 else "index.py"
        return (
            f"rm -rf {flat} {made}\n{pex} -r {folder}requirements.txt -d {flat}\n(cd {folder} && zip -qr {made} {code})"
        )

    def warm(self, place: Place, workload: Workload, requirements: Sequence[str]) -> Command:
        """By pip, which it downloads with."""
        return warm_pip(place.packages / "pip", place, workload, requirements)

    def zips(self, place: Place, workload: Workload) -> Sequence[Path]:
        """One a function."""
        return [place.out / f"{function.name}.zip" for function in workload.functions]
