"""Fills package caches before anything is timed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from benchmarks.model import Command
from benchmarks.tools import interpreter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.model import Place, Workload
    from benchmarks.tools import Tools

__all__ = ["warm_pip", "warm_uv"]


def warm_uv(
    tools: Tools, caches: Sequence[Path], place: Place, workload: Workload, requirements: Sequence[str]
) -> Command:
    """Install packages one by one into a folder that is thrown away, for each of uv's caches."""
    target = shlex.quote(str(place.root / "thrown-away"))
    uv = f"{shlex.quote(str(tools.uv))} pip install -q --no-deps --python {interpreter(workload.python)}"
    lines = [
        f"UV_CACHE_DIR={shlex.quote(str(cache))} {uv} --target {target} {requirement}\nrm -rf {target}"
        for cache in caches
        for requirement in requirements
    ]
    return Command(script="\n".join(lines), cwd=place.project, env={})


def warm_pip(cache: Path, place: Place, workload: Workload, requirements: Sequence[str]) -> Command:
    """Download packages one by one into a folder that is thrown away."""
    target = shlex.quote(str(place.root / "thrown-away"))
    pip = f"{interpreter(workload.python)} -m pip download -q --disable-pip-version-check --no-deps"
    lines = [f"{pip} --dest {target} {requirement}\nrm -rf {target}" for requirement in requirements]
    return Command(script="\n".join(lines), cwd=place.project, env={"PIP_CACHE_DIR": str(cache)})
