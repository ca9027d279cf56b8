"""A clean user's machine: Pythons with the backend installed, frontends run in processes of their own."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.helpers.interpreters import require_interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLES = CHECKOUT / "examples"
HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
WHEEL_BACKENDS = (
    "editables",  # hatchling asks for it to install in editable mode
    "flit_core",
    "hatchling",
    "pdm-backend",
    "poetry-core",
    "setuptools>=77",
    "uv_build>=0.13,<0.14",
)

# What a developer's shell or the test run itself sets, and would show in a build.
_OURS = ("COV_", "COVERAGE", "LAMBDA_BACKEND", "PYTEST", "PYTHON", "SOURCE_DATE", "TOX", "UV_", "VIRTUAL_ENV")
# What says where packages come from: without it there are none on some machines.
_INDEX = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a frontend ended."""

    exit_code: int
    log: str
    """Both streams."""

    @property
    def message(self) -> str:
        """The backend's own error, from its first line to the end of its indented ones."""
        lines = self.log.splitlines()
        starts = [index for index, line in enumerate(lines) if line.startswith("lambda-backend: error:")]
        assert len(starts) == 1, f"one message expected, not {len(starts)}:\n{self.log}"
        end = starts[0] + 1
        while end < len(lines) and lines[end].startswith(" "):
            end += 1
        return "\n".join(lines[starts[0] : end])


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """Where builds run: folders that are shared by a whole test session.

    Args:
        root: an empty folder.
    """

    root: Path

    @property
    def cache(self) -> Path:
        """The backend's cache, unless a test names another."""
        return self.root / "cache"

    def environment(self, more: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """A clean environment, in which isolated frontends find the backend's wheel; None removes a variable."""
        kept = _clean()
        links = str(self.wheelhouse())
        kept["PIP_FIND_LINKS"] = " ".join(filter(None, (links, kept.get("PIP_FIND_LINKS"))))
        kept["UV_FIND_LINKS"] = ",".join(filter(None, (links, kept.get("UV_FIND_LINKS"))))
        kept["LAMBDA_BACKEND_CACHE_DIR"] = str(self.cache)
        kept["LAMBDA_BACKEND_ENGINE"] = "host"
        kept["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), kept["PATH"]))
        return {name: value for name, value in {**kept, **(more or {})}.items() if value is not None}

    def wheelhouse(self) -> Path:
        """A folder with the backend's own wheel, made from the checkout."""
        return _wheelhouse(self.root)

    def python(self, version: str = HERE) -> Path:
        """An interpreter with the backend, ``build`` and every wheel backend installed, and nothing else."""
        return _environment(self.root, version)

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path,
        env: Mapping[str, str | None] | None = None,
        umask: int = -1,
        check: bool = True,
    ) -> Outcome:
        """Run a command to its end; with ``check`` it has to succeed."""
        done = subprocess.run(
            [str(word) for word in argv],
            cwd=cwd,
            env=self.environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            umask=umask,
            check=False,
        )
        outcome = Outcome(exit_code=done.returncode, log=done.stdout.decode("utf-8", "replace"))
        if check:
            assert outcome.exit_code == 0, outcome.log
        return outcome

    def build(
        self,
        project: Path,
        *arguments: str,
        out: Path | None = None,
        python: str = HERE,
        env: Mapping[str, str | None] | None = None,
        umask: int = -1,
        check: bool = True,
    ) -> Outcome:
        """``python -m build`` without isolation, of the wheel unless the arguments say otherwise."""
        argv: list[str | Path] = [self.python(python), "-m", "build", "--no-isolation", "--skip-dependency-check"]
        argv += arguments or ("--wheel",)
        argv += ["--outdir", out or project / "dist"]
        return self.run([*argv, project], cwd=project, env=env, umask=umask, check=check)


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS) or name in _INDEX}


@functools.cache
def _wheelhouse(root: Path) -> Path:
    # From a copy: setuptools leaves build/ and *.egg-info beside what it builds.
    source = root / "checkout"
    source.mkdir(parents=True)
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("lambda_backend", "pyproject.toml", "README.md", "LICENSE", "Containerfile"):
        if (CHECKOUT / name).is_dir():
            shutil.copytree(CHECKOUT / name, source / name, ignore=ignore)
        elif (CHECKOUT / name).exists():
            shutil.copy(CHECKOUT / name, source / name)
    _uv("build", "--wheel", "--out-dir", str(root / "wheelhouse"), str(source))
    return root / "wheelhouse"


@functools.cache
def _environment(root: Path, version: str) -> Path:
    folder = root / f"python{version}"
    _uv("venv", "--python", str(require_interpreter(version)), str(folder))
    python = folder / "bin/python"
    (wheel,) = _wheelhouse(root).glob("*.whl")
    _uv("pip", "install", "--python", str(python), f"{wheel}[all]", "build>=1.3", "pip>=25.1", *WHEEL_BACKENDS)
    return python


def _uv(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uv", *arguments], env=_clean(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def example(name: str, target: Path) -> Path:
    """A copy of an example, as from a clean clone."""
    return shutil.copytree(
        EXAMPLES / name, target, ignore=shutil.ignore_patterns("dist", "build", "*.egg-info", "__pycache__", ".venv")
    )


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Make a folder with files by their path."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def project(
    folder: Path, table: str, *, dependencies: str = "[]", files: Mapping[str, str | bytes] | None = None
) -> Path:
    """A small package ``tiny`` with a handler ``tiny.app.handler``.

    Args:
        folder: made, with its parents.
        table: what comes after the ``[project]`` table, in TOML.
        dependencies: a TOML list.
        files: more of them, or other contents.
    """
    text = f"""\
[build-system]
requires = ["lambda-backend"]
build-backend = "lambda_backend"

[project]
name = "tiny"
version = "1.0.0"
description = "A tiny project"
requires-python = ">=3.10"
dependencies = {dependencies}

[tool.setuptools]
packages = ["tiny"]

{table}
"""
    handler = "def handler(event, context):\n    return event\n"
    return write(folder, {"pyproject.toml": text, "tiny/__init__.py": "", "tiny/app.py": handler, **(files or {})})


def manifest(dist: Path) -> dict[str, Any]:
    """The one manifest in a folder."""
    (path,) = dist.glob("*.lambda.json")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def artifacts(dist: Path) -> dict[str, str]:
    """Digests of zips and manifest by their name: what has to be the same for the same inputs."""
    paths = [*dist.glob("*.zip"), *dist.glob("*.lambda.json")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(paths)}


def snapshot(folder: Path) -> dict[str, str]:
    """Digests of all files below a folder by their path, folders included; empty for no folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "/"
        for path in sorted(folder.rglob("*"))
    }


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of a few bytes; needs root.

    Raises:
        PermissionError: it cannot be mounted here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    argv = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PermissionError(done.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def machine(base: Path) -> Machine:
    """A machine below a folder that pytest removes some day."""
    return Machine(root=Path(tempfile.mkdtemp(prefix="machine-", dir=base)))
