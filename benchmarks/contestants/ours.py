"""lambda-backend: its hooks alone, through frontends, and by its own command; and setuptools alone beside them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from benchmarks.contestants import layout
from benchmarks.contestants.warm import warm_uv
from benchmarks.model import PROJECT, Command, Contestant, empty

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.model import Place, State, Workload
    from benchmarks.tools import Tools

__all__ = ["SCRIPTS", "Ours", "Setuptools"]

SCRIPTS = {
    "hooks": ("the hook build_wheel alone", "{python} {in_process} build_wheel {control}"),
    "build-n": ("python -m build -n --wheel", "{python} -m build -n --wheel -o {out} ."),
    "build-pip": ("python -m build, isolated by pip", "{python} -m build --installer pip -o {out} ."),
    "build-uv": ("python -m build, isolated by uv", "{python} -m build --installer uv -o {out} ."),
    "cli": ("lambda-backend build", "{bin}/lambda-backend build -o {out}"),
}
"""How a build is started: in words, and as a script."""

_PYPROJECT = """\
[build-system]
requires = ["{requires}"]
build-backend = "{backend}"

[project]
name = "{name}"
version = "1.0.0"
requires-python = ">=3.10"

[tool.setuptools]
{packages}
"""


@dataclass(frozen=True, kw_only=True)
class _Built(Contestant):
    """Whatever builds by a frontend."""

    tools: Tools
    start: str
    """A key of ``SCRIPTS``."""
    backend: ClassVar[str]
    """The build backend, as pyproject.toml names it."""

    def command(self, place: Place, workload: Workload) -> Command:
        """What is timed."""
        del workload
        control = place.root / "control"
        control.mkdir(exist_ok=True)
        arguments = {"wheel_directory": str(place.out), "config_settings": None, "metadata_directory": None}
        (control / "input.json").write_text(json.dumps({"kwargs": arguments}), "utf-8")
        words = {
            "python": self.tools.python,
            "bin": self.tools.venv("ours"),
            "in_process": next(
                self.tools.root.glob("ours/lib/*/site-packages/pyproject_hooks/_in_process/_in_process.py")
            ),
            "control": control,
            "out": place.out,
        }
        script = SCRIPTS[self.start][1].format(**{name: shlex.quote(str(word)) for name, word in words.items()})
        return Command(script=script, cwd=place.project, env=self.environment(place))

    def environment(self, place: Place) -> dict[str, str]:
        """Caches of its own, and a place for isolated environments to find our wheel."""
        links = str(self.tools.wheelhouse)
        return {
            "_PYPROJECT_HOOKS_BUILD_BACKEND": self.backend,
            "LAMBDA_BACKEND_CACHE_DIR": str(place.builds),
            "PIP_CACHE_DIR": str(place.packages / "pip"),
            "PIP_FIND_LINKS": " ".join(filter(None, (links, os.environ.get("PIP_FIND_LINKS")))),
            "UV_CACHE_DIR": str(place.packages / "uv"),
            "UV_FIND_LINKS": ",".join(filter(None, (links, os.environ.get("UV_FIND_LINKS")))),
        }


@dataclass(frozen=True, kw_only=True)
class Ours(_Built):
    """lambda-backend."""

    engine: str = "host"
    backend = "lambda_backend"

    @property
    def key(self) -> str:
        """``hooks`` or ``hooks-docker``."""
        return self.start if self.engine == "host" else f"{self.start}-{self.engine}"

    @property
    def title(self) -> str:
        """How it is started, and where it installs."""
        return (
            f"lambda-backend: {SCRIPTS[self.start][0]}, {self.engine.capitalize() if self.engine != 'host' else 'host'}"
        )

    def why_not(self, workload: Workload) -> str | None:
        """An engine is not there, or C code would have to be compiled on a host that is not Lambda's."""
        if self.engine == "host":
            return "compiled code needs a container" if workload.compiles else None
        return None if shutil.which(self.engine) else f"no {self.engine} on PATH"

    def write(self, place: Place, workload: Workload, state: State) -> None:
        """A package with [tool.lambda], or folders that are entries."""
        single = len(workload.functions) == 1
        head = _PYPROJECT.format(
            requires="lambda-backend",
            backend=self.backend,
            name=PROJECT,
            packages=f'packages = ["{PROJECT}"]' if single else "py-modules = []",
        )
        table = [head, "[tool.lambda]", f'runtime = "python{workload.python}"']
        if single:
            table.append(f'handler = "{layout.handler(workload)}.handler"')
        else:
            for function in workload.functions:
                table += [f"[tool.lambda.functions.{function.name}]", f'entry = "functions/{function.name}"']
        layout.write(place.project, {"pyproject.toml": "\n".join([*table, ""]), **layout.functions(workload, state)})

    def forget_packages(self, place: Place) -> None:
        """Caches of uv, of the host and of containers."""
        empty(place.packages, place.builds / "engines/uv-cache")

    def warm(self, place: Place, workload: Workload, requirements: Sequence[str]) -> Command:
        """By uv, in whichever cache the build uses."""
        caches = [place.packages / "uv", *place.builds.glob("engines/uv-cache/*")]
        return warm_uv(self.tools, caches, place, workload, requirements)

    def environment(self, place: Place) -> dict[str, str]:
        """The engine is named too, so that none is looked for and none falls back."""
        return {**super().environment(place), "LAMBDA_BACKEND_ENGINE": self.engine}

    def forget_build(self, place: Place) -> None:
        """All that the cache holds but what engines keep: uv's packages, and the uv of the image."""
        empty(place.builds / "v1", place.out)

    def zips(self, place: Place, workload: Workload) -> Sequence[Path]:
        """In the folder of the wheel."""
        names = [function.name for function in workload.functions]
        return [place.out / f"{PROJECT}-1.0.0-{name}-python{workload.python}-x86_64.zip" for name in names]


@dataclass(frozen=True, kw_only=True)
class Setuptools(_Built):
    """The same project without [tool.lambda], built by setuptools itself: what a wheel alone costs."""

    backend = "setuptools.build_meta"

    @property
    def key(self) -> str:
        """As ours, with ``setuptools`` in front."""
        return f"setuptools-{self.start}"

    @property
    def title(self) -> str:
        """How it is started."""
        return f"setuptools, a wheel alone: {SCRIPTS[self.start][0]}"

    def why_not(self, workload: Workload) -> str | None:
        """Plain folders are nothing to make a wheel of."""
        return None if len(workload.functions) == 1 else "no package"

    def write(self, place: Place, workload: Workload, state: State) -> None:
        """The package."""
        head = _PYPROJECT.format(
            requires="setuptools>=77",
            backend=self.backend,
            name=PROJECT,
            packages=f'packages = ["{PROJECT}"]',
        )
        layout.write(place.project, {"pyproject.toml": head, **layout.functions(workload, state)})

    def forget_build(self, place: Place) -> None:
        """What setuptools leaves beside the code."""
        empty(place.out)
        for name in ("build", f"{PROJECT}.egg-info"):
            shutil.rmtree(place.project / name, ignore_errors=True)

    def zips(self, place: Place, workload: Workload) -> Sequence[Path]:
        """None."""
        del place, workload
        return []
