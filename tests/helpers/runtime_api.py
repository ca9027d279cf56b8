"""Lambda's Runtime API, as small as a test needs it.

Source: AWS documentation, "Using the Lambda runtime API for custom runtimes" (version 2018-06-01).
"""

from __future__ import annotations

import contextlib
import http.server
import json
import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = "/2018-06-01/runtime"
REQUEST_ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:example"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the runtime client posted."""

    payload: Any
    """The response, or Lambda's error object."""
    failed: bool


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, event: Any, timeout: float) -> None:  # noqa: ANN401 - any JSON value
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.events.put(event)
        self.answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self.seconds = timeout
        self.closing = threading.Event()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path != f"{BASE}/invocation/next":
            self.send_error(404)
            return
        try:
            event = self.server.events.get_nowait()
        except queue.Empty:  # the client asks for a second event, which never comes
            self.server.closing.wait(self.server.seconds)
            self.close_connection = True
            return
        deadline = int((time.time() + self.server.seconds) * 1000)
        self._send(
            200,
            json.dumps(event).encode(),
            {
                "Lambda-Runtime-Aws-Request-Id": REQUEST_ID,
                "Lambda-Runtime-Deadline-Ms": str(deadline),
                "Lambda-Runtime-Invoked-Function-Arn": ARN,
                "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
            },
        )

    def do_POST(self) -> None:
        body = self._body()
        failed = self.path.endswith("/error")
        self.server.answers.put(Answer(payload=json.loads(body) if body else None, failed=failed))
        self._send(202, b'{"status": "OK"}', {})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 - as the base class has it
        pass


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeApi:
    """A running server that has one event to give."""

    address: str
    """``host:port``, for AWS_LAMBDA_RUNTIME_API."""
    answers: queue.SimpleQueue[Answer]


@contextlib.contextmanager
def runtime_api(event: Any, *, timeout: float) -> Iterator[RuntimeApi]:  # noqa: ANN401 - any JSON value
    server = _Server(event, timeout)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield RuntimeApi(address=f"127.0.0.1:{server.server_address[1]}", answers=server.answers)
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
