"""The real command in a real environment."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import shlex
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.helpers.machine import artifacts, example, manifest, project, write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.helpers.machine import Machine

TABLE = '[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"\n'
BROKEN = f'{TABLE}include = [{{ from = "nothing" }}]\n'


@dataclass(frozen=True, kw_only=True)
class Ended:
    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def command(machine: Machine, tmp_path: Path) -> Callable[..., Ended]:
    """``lambda-backend``, as a user has it on PATH; it has to end well unless the test says otherwise."""

    def run(*words: str | Path, env: Mapping[str, str | None] | None = None, exit_code: int = 0) -> Ended:
        argv = [str(machine.python().with_name("lambda-backend")), *map(str, words)]
        environ = machine.environment(env)
        done = subprocess.run(argv, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == exit_code, done.stdout + done.stderr
        return Ended(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr)

    return run


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class TestBuild:
    @pytest.mark.network
    @pytest.mark.parametrize("name", ["quickstart", "api", "data", "monorepo"])
    def test_examples_as_by_a_frontend(
        self, name: str, machine: Machine, command: Callable[..., Ended], tmp_path: Path
    ) -> None:
        made = example(name, tmp_path / name)
        machine.build(made, out=tmp_path / "frontend")
        result = command("build", made)
        assert artifacts(made / "dist") == artifacts(tmp_path / "frontend")
        paths = result.stdout.splitlines()
        assert sorted(paths) == sorted(map(str, (made / "dist").iterdir()))
        assert paths[0].endswith(".whl")
        assert paths[-1].endswith(".lambda.json")
        assert "of 250 MiB" in result.stderr

    def test_what_the_wheel_backend_prints_is_for_failures(self, command: Callable[..., Ended], tmp_path: Path) -> None:
        made = project(tmp_path / "tiny", TABLE)
        assert "running bdist_wheel" not in command("build", made).stderr
        assert "running bdist_wheel" in command("build", made, "--verbose").stderr
        (made / "tiny/__init__.py").unlink()
        (made / "tiny/app.py").unlink()
        (made / "tiny").rmdir()
        result = command("build", made, exit_code=1)
        assert result.stdout == ""
        assert "running build_py" in result.stderr
        assert "package directory 'tiny' does not exist" in result.stderr

    def test_options(self, command: Callable[..., Ended], tmp_path: Path) -> None:
        layer = f'{TABLE}wheel-backend = "flit_core.buildapi"\n[tool.lambda.layers.deps]\n'
        made = project(tmp_path / "tiny", layer)
        command("build", made, "-o", "out", "--only", "function", "--engine", "host", "-C", "lambda.sbom=false")
        names = [path.name for path in sorted((tmp_path / "out").iterdir())]
        assert names == [
            "tiny-1.0.0-function-python3.13-x86_64.zip",
            "tiny-1.0.0-py2.py3-none-any.whl" if "py2" in names[1] else "tiny-1.0.0-py3-none-any.whl",
            "tiny-1.0.0.lambda.json",
        ]
        assert not (made / "dist").exists()
        assert "no function or layer" in command("build", made, "--only", "functon", exit_code=1).stderr
        assert "Invalid value for '--engine'" in command("build", made, "--engine", "dcoker", exit_code=2).stderr
        assert (
            "-C lambda.engin: unknown setting" in command("build", made, "-C", "lambda.engin=host", exit_code=1).stderr
        )

    def test_the_working_folder_and_the_module(self, machine: Machine, tmp_path: Path) -> None:
        made = project(tmp_path / "tiny", TABLE)
        machine.run([machine.python(), "-m", "lambda_backend", "build"], cwd=made)
        assert set(artifacts(made / "dist")) == {"tiny-1.0.0-function-python3.13-x86_64.zip", "tiny-1.0.0.lambda.json"}

    def test_the_wheel_alone(self, command: Callable[..., Ended], tmp_path: Path) -> None:
        made = project(tmp_path / "tiny", TABLE)
        result = command("build", made, "-C", "lambda=off")
        assert [path.rpartition("/")[2] for path in result.stdout.splitlines()] == ["tiny-1.0.0-py3-none-any.whl"]

    def test_frontends_variables_mean_nothing_here(self, command: Callable[..., Ended], tmp_path: Path) -> None:
        made = project(tmp_path / "tiny", TABLE)
        write(tmp_path / "tiny/dist", {"CACHEDIR.TAG": ""})
        result = command("build", made, env={"PIP_BUILD_TRACKER": "/x", "UV": "/x"})
        assert len(result.stdout.splitlines()) == 3

    @pytest.mark.network
    def test_without_the_usual_cache(self, machine: Machine, command: Callable[..., Ended], tmp_path: Path) -> None:
        made = project(tmp_path / "tiny", TABLE, dependencies='["idna==3.10"]')
        cache = tmp_path / "cache"
        env = {"LAMBDA_BACKEND_CACHE_DIR": str(cache), "TMPDIR": str(tmp_path / "tmp")}
        (tmp_path / "tmp").mkdir()
        for _ in range(2):
            assert "installing 1 distribution" in command("build", made, "--no-cache", env=env).stderr
        assert not cache.exists()
        assert list((tmp_path / "tmp").iterdir()) == []
        command("build", made, env=env)
        assert cache.is_dir()
        assert machine.cache != cache

    @pytest.mark.network
    def test_what_is_missing_here_makes_an_isolated_environment(
        self, command: Callable[..., Ended], tmp_path: Path
    ) -> None:
        made = project(tmp_path / "tiny", f'{TABLE}wheel-backend = "flit_core.buildapi"\n')
        text = (made / "pyproject.toml").read_text()
        (made / "pyproject.toml").write_text(text.replace('["lambda-backend"]', '["lambda-backend", "flit_core<3.12"]'))
        result = command("build", made)
        assert [path.rpartition("/")[2] for path in result.stdout.splitlines()] == [
            "tiny-1.0.0-py3-none-any.whl",
            "tiny-1.0.0-function-python3.13-x86_64.zip",
            "tiny-1.0.0.lambda.json",
        ]
        (made / "tiny/app.py").write_text("syntax error")
        (made / "pyproject.toml").write_text((made / "pyproject.toml").read_text() + "\nnothing = 1\n")
        failed = command("build", made, exit_code=1)
        assert "tool.lambda.nothing: unknown key" in failed.stderr
        assert failed.stdout == ""

    @pytest.mark.network
    def test_a_backend_around_ours(self, command: Callable[..., Ended], tmp_path: Path) -> None:
        made = project(tmp_path / "tiny", TABLE, files={"around/mine.py": AROUND})
        text = (made / "pyproject.toml").read_text()
        (made / "pyproject.toml").write_text(text.replace('"lambda_backend"', '"mine"\nbackend-path = ["around"]'))
        result = command("build", made)
        assert "mine was called" in result.stderr
        assert len(result.stdout.splitlines()) == 3

    @pytest.mark.parametrize(
        ("backend", "words"),
        [
            ('build-backend = "hatchling.build"', 'build-system.build-backend is "hatchling.build"'),
            ("", "build-system.build-backend is not set"),
        ],
    )
    def test_a_project_of_another_backend(
        self, backend: str, words: str, command: Callable[..., Ended], tmp_path: Path
    ) -> None:
        made = project(tmp_path / "tiny", TABLE)
        text = (made / "pyproject.toml").read_text()
        (made / "pyproject.toml").write_text(text.replace('build-backend = "lambda_backend"', backend))
        result = command("build", made, exit_code=1)
        assert words in result.stderr
        assert 'build-backend = "lambda_backend"' in result.stderr

    def test_many(self, command: Callable[..., Ended], tmp_path: Path) -> None:
        good = [project(tmp_path / name, TABLE) for name in ("a", "b", "c")]
        bad = project(tmp_path / "bad", BROKEN)
        result = command("build", *good, bad, good[0], "--jobs", "2", exit_code=1)
        made = {path for folder in good for path in map(str, (folder / "dist").iterdir())}
        assert set(result.stdout.splitlines()) == made
        assert len(made) == 9
        assert not list((bad / "dist").iterdir())
        blocks = result.stderr.split("lambda-backend: built ")
        assert len(blocks) == 4
        for block in blocks[1:]:
            # What one build says is in one piece, with its own table.
            assert block.count("of 250 MiB") == 1
            folder = block.partition(" in ")[0]
            assert f"1 in {folder}/dist" in block
        assert f"lambda-backend: failed {bad} in " in result.stderr
        assert result.stderr.count("lambda-backend: error:") == 1
        assert result.stderr.endswith(f"lambda-backend: 1 of 4 projects failed: {bad}\n")

    def test_many_into_one_folder(self, command: Callable[..., Ended], tmp_path: Path) -> None:
        folders = [project(tmp_path / name, TABLE) for name in ("a", "b")]
        text = (folders[1] / "pyproject.toml").read_text()
        (folders[1] / "pyproject.toml").write_text(text.replace('version = "1.0.0"', 'version = "2.0.0"'))
        command("build", *folders, "--output-dir", "out", "--no-cache")
        assert len(list((tmp_path / "out").glob("*.lambda.json"))) == 2

    @pytest.mark.network
    def test_an_edit_costs_little_more_than_the_hook_itself(self, machine: Machine, tmp_path: Path) -> None:
        made = example("data", tmp_path / "data")
        machine.build(made)
        hook = "import lambda_backend; lambda_backend.build_wheel('dist')"
        command = machine.python().with_name("lambda-backend")
        ways = {"hook": [machine.python(), "-c", hook], "command": [command, "build"]}
        best: dict[str, float] = {}
        for number in range(5):
            for name, argv in ways.items():
                (made / "stats/edit.py").write_text(f"{name} = {number}\n")
                started = time.monotonic()
                machine.run(argv, cwd=made)
                best[name] = min(best.get(name, 99), time.monotonic() - started)
        assert best["command"] < best["hook"] * 1.3 + 0.1, best

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_many_end_together(self, number: signal.Signals, machine: Machine, tmp_path: Path) -> None:
        slow = {"setup.py": "import os, time\nopen('started', 'w').write(str(os.getpid()))\ntime.sleep(60)\n"}
        folders = [project(tmp_path / name, TABLE, files=slow) for name in ("a", "b")]
        argv = [str(machine.python().with_name("lambda-backend")), "build", "--jobs", "2", *map(str, folders)]
        process = subprocess.Popen(argv, env=machine.environment(), stderr=subprocess.PIPE, text=True)
        _wait_for(lambda: all((folder / "started").exists() for folder in folders))
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
        assert process.returncode == 128 + number
        for folder in folders:
            pid = int((folder / "started").read_text())
            _wait_for(lambda pid=pid: not _runs(pid))
            assert not list((folder / "dist").glob("*.whl"))
        if number is signal.SIGINT:
            assert "interrupted; 0 of 2 projects were built" in said


AROUND = """
import sys
from lambda_backend import *
import lambda_backend

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    print("mine was called", file=sys.stderr)
    return lambda_backend.build_wheel(wheel_directory, config_settings, metadata_directory)

def build_sdist(sdist_directory, config_settings=None):
    return lambda_backend.build_sdist(sdist_directory, config_settings)

def get_requires_for_build_wheel(config_settings=None):
    return lambda_backend.get_requires_for_build_wheel(config_settings)
"""


def _wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux: the other end is closed
        return b""


def test_a_terminal_shows_that_long_work_goes_on(machine: Machine, tmp_path: Path) -> None:
    """A pseudo terminal of our own: the wheel turns while a command of the project's runs, and leaves only lines."""
    table = f"{TABLE}bundling = {{ before = ['sleep 3'] }}\n"
    made = project(tmp_path / "tiny", table)
    environ = machine.environment({"TERM": "xterm-256color", "CI": None, "NO_COLOR": None})
    argv = [str(machine.python().with_name("lambda-backend")), "build", str(made)]
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(argv, env=environ, stdout=subprocess.DEVNULL, stderr=theirs, stdin=theirs)
        os.close(theirs)
        said = b"".join(iter(lambda: _read(ours), b""))
        assert process.wait() == 0
    finally:
        os.close(ours)
    text = said.decode()
    assert any(frame in text for frame in "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"), text
    assert text.endswith(f"1 in {made}/dist\r\n")
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") > 0  # the cursor is back


def test_plain_lines_in_ci(machine: Machine, command: Callable[..., Ended], tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", f"{TABLE}bundling = {{ before = ['sleep 1'] }}\n")
    result = command("build", made, env={"CI": "1"})
    assert "\x1b" not in result.stderr
    assert all(line.isprintable() for line in result.stderr.splitlines())
    assert machine.cache.is_dir()


@pytest.mark.network
def test_two_versions_of_a_zip(command: Callable[..., Ended], tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", TABLE, files={"requirements.txt": "idna==3.9\n"})
    zips = []
    for version in ("3.9", "3.10"):
        (made / "requirements.txt").write_text(f"idna=={version}\n")
        (made / "tiny/extra.py").write_text(f"version = {version}\n")
        command("build", made, "-o", tmp_path / version)
        zips.append(next((tmp_path / version).glob("*.zip")))
    assert command("diff", zips[0], zips[0]).stdout == "the zips have the same bytes\n"
    found = json.loads(command("diff", *zips, "--json", exit_code=1).stdout)
    changed = {item["name"]: (item["old"]["version"], item["new"]["version"]) for item in found["packages"]}
    assert changed == {"idna": ("3.9", "3.10"), "tiny": ("1.0.0", "1.0.0")}
    assert "tiny/extra.py" in found["files"]["changed"]
    said = command("diff", *zips, exit_code=1).stdout
    assert [line.split()[:4] for line in said.splitlines() if "3.9" in line] == [["idna", "3.9", "→", "3.10"]]


@pytest.mark.network
def test_inspect_says_what_the_manifest_says(command: Callable[..., Ended], tmp_path: Path) -> None:
    made = example("data", tmp_path / "data")
    command("build", made)
    for artifact in manifest(made / "dist")["artifacts"]:
        found = json.loads(command("inspect", made / "dist" / artifact["file"], "--json").stdout)
        assert (found["size"], found["unzipped_size"]) == (artifact["size"], artifact["unzipped_size"])
        assert found["manifest"]["artifact"] == artifact
        sizes = {item["name"]: item["unzipped_size"] for item in found["packages"]}
        for requirement in artifact["requirements"]:
            assert sizes[requirement["name"]] == requirement["unzipped_size"]


def test_a_closed_pipe_is_no_defect(machine: Machine, tmp_path: Path) -> None:
    line = f"{shlex.quote(str(machine.python().with_name('lambda-backend')))} schema | head -c 5"
    done = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, env=machine.environment(), capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ('{\n  "', "")


def test_doctor_here(command: Callable[..., Ended], tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", TABLE)
    found = json.loads(command("doctor", made, "--json").stdout)
    assert found["engine"] == "host"
    assert found["uv"] is not None
    assert found["problems"] == []
    assert command("doctor", made).stdout.endswith("nothing is wrong\n")
    named = command("doctor", made, env={"LAMBDA_BACKEND_ENGINE": "finch", "PATH": str(tmp_path)}, exit_code=1)
    assert "error: engine finch: finch is not installed" in named.stdout


def test_the_cache(command: Callable[..., Ended], tmp_path: Path) -> None:
    env = {"LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")}
    made = project(tmp_path / "tiny", f"{TABLE}bundling = {{ before = ['true'] }}\n")
    command("build", made, env=env)
    assert json.loads(command("cache", "info", "--json", env=env).stdout)["entries"] > 0
    command("cache", "clean", env=env)
    assert json.loads(command("cache", "info", "--json", env=env).stdout)["entries"] == 0
