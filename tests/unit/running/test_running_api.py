"""The Runtime API by itself, asked as a runtime client asks it."""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import socket
import threading
from typing import TYPE_CHECKING, NamedTuple

import pytest

from lambda_backend.running.sandbox.api import Happening, RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = "/2018-06-01/runtime"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:shop"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Api:
    """A running server, and what it told."""

    def __init__(self) -> None:
        self.happenings: queue.SimpleQueue[Happening] = queue.SimpleQueue()
        self.server = RuntimeApi(b'{"n": 1}', "id-1", ARN, self.happenings.put)

    def ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        with contextlib.closing(http.client.HTTPConnection(self.server.address, timeout=10)) as connection:
            connection.request(method, BASE + path, body)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.headers), answer.read())

    def told(self) -> Happening:
        return self.happenings.get(timeout=10)


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.server.close()


def test_an_event_is_handed_out_when_it_is_given_and_once(api: Api) -> None:
    answers: list[Answer] = []
    asking = threading.Thread(target=lambda: answers.append(api.ask("GET", "/invocation/next")))
    asking.start()
    assert api.told() == Happening("ready")
    asking.join(0.2)
    assert not answers
    api.server.give(1_800_000_000.5)
    asking.join(10)
    (answer,) = answers
    assert answer.status == 200
    assert json.loads(answer.body) == {"n": 1}
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Lambda-Runtime-Aws-Request-Id"] == "id-1"
    assert answer.headers["Lambda-Runtime-Deadline-Ms"] == "1800000000500"
    assert answer.headers["Lambda-Runtime-Invoked-Function-Arn"] == ARN
    assert answer.headers["Lambda-Runtime-Trace-Id"].startswith("Root=1-")
    # A second one never comes: the function waits until it is ended.
    with socket.create_connection(api.server.server_address, 0.3) as connection:
        connection.sendall(f"GET {BASE}/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_response_is_told_as_it_is(api: Api) -> None:
    assert api.ask("POST", "/invocation/id-1/response", b"\xff{}").status == 202
    assert api.told() == Happening("response", b"\xff{}")


@pytest.mark.parametrize("path", ["/invocation/id-1/error", "/init/error", "/restore/error"])
def test_errors_are_told(api: Api, path: str) -> None:
    assert api.ask("POST", path, b'{"errorType": "X"}').status == 202
    assert api.told() == Happening("error", b'{"errorType": "X"}')


def test_a_response_in_chunks_is_put_together(api: Api) -> None:
    head = f"POST {BASE}/invocation/id-1/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(api.server.server_address, 10) as connection:
        connection.sendall(head.encode() + b"3\r\n[1,\r\n4;x=y\r\n 2]\n\r\n0\r\nTrailer: t\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 202 ")
    assert api.told() == Happening("response", b"[1, 2]\n")


def test_a_response_that_is_too_large_is_refused(api: Api) -> None:
    assert api.ask("POST", "/invocation/id-1/response", b"x" * 6_291_556).status == 202
    assert api.told().kind == "response"
    refused = api.ask("POST", "/invocation/id-1/response", b"x" * 6_291_557)
    assert refused.status == 413
    assert json.loads(refused.body)["errorType"] == "RequestEntityTooLarge"
    assert json.loads(api.told().value)["errorType"] == "Function.ResponseSizeTooLarge"


def test_what_is_not_there_is_refused(api: Api) -> None:
    assert api.ask("POST", "/invocation/id-2/response", b"{}").status == 400
    assert api.ask("GET", "/invocation").status == 404
    assert api.ask("GET", "/restore/next").status == 200
    assert api.happenings.empty()
