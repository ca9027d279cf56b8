"""Same inputs, same bytes: whatever the folder, user's habits, machine's settings and Python."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.helpers.interpreters import require_interpreter
from tests.helpers.machine import artifacts, project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.machine import Machine

pytestmark = pytest.mark.network

TABLE = """
[project.optional-dependencies]
extra = ["idna==3.10"]

[tool.lambda]
runtime = ["python3.13", "python3.11"]
handler = "tiny.app.handler"
extras = ["extra"]
include = [{ from = "conf/*.json", to = "conf" }, { from = "bin/run" }]

[tool.lambda.layers.deps]

[tool.setuptools.package-data]
tiny = ["*.txt"]
"""


def make(folder: Path, *, reverse: bool = False) -> Path:
    """The same project; in reverse its files lie the other way round on the disk."""
    files = {f"conf/{letter}.json": f'"{letter}"' for letter in "abcdefgh"}
    files |= {"tiny/naïve.txt": "ï", "bin/run": "#!/bin/sh\n", "tiny/Z.py": "", "tiny/a.py": "", "tiny/_b.py": ""}
    ordered = dict(reversed(files.items())) if reverse else files
    made = project(folder, TABLE, dependencies='["markupsafe==3.0.2", "click==8.1.8"]', files=ordered)
    (made / "bin/run").chmod(0o700 if reverse else 0o755)
    (made / "conf/a.json").chmod(0o600 if reverse else 0o664)
    for index, path in enumerate(sorted(made.rglob("*.*"))):
        if reverse:
            os.utime(path, (1_600_000_000 + index, 1_600_000_000 + index))
    return made


@pytest.fixture(scope="module")
def reference(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("reference")
    made = make(folder / "project")
    environment = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0", "LAMBDA_BACKEND_CACHE_DIR": f"{folder}/c"}
    machine.build(made, env=environment, umask=0o022)
    found = artifacts(made / "dist")
    assert len(found) == 5
    return found


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_another_machine(version: str, machine: Machine, reference: dict[str, str], tmp_path: Path) -> None:
    require_interpreter(version)
    made = make(tmp_path / "änother folder, with a långer name" / "project", reverse=True)
    environment = {
        "TZ": "Asia/Kolkata",
        "LC_ALL": "C",
        "LANG": "tr_TR.UTF-8",
        "PYTHONHASHSEED": "4711",
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path),
        "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache"),
    }
    machine.build(made, out=tmp_path / "out", python=version, env=environment, umask=0o077)
    assert artifacts(tmp_path / "out") == reference


def test_from_a_warm_cache(machine: Machine, reference: dict[str, str], tmp_path: Path) -> None:
    made = make(tmp_path / "project")
    for out in ("first", "second"):
        machine.build(made, out=tmp_path / out)
        assert artifacts(tmp_path / out) == reference


def test_modes_of_the_output_are_those_of_any_file(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "project", '[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"')
    machine.build(made, umask=0o022)
    assert {path.stat().st_mode & 0o777 for path in (made / "dist").iterdir()} == {0o644}
