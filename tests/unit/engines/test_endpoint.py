from __future__ import annotations

import hashlib
import json
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines.endpoint import Endpoint, answers, container_proxies, find_endpoint
from lambda_backend.errors import EngineUnavailableError

if TYPE_CHECKING:
    from pathlib import Path


def context(folder: Path, name: str, host: str, *, tls: bool = False) -> None:
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / digest
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))
    if tls:
        (folder / "contexts" / "tls" / digest / "docker").mkdir(parents=True)


def test_docker_host_wins(tmp_path: Path) -> None:
    context(tmp_path, "far", "ssh://far")
    environ = {"DOCKER_HOST": "tcp://near:2376", "DOCKER_CONTEXT": "far", "DOCKER_CONFIG": str(tmp_path)}
    assert find_endpoint(environ) == Endpoint(host="tcp://near:2376", source="DOCKER_HOST", tls=None, verify=False)
    secured = find_endpoint({**environ, "DOCKER_TLS_VERIFY": "1"})
    assert (secured.tls, secured.verify) == (tmp_path, True)
    assert find_endpoint({**environ, "DOCKER_CERT_PATH": "/certs"}).tls is not None


def test_context_of_the_environment_then_of_the_configuration(tmp_path: Path) -> None:
    context(tmp_path, "far", "ssh://far", tls=True)
    context(tmp_path, "desktop", "unix:///run/desktop.sock")
    (tmp_path / "config.json").write_text('{"currentContext": "desktop"}')
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    assert find_endpoint(environ).socket == "/run/desktop.sock"
    far = find_endpoint({**environ, "DOCKER_CONTEXT": "far"})
    assert (far.host, far.socket, far.tls is not None) == ("ssh://far", None, True)
    assert find_endpoint({**environ, "DOCKER_CONTEXT": "default"}).source == "the local socket"


def test_an_unknown_context_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailableError, match="'gone'"):
        find_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "gone"})


@pytest.mark.parametrize("text", [None, "", "{", "[]"])
def test_a_missing_or_broken_configuration_means_the_local_socket(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    assert find_endpoint({"DOCKER_CONFIG": str(tmp_path)}).host.startswith("unix://")


def test_answers_only_to_a_ping(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    endpoint = Endpoint(host=f"unix://{path}", source="test")
    assert not answers(endpoint)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        assert not answers(endpoint)
        server.listen()
        assert not answers(endpoint, timeout=0.1)

        def serve() -> None:
            server.accept()[0].close()
            connection = server.accept()[0]
            with connection:
                connection.recv(1024)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nOK")

        thread = threading.Thread(target=serve)
        thread.start()
        assert answers(endpoint)
        thread.join()
    assert not answers(Endpoint(host="tcp://localhost:1", source="test"))


def test_proxies_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"proxies": {"default": {"httpsProxy": "http://p:1", "noProxy": "x"}}}')
    assert container_proxies({"DOCKER_CONFIG": str(tmp_path)}) == {
        "https_proxy": "http://p:1",
        "HTTPS_PROXY": "http://p:1",
        "no_proxy": "x",
        "NO_PROXY": "x",
    }
    assert container_proxies({"DOCKER_CONFIG": str(tmp_path / "none")}) == {}
