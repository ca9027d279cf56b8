from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambda_backend.targets import target as target_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambda_backend.targets import Target


@pytest.fixture
def target() -> Target:
    return target_of("python3.13", "x86_64")


@pytest.fixture
def make_wheel() -> Callable[..., str]:
    def make(path: Path) -> str:
        name, version, *_ = path.stem.split("-")
        entries = {
            f"{name}.py": "",
            f"{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{name}-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(
            f"{entry},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},\n"
            for entry, text in entries.items()
        )
        entries[f"{name}-{version}.dist-info/RECORD"] = record
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            for entry, text in entries.items():
                archive.writestr(zipfile.ZipInfo(entry), text)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    return make


@pytest.fixture
def uv(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    cache = tmp_path_factory.mktemp("uv-cache")

    def run(command: list[str], cwd: Path, stdin: str = "", *, offline: bool = True) -> str:
        environment = {**os.environ, "UV_CACHE_DIR": str(cache), "UV_OFFLINE": "1" if offline else "0"}
        environment |= {"UV_PYTHON": sys.executable}
        done = subprocess.run(  # noqa: PLW1510 - the assertion shows what uv said
            [str(Path(sys.executable).with_name("uv")), *command[1:]],
            cwd=cwd,
            input=stdin,
            capture_output=True,
            text=True,
            env=environment,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
