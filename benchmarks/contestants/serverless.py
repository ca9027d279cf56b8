"""serverless-python-requirements with pip, in osls, the free fork of the Serverless Framework."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.contestants import layout
from benchmarks.contestants.warm import warm_pip
from benchmarks.model import Command, Contestant, empty
from benchmarks.tools import interpreter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.model import Place, State, Workload
    from benchmarks.tools import Tools

__all__ = ["Serverless"]


@dataclass(frozen=True, kw_only=True)
class Serverless(Contestant):
    """``osls package``, which zips by itself."""

    tools: Tools
    key = "serverless"
    title = "serverless-python-requirements with pip, in osls"

    def why_not(self, workload: Workload) -> str | None:
        """It is not installed."""
        del workload
        if not (self.tools.node_modules / "serverless-python-requirements").exists():
            return "not installed (set-up --npm)"
        return None if shutil.which("node") else "no node on PATH"

    def write(self, place: Place, workload: Workload, state: State) -> None:
        """Its configuration, and folders with code and lock."""
        named = {}
        for function in workload.functions:
            folder = f"functions/{function.name}"
            named[function.name] = {"handler": f"{layout.handler(workload)}.handler", "module": folder}
            layout.write(place.project / folder, layout.function(workload, function, state))
        requirements = {
            "pythonBin": str(interpreter(workload.python)),
            "cacheLocation": str(place.builds / "cache"),
            "useStaticCache": True,
            "useDownloadCache": False,  # pip's own is as good, and stays when builds are forgotten
            "pipCmdExtraArgs": ["--no-compile", "--no-deps"],
            "dockerizePip": False,
        }
        configuration = {
            "service": "bench",
            "provider": {"name": "aws", "runtime": f"python{workload.python}", "stage": "dev", "region": "us-east-1"},
            "plugins": {"localPath": str(self.tools.node_modules), "modules": ["serverless-python-requirements"]},
            "custom": {"pythonRequirements": requirements},
            "package": {"individually": True},
            "functions": named,
        }
        layout.write(place.project, {"serverless.json": json.dumps(configuration, indent=1)})

    def command(self, place: Place, workload: Workload) -> Command:
        """All functions."""
        del workload
        env = {
            "PIP_CACHE_DIR": str(place.packages / "pip"),
            "SLS_TELEMETRY_DISABLED": "1",
            "SLS_NOTIFICATIONS_MODE": "off",
            "AWS_ACCESS_KEY_ID": "none",  # it looks for some, and uses none
            "AWS_SECRET_ACCESS_KEY": "none",
        }
        script = f"{self.tools.node_modules}/.bin/osls package"
        return Command(script=script, cwd=place.project, env=env)

    def warm(self, place: Place, workload: Workload, requirements: Sequence[str]) -> Command:
        """By pip."""
        return warm_pip(place.packages / "pip", place, workload, requirements)

    def forget_build(self, place: Place) -> None:
        """Its caches, and what it leaves in the project."""
        super().forget_build(place)
        empty(place.project / ".serverless")

    def zips(self, place: Place, workload: Workload) -> Sequence[Path]:
        """One a function."""
        names = [function.name for function in workload.functions]
        return [place.project / f".serverless/functions/{name}-bench-dev-{name}.zip" for name in names]
