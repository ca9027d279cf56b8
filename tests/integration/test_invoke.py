"""``lambda-backend invoke`` as a person calls it: every example and every way to fail, here and in containers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.containers import containers_of, engine_command
from tests.helpers.engine_answers import engine_environment
from tests.helpers.interpreters import require_interpreter
from tests.helpers.machine import EXAMPLES, example, manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.helpers.machine import Machine

pytestmark = pytest.mark.network

NAMES = ("api", "data", "monorepo", "native", "quickstart")
ENGINES = ["host", *(pytest.param(engine, marks=pytest.mark.engine) for engine in ("docker", "podman"))]
ROOMY = ("--timeout", "120", "--memory", "1024")
"""Machines of tests are slow."""

FAULTS = """
import ctypes, os, sys, time

def works(event, context):
    print("working")
    return event

def raises(event, context):
    raise ValueError("no such order")

def hangs(event, context):
    time.sleep(600)

def exits(event, context):
    os._exit(9)

def breaks(event, context):
    ctypes.string_at(0)

def hogs(event, context):
    held = b"x" * (400 << 20)
    time.sleep(60)

def gives_no_json(event, context):
    return {1, 2}

def looks(event, context):
    import importlib.util
    return [dict(os.environ), [name for name in event if importlib.util.find_spec(name)]]
"""
MODULES = {
    "app.py": FAULTS,
    "lacks.py": "import not_in_the_zip.at_all\n",
    "broken.py": "def handler(:\n",
    "stops.py": "raise RuntimeError('TABLE is not set')\n",
}


class Command:
    """The command of an installed backend, on a machine that has every Python on PATH."""

    def __init__(self, machine: Machine, environment: Mapping[str, str]) -> None:
        self._python = machine.python()
        pythons = {require_interpreter(version).parent for version in ("3.11", "3.13")}
        clean = machine.environment(environment)
        self.environment = {**clean, "PATH": os.pathsep.join([*map(str, pythons), clean["PATH"]]), "ONLY_HERE": "1"}

    def argv(self, *arguments: str | Path) -> list[str]:
        return [str(self._python), "-m", "lambda_backend", "invoke", *map(str, arguments)]

    def __call__(self, *arguments: str | Path, event: object = None) -> subprocess.CompletedProcess[str]:
        given = [] if "--event" in arguments else ["--event", "-"]
        return subprocess.run(
            self.argv(*arguments, *given),
            env=self.environment,
            input=json.dumps(event),
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def built(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Builds an example once, and gives its dist/."""
    done: dict[str, Path] = {}

    def build(name: str) -> Path:
        if name not in done:
            project = example(name, tmp_path_factory.mktemp(name) / name)
            machine.build(project, env=engine_environment("docker" if name == "native" else "host"))
            done[name] = project / "dist"
        return done[name]

    return build


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def invoke(machine: Machine, engine: str) -> Command:
    return Command(machine, engine_environment(engine))


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faults") / "faults.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in MODULES.items():
            archive.writestr(name, text)
    return path


@pytest.mark.parametrize(
    ("engine", "name"),
    [
        *(("host", name) for name in NAMES),
        *(pytest.param("docker", name, marks=pytest.mark.engine) for name in ("data", "native", "quickstart")),
        *(pytest.param("podman", name, marks=pytest.mark.engine) for name in ("api", "monorepo", "native")),
    ],
    indirect=["engine"],
)
def test_every_example_answers(name: str, invoke: Command, engine: str, built: Callable[[str], Path]) -> None:
    """By the manifest alone: runtime, handler and layers are in it."""
    dist = built(name)
    functions = [item for item in manifest(dist)["artifacts"] if item["kind"] == "function"]
    assert functions
    for item in functions:
        events = EXAMPLES / name / "tests/events"
        done = invoke(dist / item["file"], "--event", events / f"{item['name']}.json", *ROOMY)
        assert done.returncode == 0, done.stdout + done.stderr
        expected = json.loads((events / f"{item['name']}.answer.json").read_text("utf-8"))
        found = json.loads(done.stdout)
        assert {key: found.get(key) for key in expected} == expected
        assert f"{item['name']} runs {'on the host (' if engine == 'host' else 'in public.ecr.aws/'}" in done.stderr
        assert "REPORT RequestId: " in done.stderr


def test_auto_takes_this_machine_where_it_can(machine: Machine, built: Callable[[str], Path]) -> None:
    (path,) = built("quickstart").glob("*.zip")
    command = Command(machine, {"LAMBDA_BACKEND_ENGINE": "auto"})
    done = command(path, *ROOMY, event={"name": "Ada"})
    assert done.returncode == 0, done.stderr
    assert "runs on the host (" in done.stderr


@pytest.mark.engine
def test_auto_takes_an_engine_where_this_machine_has_no_such_python(
    machine: Machine, built: Callable[[str], Path]
) -> None:
    (path,) = built("quickstart").glob("*.zip")
    command = Command(machine, {**engine_environment("docker"), "LAMBDA_BACKEND_ENGINE": "auto"})
    command.environment["PATH"] = "/usr/bin:/bin"
    done = command(path, *ROOMY, event={"name": "Ada"})
    assert done.returncode == 0, done.stderr
    if "runs on the host" not in done.stderr:  # a machine's own Python may be of that version
        assert "there is no Python 3.13 on PATH, and uv finds none: taking docker" in done.stderr


EXIT = "Error: Runtime exited with error: "
EVERYWHERE = {
    "app.raises": ("ValueError", "no such order"),
    "app.hangs": ("Sandbox.Timedout", "Error: Task timed out after 2.00 seconds"),
    "app.exits": ("Runtime.ExitError", f"{EXIT}exit status 9"),
    "app.hogs": ("Runtime.OutOfMemory", f"{EXIT}signal: killed"),
    "lacks.handler": ("Runtime.ImportModuleError", "No module named 'not_in_the_zip'"),
}
HERE = {
    "app.breaks": ("Runtime.ExitError", f"{EXIT}signal: segmentation fault"),
    "app.gives_no_json": ("Runtime.MarshalError", "Unable to marshal response"),
    "app.is_not_there": ("Runtime.HandlerNotFound", "Handler 'is_not_there' missing on module 'app'"),
    "broken.handler": ("Runtime.UserCodeSyntaxError", "Syntax error in module 'broken'"),
    "stops.handler": ("RuntimeError", "TABLE is not set"),
}
"""What the runtime client tells, which is one wherever it runs."""
OPTIONS = {"app.hangs": ("--timeout", "2"), "app.hogs": ("--timeout", "60")}
FAILURES = [
    *(
        pytest.param(name, handler, *told, id=f"{name}-{handler}", marks=pytest.mark.engine)
        for name in ("docker", "podman")
        for handler, told in EVERYWHERE.items()
        if name == "docker" or handler in {"app.hangs", "app.exits", "app.hogs"}  # what the engine has a part in
    ),
    *(pytest.param("host", handler, *told, id=f"host-{handler}") for handler, told in {**EVERYWHERE, **HERE}.items()),
]


@pytest.mark.parametrize(("engine", "handler", "kind", "message"), FAILURES)
def test_a_handler_that_fails_is_told_as_lambda_does(
    invoke: Command, faults: Path, handler: str, kind: str, message: str
) -> None:
    done = invoke(faults, "--runtime", "python3.13", "--handler", handler, *OPTIONS.get(handler, ROOMY))
    assert done.returncode == 1, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["errorType"] == kind
    assert message in told["errorMessage"]
    status = "Status: timeout" if kind == "Sandbox.Timedout" else f"Error Type: {kind}"
    assert done.stderr.rstrip().endswith(status)


def test_nothing_of_this_machine_is_seen(invoke: Command, faults: Path) -> None:
    names = ["lambda_backend", "click", "pip", "build", "json", "boto3"]
    options = ["--runtime", "python3.13", "--handler", "app.looks", *ROOMY]
    done = invoke(faults, *options, "--env", "TABLE=orders", "--env", "ONLY_HERE", event=names)
    assert done.returncode == 0, done.stderr
    environment, found = json.loads(done.stdout)
    assert found == ["json", "boto3"], "the standard library, and what the runtime brings"
    assert environment["TABLE"] == "orders"
    assert environment["ONLY_HERE"] == "1"
    done = invoke(faults, *options, event=[])
    environment, _ = json.loads(done.stdout)
    assert "ONLY_HERE" not in environment
    assert not [name for name in environment if name.startswith(("LAMBDA_BACKEND", "UV_", "PIP_", "DOCKER"))]


def test_the_figures_are_plausible(invoke: Command, faults: Path) -> None:
    done = invoke(faults, "--runtime", "python3.13", "--handler", "app.works", *ROOMY, event=[1])
    assert json.loads(done.stdout) == [1]
    (report,) = (line for line in done.stderr.splitlines() if line.startswith("REPORT "))
    figures = dict(part.split(": ", 1) for part in report.split("\t"))
    assert 10 <= int(figures["Max Memory Used"].removesuffix(" MB")) <= 100
    assert 0 < float(figures["Init Duration"].removesuffix(" ms")) < 10_000
    assert 0 < float(figures["Duration"].removesuffix(" ms")) < 5000
    lines = done.stderr.splitlines()
    assert [line.split()[0] for line in lines[-4:]] == ["START", "working", "END", "REPORT"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_nothing_is_left_when_it_is_ended(invoke: Command, engine: str, faults: Path, number: signal.Signals) -> None:
    event = faults.with_name("event.json")
    event.write_text("null", "utf-8")
    options = ["--runtime", "python3.13", "--handler", "app.hangs", "--timeout", "600", "--event", event]
    with subprocess.Popen(
        invoke.argv(faults, *options),
        env=invoke.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As from a terminal: a shell's background jobs ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("START "):
                break
        started = below(process.pid)
        assert engine != "host" or len(started) >= 2
        process.send_signal(number)
        _, log = process.communicate(timeout=60)
    assert process.returncode == (130 if number == signal.SIGINT else 143), log
    assert "Traceback" not in log
    end = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in started) and time.monotonic() < end:
        time.sleep(0.1)
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]
    if engine != "host":
        assert containers_of(engine_command(engine), process.pid) == []
    temporary = Path(invoke.environment["LAMBDA_BACKEND_CACHE_DIR"], "v1/tmp")
    assert [path for path in temporary.iterdir() if path.is_dir()] == []


def below(parent: int) -> list[int]:
    """All that a process started, and what that started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text("utf-8", "replace").rpartition(")")[2].split()[1]) == parent:
                pid = int(path.parent.name)
                found += [pid, *below(pid)]
    return found


def test_wrong_usage_is_2_and_names_the_option(machine: Machine, faults: Path) -> None:
    command = Command(machine, {})
    done: Any = command(faults, "--runtime", "python3.13")
    assert done.returncode == 2
    assert "--handler" in done.stderr
    assert done.stdout == ""
