"""A Python of the runtime's minor version on this machine."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_backend.cache import key as cache_key
from lambda_backend.errors import InstallError, MissingExtraError
from lambda_backend.install.workbench import HostWorkbench
from lambda_backend.values import Value, as_dict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lambda_backend.cache import Cache

__all__ = ["Interpreter", "Interpreters", "find_interpreter"]

_PROBE = """\
import importlib.util, platform, sys
print(sys.implementation.name, "%d.%d" % sys.version_info[:2])
print(sys.executable)
print(platform.python_version(), importlib.util.MAGIC_NUMBER.hex())
"""
_PATIENCE = 20
"""Seconds."""


class Interpreter(Value):
    """A CPython."""

    path: Path
    version: str
    """All of it, ``3.13.2``."""
    magic: str
    """Of its bytecode (PEP 3147), in hex."""

    @property
    def identity(self) -> str:
        """What compiles alike, as far as anybody knows."""
        return f"cpython-{self.version}-{self.magic}"


def find_interpreter(version: str, environ: Mapping[str, str]) -> Path | None:
    """A CPython of a minor version (``3.13``): this process's own, one on PATH, or one that uv knows; None is fine too.

    uv downloads none.
    """
    found = _at_hand(version, environ) or _of_uv(version, environ)
    return found.path if found else None


class Interpreters:
    """Finds Pythons on this machine and remembers which they are, so that the next build starts none to ask.

    Args:
        cache: where that is kept.
        environ: of the host.
    """

    def __init__(self, cache: Cache, environ: Mapping[str, str]) -> None:
        self._cache = cache
        self._environ = environ

    def at_hand(self, version: str) -> Interpreter | None:
        """This process's own, or one on PATH; none is fine too."""
        return self._kept("PATH", version, lambda: _at_hand(version, self._environ))

    def any(self, version: str, say: Callable[[str], None]) -> Interpreter:
        """The same, or one that uv knows or, unless ``UV_PYTHON_DOWNLOADS=never``, installs.

        Args:
            version: the minor version.
            say: is told of an installation.

        Raises:
            InstallError: there is none.
        """
        found = self.at_hand(version) or self._kept("uv", version, lambda: _of_uv(version, self._environ))
        why = ""
        if found is None and self._environ.get("UV_PYTHON_DOWNLOADS") != "never":
            say(f"installing Python {version} with uv, to compile bytecode")
            try:
                _uv(["python", "install", version], version, self._environ, downloads="automatic")
                found = _of_uv(version, self._environ)
            except (InstallError, MissingExtraError) as error:
                why = f"\n{error.message}"
        if found is None:
            raise InstallError(
                f"bytecode is compiled by a Python {version}, and there is none on PATH, nor does uv have one{why}",
                hint=f"install one (`uv python install {version}`), build in a container (docker, podman), or set "
                "bytecode = false",
            )
        return found

    def _kept(self, where: str, version: str, find: Callable[[], Interpreter | None]) -> Interpreter | None:
        if _is_this(version):
            return _this()
        key = cache_key("interpreter", where, version, self._environ.get("PATH", ""))
        kept = self._cache.get("interpreters", key)
        if kept is not None and (known := _read(kept / "interpreter.json")) is not None:
            return known
        found = find()
        if found is not None:
            self._cache.discard("interpreters", key)
            with self._cache.make("interpreters", key) as folder:
                document = {**as_dict(found), "path": str(found.path), "stat": _stat(found.path)}
                (folder / "interpreter.json").write_text(json.dumps(document), "utf-8")
        return found


def _read(path: Path) -> Interpreter | None:
    """What was kept of an interpreter, if that one is there yet."""
    try:
        document = json.loads(path.read_text("utf-8"))
        found = Interpreter(path=Path(document["path"]), version=document["version"], magic=document["magic"])
        return found if _stat(found.path) == document["stat"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _stat(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def _is_this(version: str) -> bool:
    return sys.implementation.name == "cpython" and "{}.{}".format(*sys.version_info) == version


def _this() -> Interpreter:
    magic = importlib.util.MAGIC_NUMBER.hex()
    return Interpreter(path=Path(sys.executable), version=platform.python_version(), magic=magic)


def _at_hand(version: str, environ: Mapping[str, str]) -> Interpreter | None:
    if _is_this(version):
        return _this()
    found = shutil.which(f"python{version}", path=environ.get("PATH", os.defpath))
    return _of(Path(found), version, environ) if found else None


def _of_uv(version: str, environ: Mapping[str, str]) -> Interpreter | None:
    argv = ["python", "find", "--quiet", "--no-project", "--no-python-downloads", f"cpython@{version}"]
    with contextlib.suppress(InstallError, MissingExtraError):
        return _of(Path(_uv(argv, version, environ).strip()), version, environ)
    return None


def _uv(argv: list[str], version: str, environ: Mapping[str, str], *, downloads: str = "never") -> str:
    with tempfile.TemporaryDirectory(prefix="lambda-backend-") as folder:
        bench = HostWorkbench(Path(folder), environ=environ, on_line=lambda _: None)
        variables = {"UV_PYTHON_DOWNLOADS": downloads}
        return bench.uv(argv, cwd=bench.input, what=f"looking for Python {version}", variables=variables)


def _of(path: Path, version: str, environ: Mapping[str, str]) -> Interpreter | None:
    """The interpreter behind a path, if it is a CPython of that version."""
    # pyenv puts scripts on PATH, which fail for versions that are not chosen, and look for the others on PATH again.
    with contextlib.suppress(OSError, subprocess.TimeoutExpired, ValueError):
        done = subprocess.run(
            [str(path), "-I", "-S", "-c", _PROBE],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
        name, found, full = os.fsdecode(done.stdout).strip().splitlines()
        if done.returncode == 0 and name == f"cpython {version}":
            return Interpreter(path=Path(found), version=full.split()[0], magic=full.split()[1])
    return None
