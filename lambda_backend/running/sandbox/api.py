"""Lambda's Runtime API (2018-06-01), for one invocation."""

from __future__ import annotations

import http.server
import json
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Happening", "RuntimeApi", "error"]

_BASE = "/2018-06-01/runtime"
_MOST_BYTES = 6_291_556
"""Of a response: 6 MB and a bit, as Lambda's own message has it."""
_TOO_LARGE = f"Response payload size exceeded maximum allowed payload size ({_MOST_BYTES} bytes)."


class Happening(NamedTuple):
    """What is waited for."""

    kind: str
    """``ready``, ``response``, ``error``, ``exit`` or ``memory``."""
    value: Any = None
    """The body of a response or error, or the exit code."""


def error(kind: str, message: str) -> bytes:
    """Lambda's error object."""
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


class RuntimeApi(http.server.ThreadingHTTPServer):
    """A running server on the loopback interface.

    Args:
        event: JSON.
        request_id: of the invocation.
        arn: of the function.
        tell: is told when the function is ready for the event, and when it answers.
    """

    daemon_threads = True

    def __init__(self, event: bytes, request_id: str, arn: str, tell: Callable[[Happening], None]) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.event = event
        self.request_id = request_id
        self.arn = arn
        self.tell = tell
        self.asked = False
        self.deadline = 0.0
        self.given = threading.Event()
        self.closed = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"127.0.0.1:{self.server_address[1]}"

    def give(self, deadline: float) -> None:
        """Hand out the event; the deadline is in seconds since 1970."""
        self.deadline = deadline
        self.given.set()

    def close(self) -> None:
        """End it."""
        self.given.set()
        self.closed.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the base class has it
        """Nothing: a function may end in the middle of a request."""


class _Requests(http.server.BaseHTTPRequestHandler):
    server: RuntimeApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == f"{_BASE}/restore/next":
            self._send(200, b"", {})
        elif self.path != f"{_BASE}/invocation/next":
            self._refuse(404, "InvalidPath", f"there is no {self.path}")
        elif self.server.asked:  # for a second event, which never comes
            self.server.closed.wait()
            self.close_connection = True
        else:
            self.server.asked = True
            self.server.tell(Happening("ready"))
            self.server.given.wait()
            self._send(200, self.server.event, self._about_event())

    def do_POST(self) -> None:
        body = self._body()
        invocation = f"{_BASE}/invocation/{self.server.request_id}"
        if self.path == f"{invocation}/response" and len(body) > _MOST_BYTES:
            self.server.tell(Happening("error", error("Function.ResponseSizeTooLarge", _TOO_LARGE)))
            self._refuse(413, "RequestEntityTooLarge", _TOO_LARGE)
        elif self.path == f"{invocation}/response":
            self.server.tell(Happening("response", body))
            self._send(202, b'{"status":"OK"}', {})
        elif self.path in {f"{invocation}/error", f"{_BASE}/init/error", f"{_BASE}/restore/error"}:
            self.server.tell(Happening("error", body))
            self._send(202, b'{"status":"OK"}', {})
        else:
            self._refuse(400, "InvalidRequestID", f"no such request is open: {self.path}")

    def _about_event(self) -> dict[str, str]:
        trace = uuid.uuid4().hex
        return {
            "Lambda-Runtime-Aws-Request-Id": self.server.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(self.server.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self.server.arn,
            # Not sampled: nobody listens to what an X-Ray client would send.
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{trace[:24]};Parent={trace[16:]};Sampled=0",
        }

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass
        return b"".join(chunks)

    def _refuse(self, status: int, kind: str, message: str) -> None:
        self._send(status, error(kind, message), {})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 - as the base class has it
        pass
