"""What a person writes by hand: an installer with ``--target``, and ``zip``."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.contestants import layout
from benchmarks.contestants.warm import warm_pip, warm_uv
from benchmarks.model import PROJECT, Command, Contestant
from benchmarks.tools import interpreter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.model import Place, State, Workload
    from benchmarks.tools import Tools

__all__ = ["INSTALLERS", "Scripted"]

INSTALLERS = {
    # As uv's guide to AWS Lambda has it; the platform is Amazon Linux 2023's.
    "uv": "{uv} pip install -q --no-installer-metadata --no-compile-bytecode --python-platform x86_64-manylinux_2_34"
    " --python {python} --target {target} -r {requirements}",
    # As AWS has it in the Developer Guide; without byte code, which would never be used, and without resolving.
    "pip": "{python} -m pip install -q --disable-pip-version-check --no-compile --no-deps"
    " --target {target} -r {requirements}",
}


@dataclass(frozen=True, kw_only=True)
class Scripted(Contestant):
    """An installer and ``zip``.

    Args:
        tools: has uv.
        installer: a key of ``INSTALLERS``.
        keeps: the target folder and the zips stay, and are brought up to date (``zip --filesync``).
    """

    tools: Tools
    installer: str
    keeps: bool = False

    @property
    def key(self) -> str:
        """``uv-zip``."""
        return f"{self.installer}-zip{'-filesync' if self.keeps else ''}"

    @property
    def title(self) -> str:
        """The programs."""
        return f"{self.installer} and zip{', brought up to date' if self.keeps else ''}"

    def why_not(self, workload: Workload) -> str | None:
        """``zip`` is needed."""
        del workload
        return None if shutil.which("zip") else "no zip on PATH"

    def write(self, place: Place, workload: Workload, state: State) -> None:
        """Folders with code and lock."""
        layout.write(place.project, layout.functions(workload, state))

    def command(self, place: Place, workload: Workload) -> Command:
        """The script, function by function."""
        lines = [self._function(place, workload, index) for index in range(len(workload.functions))]
        env = {"UV_CACHE_DIR": str(place.packages / "uv"), "PIP_CACHE_DIR": str(place.packages / "pip")}
        return Command(script="\n".join(lines), cwd=place.project, env=env)

    def _function(self, place: Place, workload: Workload, index: int) -> str:
        function = workload.functions[index]
        folder = layout.folder_of(workload, function) or "./"
        install = INSTALLERS[self.installer].format(
            uv=shlex.quote(str(self.tools.uv)),
            python=shlex.quote(str(interpreter(workload.python))),
            target=(target := shlex.quote(str(place.builds / function.name))),
            requirements=f"{folder}requirements.txt",
        )
        made = shlex.quote(str(self.zips(place, workload)[index]))
        code = PROJECT if len(workload.functions) == 1 else "index.py"
        if self.keeps:
            copied = f"cp -r {folder}{code} {target}"
            return f"{install}\n{copied}\n(cd {target} && zip -q --filesync -r {made} .)"
        zipped = f"(cd {target} && zip -qr {made} .)\n(cd {folder} && zip -qr {made} {code})"
        return f"rm -rf {target} {made}\n{install}\n{zipped}"

    def warm(self, place: Place, workload: Workload, requirements: Sequence[str]) -> Command:
        """By the installer."""
        if self.installer == "uv":
            return warm_uv(self.tools, [place.packages / "uv"], place, workload, requirements)
        return warm_pip(place.packages / "pip", place, workload, requirements)

    def zips(self, place: Place, workload: Workload) -> Sequence[Path]:
        """One a function."""
        return [place.out / f"{function.name}.zip" for function in workload.functions]
