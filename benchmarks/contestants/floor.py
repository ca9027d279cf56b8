"""No contestants, but what nobody can do without: starting Python, and installing."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.contestants import layout
from benchmarks.contestants.scripted import INSTALLERS
from benchmarks.model import Command, Contestant
from benchmarks.tools import interpreter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.model import Place, State, Workload
    from benchmarks.tools import Tools

__all__ = ["FLOORS", "Floor"]

FLOORS = {
    "start": ("starting Python, and no more", "{python} -c pass"),
    "install": ("uv's installation, and no zip", "rm -rf {target}\n{install}"),
}


@dataclass(frozen=True, kw_only=True)
class Floor(Contestant):
    """One of them, for workloads of one function."""

    tools: Tools
    what: str
    """A key of ``FLOORS``."""

    @property
    def key(self) -> str:
        """``floor-start``."""
        return f"floor-{self.what}"

    @property
    def title(self) -> str:
        """What it is."""
        return FLOORS[self.what][0]

    def why_not(self, workload: Workload) -> str | None:
        """Several functions have a floor each."""
        return None if len(workload.functions) == 1 else "for one function"

    def write(self, place: Place, workload: Workload, state: State) -> None:
        """The lock, and code that nobody reads."""
        layout.write(place.project, layout.functions(workload, state))

    def command(self, place: Place, workload: Workload) -> Command:
        """What is timed."""
        target = shlex.quote(str(place.builds / "tree"))
        install = INSTALLERS["uv"].format(
            uv=shlex.quote(str(self.tools.uv)),
            python=shlex.quote(str(interpreter(workload.python))),
            target=target,
            requirements="requirements.txt",
        )
        script = FLOORS[self.what][1].format(python=self.tools.python, target=target, install=install)
        return Command(script=script, cwd=place.project, env={"UV_CACHE_DIR": str(place.packages / "uv")})

    def zips(self, place: Place, workload: Workload) -> Sequence[Path]:
        """None."""
        del place, workload
        return []
