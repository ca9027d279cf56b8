from __future__ import annotations

import pytest

from lambda_backend.engines.command import Command


@pytest.mark.parametrize(
    "name",
    [
        "TOKEN",
        "DOCKER_PASSWORD",
        "DOCKER_AUTH_CONFIG",
        "PODMAN_TOKEN",
        "HOMEBREW_TOKEN",
        "CONTAINER_KEY",
        "HTTPS_PROXY",
    ],
)
def test_a_value_that_may_be_a_secret_is_in_no_argument(name: str) -> None:
    environ, arguments = Command(program="podman", environ={"A": "b"}).variables("--env", {name: "hush"})
    assert arguments == ["--env", name]
    assert environ == {"A": "b", name: "hush"}


@pytest.mark.parametrize("name", ["PATH", "HOME", "SSL_CERT_FILE", "CONTAINERS_CONF", "CONTAINER_HOST", "DOCKER_HOST"])
def test_what_the_command_reads_itself_keeps_the_host_s_value(name: str) -> None:
    environ, arguments = Command(program="podman", environ={name: "here"}).variables("--env", {name: "there"})
    assert arguments == ["--env", f"{name}=there"]
    assert environ == {name: "here"}
