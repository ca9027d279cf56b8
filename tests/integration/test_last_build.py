"""Where nothing has changed since the last build there is nothing to do; where anything has, the build is made."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from tests.helpers.machine import artifacts, project, snapshot, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.helpers.machine import Machine

SAME = "lambda-backend: nothing has changed since the last build"
SECONDS = re.compile(r"\d+\.\d\d s  ")
HOOK = "import sys, lambda_backend; print('wheel', lambda_backend.build_wheel(sys.argv[1]))"
TABLE = """
[tool.lambda]
runtime = "python3.13"
include = [{from = "shared"}]

[tool.lambda.functions.own]
handler = "tiny.app.handler"

[tool.lambda.functions.other]
entry = "functions/other"
"""
FILES = {
    "shared/text.txt": "shared\n",
    "functions/other/index.py": "def handler(event, context):\n    return event\n",
    "functions/other/inner/data.txt": "data\n",
    "requirements.txt": "idna==3.9\n",
}


def made(tmp_path: Path) -> Path:
    return project(tmp_path / "tiny", TABLE, files=FILES)


def hook(machine: Machine, root: Path, env: dict[str, str | None], out: Path | None = None) -> list[str]:
    (out or root / "dist").mkdir(exist_ok=True)
    return machine.run([machine.python(), "-c", HOOK, out or root / "dist"], cwd=root, env=env).log.splitlines()


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str | None]:
    return {"LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")}


def settled(machine: Machine, root: Path, env: dict[str, str | None]) -> None:
    """The first build installs; the second takes all from the cache, and the third has nothing to do."""
    assert SAME not in hook(machine, root, env)
    assert SAME not in hook(machine, root, env)
    assert SAME in hook(machine, root, env)


@pytest.mark.network
def test_nothing_is_written_and_all_is_said_again(machine: Machine, tmp_path: Path, env: dict[str, str | None]) -> None:
    root = made(tmp_path)
    write(root, {"shared/env.txt": "AWS_SECRET"})
    hook(machine, root, env)
    second = hook(machine, root, env)
    states = {path: path.stat() for path in (root / "dist").iterdir()}
    third = hook(machine, root, env)
    assert third[0] == SAME
    assert {path: path.stat() for path in (root / "dist").iterdir()} == states
    # What it took is the only thing that is not said again.
    assert [SECONDS.sub("", line) for line in third[1:]] == [SECONDS.sub("", line) for line in second]
    assert third[-1] == "wheel tiny-1.0.0-py3-none-any.whl"


@pytest.mark.network
def test_another_day_is_another_build(machine: Machine, tmp_path: Path, env: dict[str, str | None]) -> None:
    root = made(tmp_path)
    settled(machine, root, env)
    (path,) = (tmp_path / "cache/v1/builds").rglob("record.json")
    record = json.loads(path.read_text("utf-8"))
    assert 0 < record["until"] - time.time() <= 24 * 60 * 60
    path.write_text(json.dumps({**record, "until": time.time() - 1}), "utf-8")
    assert SAME not in hook(machine, root, env)


@pytest.mark.network
def test_settings_that_change_during_a_build_are_not_those_of_the_next(
    machine: Machine, tmp_path: Path, env: dict[str, str | None]
) -> None:
    root = made(tmp_path)
    hook(machine, root, env)
    # As somebody does who edits while the build runs: when it has read its settings.
    script = f"""
import pathlib, lambda_backend.pipeline as pipeline
load = pipeline.load
def and_edit(pyproject, **more):
    loaded = load(pyproject, **more)
    pyproject.write_text(pyproject.read_text() + "\\n[tool.lambda.functions.late]\\nhandler = 'tiny.app.handler'\\n")
    return loaded
pipeline.load = and_edit
{HOOK}
"""
    machine.run([machine.python(), "-c", script, root / "dist"], cwd=root, env=env)
    assert len(list((root / "dist").glob("*.zip"))) == 2
    assert SAME not in hook(machine, root, env)
    assert len(list((root / "dist").glob("*.zip"))) == 3


CHANGES: dict[str, Callable[[Path], object]] = {
    "the project's code": lambda root: write(root, {"tiny/app.py": "def handler(event, context):\n    return 1\n"}),
    "an entry's code": lambda root: write(root, {"functions/other/index.py": "def handler(event, _):\n    pass\n"}),
    "an entry's data": lambda root: write(root, {"functions/other/inner/data.txt": "more\n"}),
    "a file is new in an entry": lambda root: write(root, {"functions/other/new.py": ""}),
    "a folder is new in an entry": lambda root: write(root, {"functions/other/inner/deeper/new.txt": ""}),
    "a folder of a name that builds use": lambda root: write(root, {"functions/other/dist/new.txt": ""}),
    "a lock is new in an entry": lambda root: write(root, {"functions/other/requirements.txt": "idna==3.9\n"}),
    "what is included": lambda root: write(root, {"shared/text.txt": "changed\n"}),
    "a file is new in what is included": lambda root: write(root, {"shared/more.txt": ""}),
    "a file is gone": lambda root: (root / "functions/other/inner/data.txt").unlink(),
    "a mode": lambda root: (root / "functions/other/index.py").chmod(0o755),
    "an ignore file": lambda root: write(root, {"functions/other/.gitignore": "inner\n"}),
    "the settings": lambda root: (root / "pyproject.toml").write_text(
        (root / "pyproject.toml").read_text("utf-8").replace('include = [{from = "shared"}]', ""), "utf-8"
    ),
    "a lock": lambda root: write(root, {"requirements.txt": "idna==3.10\n"}),
    "a better lock": lambda root: write(
        root, {"pylock.toml": 'lock-version = "1.0"\ncreated-by = "test"\npackages = []\n'}
    ),
    "a zip is gone": lambda root: next((root / "dist").glob("*.zip")).unlink(),
    "a zip is another": lambda root: next((root / "dist").glob("*.zip")).write_bytes(b"changed"),
    "the manifest is gone": lambda root: next((root / "dist").glob("*.lambda.json")).unlink(),
    "the wheel is gone": lambda root: next((root / "dist").glob("*.whl")).unlink(),
    "all is gone": lambda root: shutil.rmtree(root / "dist"),
}


@pytest.mark.network
@pytest.mark.parametrize("name", CHANGES)
def test_what_is_built(name: str, machine: Machine, tmp_path: Path, env: dict[str, str | None]) -> None:
    root = made(tmp_path)
    settled(machine, root, env)
    CHANGES[name](root)
    assert SAME not in hook(machine, root, env)
    # And it is what a build with an empty cache makes of it.
    fresh = {**env, "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "fresh")}
    hook(machine, root, fresh, tmp_path / "fresh-dist")
    assert contents(root / "dist") == contents(tmp_path / "fresh-dist")


def contents(dist: Path) -> dict[str, str]:
    """Zips and manifest, but for who installed in which build."""
    return {name: digest for name, digest in artifacts(dist).items() if name.endswith(".zip")}


@pytest.mark.parametrize(
    ("more", "same"),
    [
        ({"SOURCE_DATE_EPOCH": "1700000000"}, False),
        ({"LAMBDA_BACKEND_ONLY": "own"}, False),
        ({"LAMBDA_BACKEND_OUTPUT_DIR": "elsewhere"}, False),
        ({"PIP_BUILD_TRACKER": "somewhere"}, False),
        ({"PATH": os.environ["PATH"] + ":/nowhere"}, True),
        ({"TERM": "other"}, True),
    ],
)
@pytest.mark.network
def test_variables(
    more: dict[str, str], same: bool, machine: Machine, tmp_path: Path, env: dict[str, str | None]
) -> None:
    root = made(tmp_path)
    ours = {"TERM": "xterm"}
    settled(machine, root, {**ours, **env})
    assert (SAME in hook(machine, root, {**ours, **env, **more})) is same


@pytest.mark.network
def test_no_secret_is_kept(machine: Machine, tmp_path: Path, env: dict[str, str | None]) -> None:
    root = project(
        tmp_path / "tiny",
        TABLE + '[tool.lambda.bundling.environment]\nTOKEN = "${TOKEN}"\n',
        files=FILES,
    )
    settled(machine, root, {**env, "TOKEN": "letmein-letmein"})
    cached = [path.read_bytes() for path in (tmp_path / "cache").rglob("*.json")]
    assert not any(b"letmein" in content for content in cached)
    (record,) = (tmp_path / "cache/v1/builds").rglob("record.json")
    assert '"TOKEN":' not in record.read_text("utf-8")


@pytest.mark.network
def test_the_command_does_nothing_either(machine: Machine, tmp_path: Path, env: dict[str, str | None]) -> None:
    root = made(tmp_path)
    command = [machine.python().parent / "lambda-backend", "build"]
    logs = [machine.run(command, cwd=root, env=env).log.splitlines() for _ in range(3)]
    assert SAME not in logs[1]
    assert SAME in logs[2]
    paths = [[line for line in log if line.startswith("/")] for log in logs]
    assert len(paths[0]) == 4
    assert paths[0] == paths[1] == paths[2]


@pytest.mark.network
def test_code_of_the_project_that_runs_is_run(machine: Machine, tmp_path: Path, env: dict[str, str | None]) -> None:
    root = made(tmp_path)
    write(root, {"setup.py": "import setuptools\nsetuptools.setup()\n"})
    for _ in range(3):
        assert SAME not in hook(machine, root, env)


@pytest.mark.network
def test_another_folder(machine: Machine, tmp_path: Path, env: dict[str, str | None]) -> None:
    root = made(tmp_path)
    settled(machine, root, env)
    assert SAME not in hook(machine, root, env, tmp_path / "other")
    assert SAME in hook(machine, root, env, tmp_path / "other")
    assert SAME in hook(machine, root, env)
    assert snapshot(root / "dist") == snapshot(tmp_path / "other")
