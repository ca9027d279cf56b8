"""AWS SAM CLI: ``sam build`` with pip or uv, and ``zip``, since ``sam package`` wants a bucket."""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.contestants import layout
from benchmarks.contestants.warm import warm_pip, warm_uv
from benchmarks.model import Command, Contestant, empty
from benchmarks.tools import interpreter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.model import Function, Place, State, Workload
    from benchmarks.tools import Tools

__all__ = ["Sam"]

_FUNCTION = """\
  {name}:
    Type: AWS::Serverless::Function
{metadata}    Properties:
      CodeUri: {folder}
      Handler: {handler}.handler
      Runtime: python{python}
"""
_METADATA = """\
    Metadata:
      BuildMethod: python-uv
"""


@dataclass(frozen=True, kw_only=True)
class Sam(Contestant):
    """SAM CLI on the host."""

    tools: Tools
    installer: str
    """``pip`` or ``uv``."""

    @property
    def key(self) -> str:
        """``sam-uv``."""
        return f"sam-{self.installer}"

    @property
    def title(self) -> str:
        """How it installs."""
        return f"SAM CLI with {self.installer}, and zip"

    def why_not(self, workload: Workload) -> str | None:
        """It is not installed."""
        del workload
        if not (self.tools.venv("aws-sam-cli") / "sam").exists():
            return "not installed (set-up --peers)"
        return None if shutil.which("zip") else "no zip on PATH"

    def write(self, place: Place, workload: Workload, state: State) -> None:
        """A template, and folders with code and lock; one function has a folder too, which is all that is copied."""
        text = "Transform: AWS::Serverless-2016-10-31\nResources:\n"
        for function in workload.functions:
            folder = f"functions/{function.name}"
            text += _FUNCTION.format(
                name=_logical(function),
                metadata=_METADATA if self.installer == "uv" else "",
                folder=folder,
                handler=layout.handler(workload),
                python=workload.python,
            )
            layout.write(place.project / folder, layout.function(workload, function, state))
        layout.write(place.project, {"template.yaml": text})

    def command(self, place: Place, workload: Workload) -> Command:
        """All functions at once (``--parallel``), from its cache (``--cached``)."""
        build = f"{shlex.quote(str(self.tools.venv('aws-sam-cli') / 'sam'))} build --cached --parallel"
        build += " --beta-features" if self.installer == "uv" else ""
        build += f" --build-dir {place.builds}/build --cache-dir {place.builds}/cache"
        lines = [build]
        for function, made in zip(workload.functions, self.zips(place, workload), strict=True):
            lines.append(f"rm -f {made}\n(cd {place.builds}/build/{_logical(function)} && zip -qr {made} .)")
        path = [interpreter(workload.python).parent, self.tools.uv.parent, os.environ["PATH"]]
        env = {
            "PATH": os.pathsep.join(map(str, path)),
            "SAM_CLI_TELEMETRY": "0",
            "PIP_CACHE_DIR": str(place.packages / "pip"),
            "UV_CACHE_DIR": str(place.packages / "uv"),
        }
        return Command(script="\n".join(lines), cwd=place.project, env=env)

    def warm(self, place: Place, workload: Workload, requirements: Sequence[str]) -> Command:
        """By the installer."""
        if self.installer == "uv":
            return warm_uv(self.tools, [place.packages / "uv"], place, workload, requirements)
        return warm_pip(place.packages / "pip", place, workload, requirements)

    def forget_build(self, place: Place) -> None:
        """Its build folder, its cache, and the record of both that it keeps in the project."""
        super().forget_build(place)
        empty(place.project / ".aws-sam")

    def zips(self, place: Place, workload: Workload) -> Sequence[Path]:
        """One a function."""
        return [place.out / f"{function.name}.zip" for function in workload.functions]


def _logical(function: Function) -> str:
    """CloudFormation allows letters and digits."""
    return function.name.title().replace("-", "")
