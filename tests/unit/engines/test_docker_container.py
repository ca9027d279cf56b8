"""A container behind an API whose answers come at the worst moment, which an engine does only now and then."""

from __future__ import annotations

import json
import socket
import struct
import threading
from typing import TYPE_CHECKING

import docker
import pytest

from lambda_backend.engines.docker_container import DockerContainer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HEAD = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\n\r\n"


def frame(kind: int, text: bytes) -> bytes:
    return struct.pack(">BxxxL", kind, len(text)) + text


def answer(document: dict[str, object]) -> bytes:
    body = json.dumps(document).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def respond(connection: socket.socket) -> None:
    with connection, connection.makefile("rb") as asked:
        while line := asked.readline():
            length = 0
            while (header := asked.readline().strip()) != b"":
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            asked.read(length)
            if b"/start" in line:
                # All at once: the head of the answer, and all that the command says.
                said = frame(1, b"first\n") + frame(2, "wórds\n".encode()) + frame(1, b"last\n")
                connection.sendall(_HEAD + said)
                return
            connection.sendall(answer({"Id": "1", "ExitCode": 0}))


@pytest.fixture
def api(tmp_path: Path) -> Iterator[docker.APIClient]:
    path = str(tmp_path / "docker.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        def serve() -> None:
            try:
                while True:
                    threading.Thread(target=respond, args=(server.accept()[0],), daemon=True).start()
            except OSError:
                return

        threading.Thread(target=serve, daemon=True).start()
        client = docker.APIClient(base_url=f"unix://{path}", version="1.41")
        yield client
        client.close()
        server.shutdown(socket.SHUT_RDWR)


def test_what_comes_with_the_head_of_an_answer_is_not_lost(api: docker.APIClient) -> None:
    heard: list[str] = []
    container = DockerContainer(api, "name", None, "linux/amd64", environment={})
    result = container.exec(["anything"], on_line=heard.append)
    assert (result.exit_code, result.output, result.log) == (0, "first\nlast\n", "wórds\n")
    assert heard == ["wórds"]
