"""Projects that real tools lock against a package index on this machine, and what these tools install of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tests.helpers.interpreters import require_interpreter
from tests.helpers.locked_projects import (
    CODE,
    PIPFILE,
    POETRY,
    POETRY_PROJECT,
    PROJECT_HEAD,
    SETUPTOOLS,
    TABLE,
    UV,
    local_folder,
    wheel,
)
from tests.helpers.machine import write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.helpers.package_index import PackageIndex

__all__ = ["KINDS", "Locksmith", "add_table"]

KINDS = ("poetry 1.8", "poetry 2", "poetry 2 project", "pipenv", "uv", "pip-compile", "pip-freeze")
_TOOLS = {
    "poetry 1.8": ["--from", "poetry==1.8.*", "poetry"],
    "poetry 2": ["--from", "poetry==2.5.*", "poetry"],
    "poetry 2 project": ["--from", "poetry==2.5.*", "poetry"],
    "pipenv": ["--from", "pipenv==2026.10.*", "pipenv"],
}


@dataclass(frozen=True)
class Locksmith:
    """Makes projects, and lets real tools lock and install them.

    Args:
        root: an empty folder.
        index: where their dependencies come from.
        environ: what tools need to be fetched and run.
    """

    root: Path
    index: PackageIndex
    environ: Mapping[str, str]

    @cached_property
    def _templates(self) -> dict[str, Path]:
        return {}

    def project(self, kind: str, target: Path, *, runtimes: Sequence[str] = ("python3.13",), more: str = "") -> Path:
        """A copy of a project that its tool has locked; it asks for an extra and a group where there are such.

        Args:
            kind: one of ``KINDS``.
            target: made.
            runtimes: what it is for.
            more: of its table, in TOML.
        """
        if kind not in self._templates:
            folder = self.root / "templates" / kind.replace(" ", "-")
            self.write(kind, folder)
            self.lock(kind, folder)
            self._templates[kind] = folder
        made = shutil.copytree(self._templates[kind], target)
        add_table(kind, made, runtimes=runtimes, more=more)
        return made

    def installed(self, kind: str, project: Path, python: str) -> dict[str, str]:
        """Names and versions of what the tool itself installs of such a project, the project aside."""
        scratch = self.root / f"installed-{len(list(self.root.iterdir()))}"
        shutil.copytree(project, scratch / "project")
        interpreter = require_interpreter(python)
        self._uv("venv", "--quiet", "--seed", "--python", str(interpreter), str(scratch / "venv"))
        venv = {"VIRTUAL_ENV": str(scratch / "venv"), "PATH": f"{scratch}/venv/bin:{self.environ['PATH']}"}
        before = self._list(scratch / "venv")
        where = scratch / "project"
        extras, groups = _chosen(kind)
        if kind.startswith("poetry"):
            words = ["install", "--no-root", "--no-interaction", "--without", "dev"]
            self.tool(kind, *words, "--extras", *extras, "--with", *groups, cwd=where, env=venv)
        elif kind == "pipenv":
            self.tool(kind, "sync", "--categories", "packages web", cwd=where, env=venv, python=python)
        elif kind == "uv":
            words = ["sync", "--quiet", "--frozen", "--no-install-project", "--no-default-groups", "--inexact"]
            env = {"UV_PROJECT_ENVIRONMENT": venv["VIRTUAL_ENV"]}
            self._uv(*words, "--extra", *extras, "--group", *groups, cwd=where, env=env)
        elif kind == "pip-compile":
            words = ["pip", "install", "--quiet", "--python", f"{scratch}/venv/bin/python", "-r", "requirements.txt"]
            self._uv(*words, "--default-index", self.index.url, cwd=where)
        else:
            argv = [f"{scratch}/venv/bin/python", "-m", "pip", "install", "--quiet", "-i", self.index.url]
            self._run([*argv, "-r", "requirements.txt"], cwd=where)
        return {name: version for name, version in self._list(scratch / "venv").items() if name not in before}

    def tool(
        self,
        kind: str,
        *words: str,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        python: str | None = None,
        check: bool = True,
    ) -> str:
        """Run Poetry or Pipenv."""
        chosen = ["--python", str(require_interpreter(python) if python else Path(sys.executable))]
        argv = ["tool", "run", "--quiet", "--isolated", *chosen, *_TOOLS[kind], *words]
        return self._uv(*argv, cwd=cwd, env=env, check=check)

    def write(self, kind: str, folder: Path) -> None:
        """A project that has no lock yet."""
        local_folder(folder / "libs", "locallib", ["beth"])
        local_folder(folder / "libs", "editlib")
        folders = '"locallib", "editlib"'
        head = PROJECT_HEAD.format(folders=folders if kind == "uv" else "") + SETUPTOOLS
        pyproject = {
            "poetry 1.8": POETRY,
            "poetry 2": POETRY,
            "poetry 2 project": POETRY_PROJECT.replace("{folders}", folders),
            "uv": head.replace("{", "{{").replace("}", "}}") + UV,
        }.get(kind, head.replace("{", "{{").replace("}", "}}"))
        write(folder, {**CODE, "pyproject.toml": pyproject.format(url=self.index.url)})
        if kind == "pipenv":
            wheel(folder / "libs", "archived")
            write(folder, {"Pipfile": PIPFILE.format(url=self.index.url)})

    def lock(self, kind: str, folder: Path, env: Mapping[str, str] | None = None) -> None:
        """Let the tool lock a project."""
        if kind.startswith("poetry"):
            environment = {"POETRY_VIRTUALENVS_CREATE": "false"}
            self.tool(kind, "lock", "--no-interaction", cwd=folder, env={**environment, **(env or {})})
        elif kind == "pipenv":
            environment = {"WORKON_HOME": str(self.root / "virtualenvs")}
            self.tool(kind, "lock", cwd=folder, env={**environment, **(env or {})}, python="3.13")
        elif kind == "uv":
            self._uv("lock", "--quiet", cwd=folder)
        else:
            self._requirements(kind, folder)
        for name in (".venv", "tiny.egg-info"):
            shutil.rmtree(folder / name, ignore_errors=True)

    def _requirements(self, kind: str, folder: Path) -> None:
        index = f"--index-url {self.index.url}\n"
        if kind == "pip-compile":
            text = "./libs/locallib\n" + "".join(
                f"{line}\n" for line in _declared((folder / "pyproject.toml").read_text())
            )
            write(folder, {"requirements.in": text})
            words = ["pip", "compile", "--quiet", "--universal", "--generate-hashes", "--python-version", "3.10"]
            self._uv(*words, "--default-index", self.index.url, "-o", "requirements.txt", "requirements.in", cwd=folder)
            frozen = (folder / "requirements.txt").read_text()
        else:
            venv = self.root / "frozen"
            self._uv("venv", "--quiet", "--seed", "--python", str(require_interpreter("3.13")), str(venv))
            pip = [f"{venv}/bin/python", "-m", "pip"]
            declared = _declared((folder / "pyproject.toml").read_text())
            self._run([*pip, "install", "--quiet", "-i", self.index.url, "./libs/locallib", *declared], cwd=folder)
            frozen = self._run([*pip, "freeze", "--exclude", "locallib"], cwd=folder) + "./libs/locallib\n"
        write(folder, {"requirements.txt": index + frozen})

    def _list(self, venv: Path) -> dict[str, str]:
        text = self._uv("pip", "list", "--quiet", "--format", "json", "--python", str(venv / "bin/python"))
        return {found["name"]: found["version"] for found in json.loads(text)}

    def _uv(
        self, *words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, check: bool = True
    ) -> str:
        return self._run([sys.executable, "-m", "uv", *words], cwd=cwd, env=env, check=check)

    def _run(
        self, argv: Sequence[str], *, cwd: Path | None, env: Mapping[str, str] | None = None, check: bool = True
    ) -> str:
        # What pip is configured with on this machine is none of the project's.
        environ = {**self.environ, "PIP_CONFIG_FILE": os.devnull, **(env or {})}
        done = subprocess.run(argv, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
        if check:
            assert done.returncode == 0, f"{argv}\n{done.stdout}{done.stderr}"
        return done.stdout


def add_table(kind: str, folder: Path, *, runtimes: Sequence[str] = ("python3.13",), more: str = "") -> None:
    """Put ``[tool.lambda]`` into a project."""
    extras, groups = _chosen(kind)
    table = TABLE.format(runtimes=json.dumps(list(runtimes)), extras=json.dumps(extras), groups=json.dumps(groups))
    table += 'wheel-backend = "poetry.core.masonry.api"\n' if kind.startswith("poetry") else ""
    pyproject = folder / "pyproject.toml"
    pyproject.write_text(f"{pyproject.read_text()}{table}{more}\n")


def _chosen(kind: str) -> tuple[list[str], list[str]]:
    """The extras and groups that a project asks for."""
    if kind.startswith("poetry") or kind == "uv":
        return ["pdf"], ["web"]
    # requirements.txt holds what was chosen when it was written, and a Pipfile knows no extras of a project.
    return [], (["web"] if kind == "pipenv" else [])


def _declared(pyproject: str) -> list[str]:
    """The project's own requirements, as a person would name them to pip."""
    lines = pyproject.partition("dependencies = [")[2].partition("]\n\n")[0].splitlines()
    return [line.strip().rstrip(",").strip('"') for line in lines if line.strip()]
