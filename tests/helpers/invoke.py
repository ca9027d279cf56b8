"""Runs a handler as Lambda does: unpacked artefacts, Lambda's folders and variables, Lambda's own runtime client."""

from __future__ import annotations

import contextlib
import functools
import os
import queue
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.helpers.interpreters import require_interpreter
from tests.helpers.runtime_api import Answer, runtime_api

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def invoke(
    function: Path,
    handler: str,
    event: Any,  # noqa: ANN401 - any JSON value
    *,
    python: str,
    layers: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
    timeout: float = 60,
) -> Answer:
    """The answer of a function's zip to an event.

    Args:
        function: the zip, or a folder that it was unpacked to.
        handler: what Lambda is told to call.
        event: any JSON value.
        python: the runtime's minor version, ``3.13``.
        layers: zips, in the order in which Lambda unpacks them to ``/opt``.
        environment: the function's own variables.
        timeout: seconds for the whole.
    """
    interpreter = require_interpreter(python)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        task, opt, home = root / "var/task", root / "opt", root / "home"
        for folder in (task, opt, home):
            folder.mkdir(parents=True)
        unpack(function, task)
        for layer in layers:
            unpack(layer, opt)
        with runtime_api(event, timeout=timeout) as api:
            variables = {
                "AWS_LAMBDA_RUNTIME_API": api.address,
                **_variables(task, opt, home, python),
                **(environment or {}),
            }
            # -S and -s: nothing of this machine's site-packages; -m puts the working folder, /var/task, first.
            argv = [str(interpreter), "-S", "-s", "-m", "awslambdaric", handler]
            log = root / "log"
            with log.open("wb") as stream:
                process = subprocess.Popen(
                    argv, cwd=task, env=variables, stdout=stream, stderr=stream, start_new_session=True
                )
            try:
                return _await(process, api.answers, timeout, log)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _await(process: subprocess.Popen[bytes], answers: queue.SimpleQueue[Answer], timeout: float, log: Path) -> Answer:
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        ended = process.poll() is not None
        with contextlib.suppress(queue.Empty):
            return answers.get(timeout=0.2)
        assert not ended, f"the runtime client ended ({process.returncode}): {log.read_text()}"
    raise AssertionError(f"no answer in {timeout} s: {log.read_text()}")


def unpack(source: Path, target: Path) -> None:
    """Unpack a zip as Lambda does: with its modes, later ones over earlier ones."""
    with zipfile.ZipFile(source) as archive:
        for member in archive.infolist():
            path = target / member.filename
            assert path.resolve().is_relative_to(target.resolve()), member.filename
            archive.extract(member, target)
            if not member.is_dir():
                path.chmod((member.external_attr >> 16) & 0o777)


def _variables(task: Path, opt: Path, home: Path, python: str) -> dict[str, str]:
    search = (task, opt / f"python/lib/python{python}/site-packages", opt / "python", runtime_client(python))
    return {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{python}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_LAMBDA_FUNCTION_NAME": "example",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/example",
        "AWS_LAMBDA_LOG_STREAM_NAME": "log",
        "AWS_REGION": "eu-west-1",
        "HOME": str(home),
        "LAMBDA_TASK_ROOT": str(task),
        "LANG": "en_US.UTF-8",
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, (task, task / "lib", opt / "lib"))),
        "PATH": f"/usr/local/bin:/usr/bin:/bin:{opt / 'bin'}",
        "PYTHONDONTWRITEBYTECODE": "1",  # /var/task cannot be written to
        "PYTHONPATH": os.pathsep.join(map(str, search)),
        "TZ": ":UTC",
        "_HANDLER": "",
    }


@functools.cache
def runtime_client(python: str) -> Path:
    """A folder that holds awslambdaric and what it needs for a minor version of Python; kept between runs."""
    target = Path(tempfile.gettempdir()) / f"lambda-backend-tests-{os.getuid()}" / f"awslambdaric-{python}"
    if target.is_dir():
        return target
    target.parent.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        argv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", f"{name}/new"]
        argv += ["--python", str(require_interpreter(python)), "--only-binary", ":all:", "awslambdaric>=3"]
        subprocess.run(argv, check=True)
        try:
            Path(name, "new").rename(target)
        except OSError:  # another test run was faster
            assert target.is_dir()
    return target
