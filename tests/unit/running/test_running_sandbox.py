"""The sandbox as a process: what it is told, and that it leaves nothing behind however it ends."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lambda_backend.running.model import Configuration, Function
from lambda_backend.running.stage import SandboxStage, Setting, put_sandbox
from lambda_backend.targets import target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

linux = pytest.mark.skipif(sys.platform != "linux", reason="Lambda's runtime client is for Linux")

SLEEPER = """
import os, subprocess, time
def handler(event, context):
    child = subprocess.Popen(['sleep', '300'], start_new_session=True)
    with open(event + '.new', 'w') as file:
        file.write(f'{os.getpid()} {child.pid}')
    os.rename(event + '.new', event)
    time.sleep(300)
"""


@contextlib.contextmanager
def sandbox(folder: Path, client: Path, *, leash: bool) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A sandbox in the middle of an invocation, and the processes of its function."""
    run, task, told = folder / "run", folder / "task", folder / "pids"
    put_sandbox(run)
    task.mkdir()
    (task / "app.py").write_text(SLEEPER, "utf-8")
    version = "{}.{}".format(*sys.version_info)
    function = {"handler": "app.handler", "client": str(client), "task": str(task), "opt": str(folder / "opt")}
    job = {
        "mode": "invoke",
        "name": "shop",
        "event": json.dumps(str(told)),
        "root": "",
        "command": [sys.executable, "-S", "-s", "-B", str(run / "sandbox/function.py")],
        "entry": None,
        "function": {**function, "version": version, "layers": True, "mark": "-"},
        "environment": {"AWS_REGION": "us-east-1", "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}"},
        "timeout": 300,
        "memory": 128,
        "leash": leash,
    }
    (run / "job.json").write_text(json.dumps(job), "utf-8")
    argv = [sys.executable, "-S", "-s", "-B", "-m", "sandbox", "job.json"]
    with subprocess.Popen(argv, cwd=run, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 20
            while not told.exists() and time.monotonic() < end:
                time.sleep(0.02)
            yield process, [int(word) for word in told.read_text().split()]
        finally:
            process.kill()


def alive(pids: list[int]) -> list[int]:
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
            found += [pid] if state != "Z" else []
    return found


def gone(pids: list[int]) -> bool:
    end = time.monotonic() + 5
    while alive(pids) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pids)


@linux
@pytest.mark.parametrize("how", ["leash", "SIGTERM"])
def test_the_function_ends_with_the_sandbox(client: Path, tmp_path: Path, how: str) -> None:
    """A leash is let go of when whoever holds it is killed, too."""
    with sandbox(tmp_path, client, leash=how == "leash") as (process, pids):
        assert len(alive(pids)) == 2
        if how == "leash":
            assert process.stdin is not None
            process.stdin.close()
        else:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 128 + signal.SIGTERM
        assert gone(pids)


@linux
def test_without_a_leash_standard_input_means_nothing(client: Path, tmp_path: Path) -> None:
    """A container's commands have none."""
    with sandbox(tmp_path, client, leash=False) as (process, pids):
        assert process.stdin is not None
        process.stdin.close()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGTERM)
        assert gone(pids)


def staged_job(entry: str | None, environment: Mapping[str, str]) -> tuple[list[str], dict[str, Any]]:
    """What a stage asks a sandbox for."""
    asked: list[tuple[list[str], str]] = []
    answer = {"payload": "1", "failed": False, "request_id": "", "init_seconds": 0.1, "seconds": 0.1, "billed_ms": 200}

    def run(argv: list[str], job: str) -> str:
        asked.append((argv, job))
        return json.dumps({**answer, "peak_bytes": 1})

    setting = Setting(
        where="",
        root="",
        python="/var/lang/bin/python3.13",
        run="/run",
        runtime="/var/runtime" if entry else "/client",
        entry=entry,
        variables={"PATH": "/var/lang/bin"},
        leash=False,
    )
    function = Function(name="f", zip=Path(), layers=(), target=target("python3.13", "arm64"), handler="a.b")
    runs: Callable[[list[str], str], str] = run
    SandboxStage(function, setting, runs).invoke("{}", Configuration(environment=environment))
    ((argv, job),) = asked
    return argv, json.loads(job)


def test_an_image_of_the_runtime_runs_by_its_own_entry_with_all_its_packages() -> None:
    argv, job = staged_job("/var/runtime/bootstrap", {})
    assert argv == ["/var/lang/bin/python3.13", "-S", "-s", "-B", "-m", "sandbox", "job.json"]
    assert job["entry"] == ["/var/runtime/bootstrap"]
    assert job["command"] == ["/var/lang/bin/python3.13", "/run/sandbox/function.py"]
    assert job["function"]["client"] == "/var/runtime"
    # Its bootstrap would take it for the user's, and leave out the layers.
    assert "PYTHONPATH" not in job["environment"]


def test_elsewhere_the_interpreter_is_cut_off_and_has_the_client_alone() -> None:
    _, job = staged_job(None, {"AWS_REGION": "eu-west-1"})
    assert job["entry"] is None
    assert job["command"] == ["/var/lang/bin/python3.13", "-S", "-s", "-B", "/run/sandbox/function.py"]
    assert job["environment"]["PYTHONPATH"] == "/client"
    assert job["environment"]["AWS_REGION"] == "eu-west-1"
    assert job["environment"]["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert job["environment"]["PATH"] == "/var/lang/bin"
    assert job["function"]["layers"]
    assert not staged_job(None, {"PYTHONPATH": "/mine"})[1]["function"]["layers"]
