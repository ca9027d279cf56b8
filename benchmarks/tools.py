"""The programs that take part, each in an environment of its own below one folder; made once by ``set-up``."""

from __future__ import annotations

import functools
import json
import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CHECKOUT", "NPM", "PINS", "Tools", "interpreter"]

CHECKOUT = Path(__file__).resolve().parents[1]
PINS = {"aws-sam-cli": "1.170.0", "pex": "2.105.2"}
"""Python peers, by their name in the package index."""
NPM = {
    "@aws-cdk/aws-lambda-python-alpha": "2.269.0-alpha.0",
    "aws-cdk-lib": "2.269.0",
    "constructs": "10.8.1",
    "osls": "4.3.1",
    "serverless-python-requirements": "6.1.2",
}
"""The same of npm."""
_PROBE = "import sys; print('%d.%d' % sys.version_info[:2])"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """Where programs lie.

    Args:
        root: their folder.
    """

    root: Path

    def venv(self, name: str) -> Path:
        """The folder of an environment's programs; there or not."""
        return self.root / name / "bin"

    @property
    def python(self) -> Path:
        """The interpreter that has lambda-backend, build and uv, installed as from an index."""
        return self.venv("ours") / "python"

    @property
    def uv(self) -> Path:
        """uv, of the version that lambda-backend uses."""
        return self.venv("ours") / "uv"

    @property
    def wheelhouse(self) -> Path:
        """Has the wheel of this checkout, for isolated environments.

        Its path is that of no other wheel: uv keeps what it has installed by it.
        """
        return next(iter(self._wheelhouses.glob("*")), self._wheelhouses)

    @property
    def _wheelhouses(self) -> Path:
        return self.root / "wheelhouse"

    @property
    def node_modules(self) -> Path:
        """What npm has installed."""
        return self.root / "npm" / "node_modules"

    def install_ours(self) -> None:
        """Build this checkout's wheel, and install it; always anew, for the code may have changed."""
        uv = _some_uv()
        source = self.root / "checkout"
        shutil.rmtree(source, ignore_errors=True)
        shutil.rmtree(self._wheelhouses, ignore_errors=True)
        source.mkdir(parents=True)
        # From a copy: setuptools leaves build/ beside what it builds.
        shutil.copytree(
            CHECKOUT / "lambda_backend", source / "lambda_backend", ignore=shutil.ignore_patterns("__pycache__")
        )
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(CHECKOUT / name, source / name)
        made = self._wheelhouses / secrets.token_hex(4)
        _run([*uv, "build", "-q", "--wheel", "--out-dir", str(made), str(source)])
        (wheel,) = made.glob("*.whl")
        if not self.python.exists():
            _run([*uv, "venv", "-q", "--python", sys.executable, str(self.root / "ours")])
        # Compiled, as pip leaves it.
        install = ["pip", "install", "-q", "--compile-bytecode", "--python", str(self.python)]
        _run([*uv, *install, "build[uv]", "pip", "setuptools>=77"])
        _run([*uv, *install, "--reinstall-package", "lambda-backend", f"{wheel}[all]"])

    def install_peers(self) -> None:
        """Install the Python peers, each in an environment of its own."""
        uv = _some_uv()
        for name, version in PINS.items():
            if not self.venv(name).exists():
                _run([*uv, "venv", "-q", "--python", sys.executable, str(self.root / name)])
            python = str(self.venv(name) / "python")
            _run([*uv, "pip", "install", "-q", "--compile-bytecode", "--python", python, f"{name}=={version}"])

    def install_npm(self) -> None:
        """Install the peers of npm."""
        folder = self.node_modules.parent
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": NPM}), "utf-8")
        _run(["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder)])


@functools.cache
def interpreter(version: str) -> Path:
    """A working CPython of a minor version, on PATH or in pyenv.

    Raises:
        FileNotFoundError: there is none.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found: list[str | Path | None] = [
        shutil.which(f"python{version}"),
        *sorted(pyenv.glob(f"{version}.*/bin/python3"), reverse=True),
    ]
    for candidate in (one for one in found if one):
        # pyenv's shims are on PATH for versions that are not chosen, and then fail.
        answer = subprocess.run([candidate, "-c", _PROBE], capture_output=True, text=True, check=False)
        if answer.stdout.strip() == version:
            return Path(candidate)
    raise FileNotFoundError(f"no Python {version} on PATH or in pyenv: zips are proven by importing them with it")


def _some_uv() -> Sequence[str]:
    return [sys.executable, "-m", "uv"]


def _run(argv: Sequence[str]) -> None:
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
