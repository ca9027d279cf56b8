"""Handlers on this machine, by Lambda's own runtime client: what they see, and what is said of those that fail."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from lambda_backend.running.model import Invocation
    from tests.unit.running.conftest import Runner

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Lambda's runtime client is for Linux")


def answer(found: Invocation) -> Any:  # noqa: ANN401 - any JSON value
    assert not found.failed, found.payload
    return json.loads(found.payload)


def error(found: Invocation) -> dict[str, Any]:
    assert found.failed, found.payload
    document: dict[str, Any] = json.loads(found.payload)
    return document


def test_a_handler_gets_its_event_and_answers(runner: Runner) -> None:
    found = runner.invoke(
        "def handler(event, context):\n    return {'got': event}\n", '{"name": "Zoë", "n": [1, null]}'
    )
    assert answer(found) == {"got": {"name": "Zoë", "n": [1, None]}}


def test_the_figures_are_plausible(runner: Runner) -> None:
    code = """
import time
time.sleep(0.3)
def handler(event, context):
    time.sleep(0.2)
    return len(b'x' * (50 << 20))
"""
    found = runner.invoke(code)
    assert answer(found) == 50 << 20
    assert found.init_seconds is not None
    assert 0.3 < found.init_seconds < 5
    assert 0.2 < found.seconds < 5
    assert found.billed_ms >= (found.init_seconds + found.seconds) * 1000
    assert 60 << 20 < found.peak_bytes < 100 << 20
    report = runner.log[-1]
    assert report.startswith(f"REPORT RequestId: {found.request_id}\tDuration: ")
    assert f"Billed Duration: {found.billed_ms} ms\tMemory Size: 128 MB\tMax Memory Used: " in report
    assert "Init Duration: " in report
    assert "Status" not in report


def test_the_log_has_lambda_s_lines_around_the_handler_s_own(runner: Runner) -> None:
    code = (
        "import logging, os, sys\nprint('importing')\n"
        "def handler(event, context):\n"
        "    print('to stdout'); print('to stderr', file=sys.stderr)\n"
        "    os.system('echo from a child')\n"
        "    logging.getLogger().warning('logged')\n"
    )
    found = runner.invoke(code)
    assert answer(found) is None
    kinds = [line.split("\t")[-1] if line.startswith("[WARNING]") else line for line in runner.log[:-1]]
    assert kinds == [
        "importing",
        f"START RequestId: {found.request_id} Version: $LATEST",
        "to stdout",
        "to stderr",
        "from a child",
        "logged",
        f"END RequestId: {found.request_id}",
    ]


def test_the_context_is_lambda_s(runner: Runner) -> None:
    code = (
        "def handler(event, context):\n"
        "    return [context.function_name, context.memory_limit_in_mb, context.invoked_function_arn,\n"
        "            context.aws_request_id, context.get_remaining_time_in_millis()]\n"
    )
    found = runner.invoke(code, timeout=7, memory=256, environment={"AWS_REGION": "eu-west-1"})
    name, memory, arn, request_id, left = answer(found)
    assert (name, memory, request_id) == ("shop", "256", found.request_id)
    assert arn == "arn:aws:lambda:eu-west-1:123456789012:function:shop"
    assert 5000 < left <= 7000


def test_nothing_of_this_machine_is_seen(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither variables nor packages: this process has pytest and packaging, and both see them."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of this machine")
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere")
    code = (
        "import importlib.util, os, sys\n"
        "def handler(event, context):\n"
        "    found = [name for name in event if importlib.util.find_spec(name)]\n"
        "    return [found, dict(os.environ), sys.path, sys.argv, os.path.expanduser('~')]\n"
    )
    names = ["pytest", "packaging", "lambda_backend", "sandbox", "sitecustomize", "usercustomize", "json", "app"]
    found, environment, path, argv, home = answer(
        runner.invoke(code, json.dumps(names), environment={"TABLE": "orders", "EMPTY": ""})
    )
    assert found == ["json", "app"]
    assert environment["TABLE"] == "orders"
    assert environment["EMPTY"] == ""
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "shop"
    assert environment["_HANDLER"] == "app.handler"
    assert environment.keys() & os.environ.keys() <= {"PATH", "HOME", "LANG", "TZ", "LC_CTYPE", "TMPDIR"}
    assert environment["PATH"] != os.environ["PATH"]
    root = environment["LAMBDA_TASK_ROOT"].removesuffix("/var/task")
    version = "python{}.{}".format(*sys.version_info)
    assert path[:3] == [f"{root}/var/task", f"{root}/opt/python/lib/{version}/site-packages", f"{root}/opt/python"]
    assert not [folder for folder in path if "site-packages" in folder and not folder.startswith(root)]
    assert argv == [f"{root}/var/runtime/bootstrap.py"]
    assert home.startswith(root)
    assert not Path(home).exists()
    assert not Path(root).exists()


def test_the_function_finds_little_imported(runner: Runner) -> None:
    """What is imported before the function does not count as its own time and memory."""
    code = "import sys\nhad = set(sys.modules)\ndef handler(event, context):\n    return sorted(had)\n"
    had = set(answer(runner.invoke(code)))
    assert "awslambdaric.bootstrap" in had
    assert not had & {"http.server", "ctypes", "subprocess", "pathlib", "typing", "typing_extensions", "sandbox"}


def test_layers_come_after_the_function_and_later_ones_over_earlier(runner: Runner) -> None:
    code = """
import a, b, c, pathlib
def handler(event, context):
    opt = pathlib.Path(b.__file__).parents[1]
    return [a.x, b.x, c.x, (opt / 'data').read_text()]
"""
    first = {"python/a.py": "x = 'layer 1'", "python/b.py": "x = 'layer 1'", "python/c.py": "x = 'layer 1'"}
    site = "python/lib/python{}.{}/site-packages".format(*sys.version_info)
    second = {"python/b.py": "x = 'layer 2'", f"{site}/c.py": "x = 'site'", "data": "shared"}
    found = runner.invoke(code, files={"a.py": "x = 'function'"}, layers=[first, second])
    assert answer(found) == ["function", "layer 2", "site", "shared"]


def test_pth_files_of_function_and_layers_count(runner: Runner) -> None:
    """As in Lambda, whose bootstrap makes site folders of them."""
    code = "import inner, outer\ndef handler(event, context):\n    return [inner.x, outer.x]\n"
    files = {"here.pth": "vendored\n", "vendored/inner.py": "x = 1"}
    layer = {"python/there.pth": "more\n", "python/more/outer.py": "x = 2"}
    assert answer(runner.invoke(code, files=files, layers=[layer])) == [1, 2]


def test_a_pythonpath_of_the_user_takes_the_layers_place(runner: Runner) -> None:
    code = "import sys\ndef handler(event, context):\n    return sys.path\n"
    path = answer(runner.invoke(code, environment={"PYTHONPATH": "/opt/mine"}))
    assert path[1] == "/opt/mine"
    assert not [folder for folder in path if folder.endswith("/opt/python")]


def test_an_exception_is_told_as_lambda_does(runner: Runner) -> None:
    code = "def handler(event, context):\n    inner()\ndef inner():\n    raise ValueError('no such order')\n"
    found = runner.invoke(code)
    told = error(found)
    assert told["errorType"] == "ValueError"
    assert told["errorMessage"] == "no such order"
    assert told["requestId"] == found.request_id
    assert [frame.splitlines()[0] for frame in told["stackTrace"]] == [
        '  File "/var/task/app.py", line 2, in handler',
        '  File "/var/task/app.py", line 4, in inner',
    ]
    assert "[ERROR] ValueError: no such order" in runner.log
    assert any('File "/var/task/app.py", line 4, in inner' in line for line in runner.log)
    assert runner.log[-1].endswith("\tStatus: error\tError Type: ValueError")


def test_a_handler_that_takes_too_long_is_ended(runner: Runner) -> None:
    found = runner.invoke("import time\ndef handler(event, context):\n    time.sleep(60)\n", timeout=1)
    assert error(found) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {found.request_id} Error: Task timed out after 1.00 seconds",
    }
    assert 1 <= found.seconds < 3
    assert runner.log[-3].endswith(f" {found.request_id} Task timed out after 1.00 seconds")
    assert runner.log[-1].endswith("\tStatus: timeout")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os\ndef handler(event, context):\n    os._exit(0)\n", "Runtime exited without providing a reason"),
        ("import os\ndef handler(event, context):\n    os._exit(5)\n", "Runtime exited with error: exit status 5"),
        ("import sys\ndef handler(event, context):\n    sys.exit(3)\n", "Runtime exited with error: exit status 3"),
        (
            "import os, signal\ndef handler(event, context):\n    os.kill(os.getpid(), signal.SIGSEGV)\n",
            "Runtime exited with error: signal: segmentation fault",
        ),
        ("import os\nos._exit(7)\n", "Runtime exited with error: exit status 7"),
    ],
    ids=["exit 0", "exit 5", "sys.exit", "segmentation fault", "exit at import"],
)
def test_a_function_that_ends_is_told_as_lambda_does(runner: Runner, code: str, words: str) -> None:
    found = runner.invoke(code)
    assert error(found) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {found.request_id} Error: {words}",
    }
    assert runner.log[-4:-2] == [f"RequestId: {found.request_id} Error: {words}", "Runtime.ExitError"]


def test_a_handler_that_takes_too_much_memory_is_ended(runner: Runner) -> None:
    code = "import time\ndef handler(event, context):\n    held = b'x' * (200 << 20)\n    time.sleep(30)\n"
    found = runner.invoke(code, timeout=20)
    assert error(found) == {
        "errorType": "Runtime.OutOfMemory",
        "errorMessage": f"RequestId: {found.request_id} Error: Runtime exited with error: signal: killed",
    }
    assert found.peak_bytes > 128 << 20
    assert found.seconds < 10


def test_memory_that_was_let_go_of_counts(runner: Runner) -> None:
    """The peak is the kernel's own, so that none between two looks is missed."""
    code = "def handler(event, context):\n    return len(b'x' * (150 << 20))\n"
    assert error(runner.invoke(code))["errorType"] == "Runtime.OutOfMemory"
    found = runner.invoke(code, memory=256)
    assert answer(found) == 150 << 20
    assert found.peak_bytes > 150 << 20


def test_memory_of_children_counts(runner: Runner) -> None:
    code = """
import subprocess, sys
def handler(event, context):
    subprocess.run([sys.executable, '-S', '-c', 'import time; held = b"x" * (150 << 20); time.sleep(9)'])
"""
    found = runner.invoke(code)
    assert error(found)["errorType"] == "Runtime.OutOfMemory"
    assert found.seconds < 8


def test_memory_that_forks_share_counts_once(runner: Runner) -> None:
    code = """
import os, time
def handler(event, context):
    held = b'x' * (60 << 20)
    pids = []
    for _ in range(4):
        pids.append(os.fork())
        if not pids[-1]:
            time.sleep(0.5)
            os._exit(0)
    for pid in pids:
        os.waitpid(pid, 0)
    return len(held)
"""
    assert answer(runner.invoke(code)) == 60 << 20


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        (
            "import nowhere.at_all\n",
            "Runtime.ImportModuleError",
            "Unable to import module 'app': No module named 'nowhere'",
        ),
        ("def handler(:\n", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("raise RuntimeError('no table')\n", "RuntimeError", "no table"),
        (
            "def handler(event, context):\n    return {1, 2}\n",
            "Runtime.MarshalError",
            "Unable to marshal response: Object of type set is not JSON serializable",
        ),
        (
            "def handler(event, context):\n    return 'x' * 7_000_000\n",
            "Function.ResponseSizeTooLarge",
            "6291556 bytes",
        ),
    ],
    ids=["missing module", "syntax", "missing attribute", "raises", "no JSON", "too large"],
)
def test_what_the_runtime_client_refuses(runner: Runner, code: str, kind: str, message: str) -> None:
    told = error(runner.invoke(code))
    assert told["errorType"] == kind
    assert message in told["errorMessage"]
    assert runner.log[-1].endswith(f"\tStatus: error\tError Type: {kind}")


def test_bytes_are_handed_on_as_they_are(runner: Runner) -> None:
    found = runner.invoke("def handler(event, context):\n    return b'\\xff\\x00raw'\n")
    assert not found.failed
    assert found.payload.encode("utf-8", "surrogateescape") == b"\xff\x00raw"


def test_nothing_that_it_started_is_left(runner: Runner, tmp_path: Path) -> None:
    """Not even what has left its session, and its parent."""
    pids = tmp_path / "pids"
    code = (
        "import os, subprocess, sys, time\n"
        "def handler(event, context):\n"
        "    if not os.fork():\n"
        "        os.setsid()\n"
        "        if os.fork(): os._exit(0)\n"
        "        open(event, 'a').write(f'{os.getpid()}\\n')\n"
        "        time.sleep(300)\n"
        "    os.wait()\n"
        "    child = subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
        "    while not os.path.exists(event): time.sleep(0.01)\n"
        "    open(event, 'a').write(f'{child.pid}\\n')\n"
        "    return 'done'\n"
    )
    assert answer(runner.invoke(code, json.dumps(str(pids)))) == "done"
    found = [int(line) for line in pids.read_text().split()]
    assert len(found) == 2
    end = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in found) and time.monotonic() < end:
        time.sleep(0.05)
    assert not [pid for pid in found if Path(f"/proc/{pid}").exists()]


def test_a_stage_serves_more_than_once(runner: Runner) -> None:
    from lambda_backend.running.model import Configuration

    with runner.stage(
        {"app.py": "count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return count\n"}
    ) as stage:
        assert [answer(stage.invoke("{}", Configuration())) for _ in range(2)] == [1, 1]
        assert stage.import_handler(Configuration()).ok


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_the_function_cannot_write_beside_its_code(runner: Runner) -> None:
    code = "def handler(event, context):\n    open(__file__ + '.new', 'w')\n"
    assert error(runner.invoke(code))["errorType"] == "PermissionError"
