"""What the sandbox is asked to do: invoke a function, or only import its handler.

A job is a JSON object:

- ``mode``: ``invoke`` or ``import``;
- ``name``, ``handler``: of the function;
- ``event``: JSON text;
- ``root``: what stands before ``/var/task`` and its like in the function's paths; the function's log and errors have
  Lambda's own paths;
- ``command``: what runs the function, before the mode's own words; ``entry``: the runtime's own way to run it, or null;
- ``function``: the arguments of ``function.py``;
- ``environment``: the function's, without the address of the API;
- ``uncompiled``: import as if no bytecode were there;
- ``timeout``: seconds; ``memory``: MiB, or null for no limit;
- ``leash``: end with standard input.
"""

from __future__ import annotations

import json
import math
import os
import queue
import re
import sys
import threading
import time
import uuid
from typing import Any

from .api import Happening, RuntimeApi, error
from .process import Function, ended_words

__all__ = ["import_handler", "invoke"]

_ACCOUNT = "123456789012"
_INIT_SECONDS = 10
"""The function is then started anew, in the time of the invocation. Source: the lifecycle of the environment."""
_MEBIBYTE = 1 << 20
_SLOWEST = 10
_IMPORT_TIME = re.compile(rb"^import time: +(\d+) \| +(\d+) \| *(\S+)$")
_writing = threading.Lock()


def _say(line: bytes) -> None:
    with _writing:
        sys.stderr.buffer.write(line + b"\n")
        sys.stderr.buffer.flush()


class _Sandbox:
    """A started function with its Runtime API."""

    def __init__(self, job: dict[str, Any], request_id: str) -> None:
        self._happenings: queue.SimpleQueue[Happening] = queue.SimpleQueue()
        region = job["environment"]["AWS_REGION"]
        arn = f"arn:aws:lambda:{region}:{_ACCOUNT}:function:{job['name']}"
        self.api = RuntimeApi(job["event"].encode(), request_id, arn, self._happenings.put)
        root = job["root"].encode()
        self.started = time.monotonic()
        try:
            self.function = Function(
                job["entry"] or [*job["command"], "invoke", json.dumps(job["function"])],
                environment={**job["environment"], "AWS_LAMBDA_RUNTIME_API": self.api.address},
                cwd=job["function"]["task"],
                limit=job["memory"] * _MEBIBYTE,
                tell=self._happenings.put,
                on_line=lambda line: _say(line.replace(root, b"") if root else line),
            )
        except BaseException:
            self.api.close()
            raise

    def __enter__(self) -> _Sandbox:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, *_: object) -> None:
        self.function.close()
        self.api.close()

    def next(self, seconds: float) -> Happening:
        """What happens next; of kind ``timeout`` when that is nothing."""
        try:
            return self._happenings.get(timeout=max(seconds, 0))
        except queue.Empty:
            return Happening("timeout")


def invoke(job: dict[str, Any]) -> dict[str, Any]:
    """Give the function its event: Lambda's answer, and the figures of Lambda's REPORT."""
    request_id = str(uuid.uuid4())
    with _Sandbox(job, request_id) as sandbox:
        happened = sandbox.next(_INIT_SECONDS)
        if happened.kind != "timeout":
            init = time.monotonic() - sandbox.started
            _say(f"START RequestId: {request_id} Version: $LATEST".encode())
            return _invoked(job, sandbox, happened, time.monotonic(), init)
    _say(f"INIT_REPORT Init Duration: {_INIT_SECONDS * 1000:.2f} ms\tPhase: init\tStatus: timeout".encode())
    _say(f"START RequestId: {request_id} Version: $LATEST".encode())
    with _Sandbox(job, request_id) as sandbox:
        happened = sandbox.next(job["timeout"])
        return _invoked(job, sandbox, happened, sandbox.started, None)


def _invoked(
    job: dict[str, Any], sandbox: _Sandbox, happened: Happening, begun: float, init: float | None
) -> dict[str, Any]:
    left = begun + job["timeout"] - time.monotonic()
    if happened.kind == "ready":
        sandbox.api.give(time.time() + left)
        happened = sandbox.next(left)
    seconds = time.monotonic() - begun
    # An answer that came between two looks at the memory is none that Lambda would have got.
    if not sandbox.function.measure():
        happened = Happening("memory")
    sandbox.function.close()
    payload, words = _answer(happened, sandbox.api.request_id, job)
    kind = "" if happened.kind == "response" else str(json.loads(payload).get("errorType", ""))
    document = {
        "payload": payload,
        "failed": happened.kind != "response",
        "request_id": sandbox.api.request_id,
        "init_seconds": init,
        "seconds": seconds,
        "billed_ms": math.ceil((seconds + (init or 0)) * 1000),
        "peak_bytes": sandbox.function.peak,
    }
    for word in words:
        _say(word.encode())
    _say(f"END RequestId: {sandbox.api.request_id}".encode())
    _say(_report(document, job["memory"], {"response": "", "timeout": "timeout"}.get(happened.kind, "error"), kind))
    return document


def _answer(happened: Happening, request_id: str, job: dict[str, Any]) -> tuple[str, list[str]]:
    """The payload, and what Lambda adds to the log."""
    if happened.kind == "response":
        return happened.value.decode("utf-8", "surrogateescape"), []
    if happened.kind == "error":
        payload = happened.value.decode("utf-8", "replace")
        return payload.replace(job["root"], "") if job["root"] else payload, []
    if happened.kind == "timeout":
        words = f"Task timed out after {job['timeout']:.2f} seconds"
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        told = error("Sandbox.Timedout", f"RequestId: {request_id} Error: {words}")
        return told.decode(), [f"{now}Z {request_id} {words}"]
    kind = "Runtime.OutOfMemory" if happened.kind == "memory" else "Runtime.ExitError"
    words = f"RequestId: {request_id} Error: {ended_words(-9 if happened.kind == 'memory' else happened.value)}"
    return error(kind, words).decode(), [words, kind]


def _report(document: dict[str, Any], memory: int, status: str, kind: str) -> bytes:
    parts = [
        f"REPORT RequestId: {document['request_id']}",
        f"Duration: {document['seconds'] * 1000:.2f} ms",
        f"Billed Duration: {document['billed_ms']} ms",
        f"Memory Size: {memory} MB",
        f"Max Memory Used: {math.ceil(document['peak_bytes'] / _MEBIBYTE)} MB",
    ]
    if document["init_seconds"] is not None:
        parts.append(f"Init Duration: {document['init_seconds'] * 1000:.2f} ms")
    parts += [f"Status: {status}"] if status else []
    parts += [f"Error Type: {kind}"] if status == "error" else []
    return "\t".join(parts).encode()


def import_handler(job: dict[str, Any]) -> dict[str, Any]:
    """Import the handler as the runtime client does: its error, and what the import cost."""
    happenings: queue.SimpleQueue[Happening] = queue.SimpleQueue()
    root = job["root"].encode()
    imported: list[tuple[int, int, str]] = []

    def hear(line: bytes) -> None:
        if found := _IMPORT_TIME.match(line):
            imported.append((int(found[1]), int(found[2]), found[3].decode("utf-8", "replace")))
        elif line == job["function"]["mark"].encode():
            imported.clear()  # up to here it was the runtime itself
        elif not line.startswith(b"import time:"):
            _say(line.replace(root, b"") if root else line)

    reading, writing = os.pipe()
    python, *words = job["command"]
    # Python looks for bytecode below a prefix only, and there is no such folder.
    options = ["-X", f"pycache_prefix={job['root']}/nowhere"] if job["uncompiled"] else []
    function = Function(
        [python, "-u", "-X", "importtime", *options, *words, "import", json.dumps(job["function"]), str(writing)],
        environment=job["environment"],
        cwd=job["function"]["task"],
        limit=None,
        tell=happenings.put,
        on_line=hear,
        keep=[writing],
    )
    os.close(writing)
    try:
        happened = happenings.get(timeout=job["timeout"])
    except queue.Empty:
        happened = Happening("timeout")
    finally:
        function.measure()
        function.close()
    with os.fdopen(reading, "rb") as stream:
        told = stream.read().replace(root, b"") if root else stream.read()
    document: dict[str, Any] = json.loads(told) if told else {"missing": None, "seconds": 0.0, "error": None}
    if not told:
        words = f"the import takes longer than {job['timeout']} s"
        kind = "Sandbox.Timedout" if happened.kind == "timeout" else "Runtime.ExitError"
        message = words if happened.kind == "timeout" else ended_words(happened.value)
        document["error"] = json.loads(error(kind, message))
    slowest = sorted(imported, reverse=True)[:_SLOWEST]
    return {**document, "slowest": slowest, "peak_bytes": function.peak}
