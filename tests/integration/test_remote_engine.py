"""Engines that do not see this machine's files give the same artefacts as one that does."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines.access import started
from lambda_backend.engines.choice import choose
from lambda_backend.engines.protocol import ContainerSpec, Mount
from lambda_backend.errors import EngineError
from tests.helpers.engine_answers import engine_environment
from tests.helpers.interpreters import unavailable
from tests.helpers.machine import artifacts, project
from tests.helpers.remote_builds import COPIED, FILES, PROJECTS, build, by_mounts, hooked
from tests.helpers.remote_engines import docker_daemon, free_port, podman_service, program, ssh_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.helpers.machine import Machine
    from tests.helpers.remote_engines import RemoteEngine

BASE = "public.ecr.aws/sam/build-python3.13:latest-x86_64"


@pytest.fixture(scope="module")
def docker_remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteEngine]:
    engine_environment("docker")
    with docker_daemon(tmp_path_factory.mktemp("dockerd") / "root") as engine:
        engine.load(BASE, [program("docker")])
        yield engine


@pytest.fixture(scope="module")
def podman_remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteEngine]:
    engine_environment("podman")
    with podman_service(tmp_path_factory.mktemp("podman") / "root") as engine:
        engine.load(BASE, [program("podman")])
        yield engine


@pytest.fixture(params=["docker", "podman"])
def remote(request: pytest.FixtureRequest) -> tuple[RemoteEngine, dict[str, str | None]]:
    """An engine elsewhere, and the environment in which a build finds it."""
    engine: RemoteEngine = request.getfixturevalue(f"{request.param}_remote")
    where = {"DOCKER_HOST": engine.address} if request.param == "docker" else {"CONTAINER_HOST": engine.address}
    return engine, {**engine_environment(request.param), **where}


def zips(digests: Mapping[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in digests.items() if name.endswith(".zip")}


@pytest.mark.engine
@pytest.mark.network
@pytest.mark.parametrize("name", PROJECTS)
def test_the_same_bytes_as_with_bind_mounts(
    name: str,
    remote: tuple[RemoteEngine, dict[str, str | None]],
    machine: Machine,
    tmp_path: Path,
) -> None:
    engine, env = remote
    folder = PROJECTS[name](tmp_path / "project")
    outcome = build(machine, folder, env)
    assert outcome.log.count(COPIED) == 1
    made = artifacts(folder / "dist")
    assert len(zips(made)) == {"native": 1, "hooked": 3}[name]
    if "DOCKER_HOST" in env:  # the same image, so the manifest too
        assert made == by_mounts(machine, name)
    assert zips(made) == zips(by_mounts(machine, name))
    assert engine.command("ps", "--all", "--quiet") == ""
    assert engine.command("volume", "ls", "--quiet") == ""
    assert engine.files() == []


@pytest.mark.engine
@pytest.mark.parametrize("failing", ["before", "after", "command"])
def test_nothing_is_left_there_of_a_build_that_fails(
    failing: str, docker_remote: RemoteEngine, machine: Machine, tmp_path: Path
) -> None:
    line = '["sh", "-c", "echo was here; exit 3"]' if failing == "command" else '["echo was here; exit 3"]'
    table = f'[tool.lambda]\nruntime = "python3.13"\nentry = "fn"\n[tool.lambda.bundling]\n{failing} = {line}\n'
    folder = project(tmp_path / "project", table, files={**FILES, "fn/requirements.txt": ""})
    env = {**engine_environment("docker"), "DOCKER_HOST": docker_remote.address}
    outcome = build(machine, folder, env, check=False)
    assert outcome.exit_code != 0
    assert "was here" in outcome.message
    assert docker_remote.command("ps", "--all", "--quiet") == ""
    assert docker_remote.command("volume", "ls", "--quiet") == ""
    assert docker_remote.files() == []


@pytest.mark.engine
def test_bind_mount_there_is_an_error_that_names_the_setting(
    remote: tuple[RemoteEngine, dict[str, str | None]], machine: Machine, tmp_path: Path
) -> None:
    engine, env = remote
    folder = hooked(tmp_path / "project")
    outcome = build(machine, folder, env, access="bind-mount", check=False)
    assert outcome.exit_code != 0
    assert "Traceback" not in outcome.log
    assert "tool.lambda.bundling.file-access" in outcome.message
    assert engine.command("ps", "--all", "--quiet") == ""


@pytest.mark.engine
@pytest.mark.parametrize("there", ["nothing", "an empty folder", "another file"])
def test_what_is_there_under_the_same_name_is_not_taken_for_ours(
    there: str, remote: tuple[RemoteEngine, dict[str, str | None]], tmp_path: Path
) -> None:
    server, env = remote
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_text("ours")
    if there != "nothing":
        server.inside("mkdir", "-p", tmp_path / "in")
    if there == "another file":
        server.inside("sh", "-c", f"echo theirs > '{tmp_path}/in/file'")
    environ = {**os.environ, **{name: value for name, value in env.items() if value is not None}}
    engine = choose(str(env["LAMBDA_BACKEND_ENGINE"]), environ=environ, note=print)
    assert engine is not None
    spec = ContainerSpec(
        image=BASE,
        platform="linux/amd64",
        mounts=(Mount(source=tmp_path / "in", target=PurePosixPath("/asset-input")),),
    )
    with started(engine, spec, "auto") as reached:
        assert not reached.shared
        assert reached.container.exec(["cat", "/asset-input/file"]).output == "ours"
    with pytest.raises(EngineError) as caught, started(engine, spec, "bind-mount"):
        pytest.fail("started")
    assert "file-access" in str(caught.value)
    # Up to the hidden folder, which is a mount and stays.
    server.inside("sh", "-c", 'rm -rf "$1/in"; rmdir --parents "$1" 2>/dev/null || :', "sh", tmp_path)


@pytest.mark.engine
@pytest.mark.network
def test_an_engine_by_ssh(docker_remote: RemoteEngine, machine: Machine, tmp_path: Path) -> None:
    folder = hooked(tmp_path / "project")
    with ssh_server(tmp_path / "ssh", {"DOCKER_HOST": docker_remote.address}) as (address, path):
        env = {
            **engine_environment("docker"),
            "DOCKER_HOST": f"ssh://{address}",
            "PATH": f"{path}{os.pathsep}{os.environ['PATH']}",
        }
        outcome = build(machine, folder, env)
        assert COPIED in outcome.log
        assert artifacts(folder / "dist") == by_mounts(machine, "hooked")
        assert docker_remote.command("ps", "--all", "--quiet") == ""
        refused = build(machine, folder, {**env, "DOCKER_HOST": f"ssh://{address}0"}, check=False)
        assert refused.exit_code != 0
        assert "(DOCKER_HOST)" in refused.message
    sessions = subprocess.run(["pgrep", "-f", f"{tmp_path}/ssh"], capture_output=True, text=True, check=False).stdout
    assert not sessions


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """A port where connections are taken, and never answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextlib.contextmanager
def plain() -> Iterator[int]:
    """A port where somebody speaks, but no TLS."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(1024)
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextlib.contextmanager
def closed() -> Iterator[int]:
    yield free_port()


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("tcp://127.0.0.1:{port}", closed, ["refused", "DOCKER_HOST"]),
        ("tcp://127.0.0.1:{port}", silent, ["no answer", "DOCKER_HOST"]),
        ("tcp://no-such-host.invalid:2375", closed, ["no-such-host.invalid", "DOCKER_HOST"]),
        ("tls://127.0.0.1:{port}", plain, ["TLS fails", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"]),
        ("tls://127.0.0.1:{port}?without", plain, ["ca.pem", "DOCKER_CERT_PATH"]),
        ("ssh://nobody@127.0.0.1:{port}", closed, ["refused", "`ssh ssh://nobody@127.0.0.1:"]),
        ("ssh://no-such-host.invalid", closed, ["resolve", "`ssh ssh://no-such-host.invalid docker version`"]),
    ],
    ids=["tcp-closed", "tcp-silent", "tcp-nowhere", "tls-plain", "tls-no-certificates", "ssh-closed", "ssh-nowhere"],
)
def test_an_engine_that_cannot_be_reached(
    host: str,
    port: Callable[[], contextlib.AbstractContextManager[int]],
    words: list[str],
    machine: Machine,
    tmp_path: Path,
) -> None:
    folder = hooked(tmp_path / "project")
    env: dict[str, str | None] = {"LAMBDA_BACKEND_ENGINE": "docker"}
    if host.startswith("tls://"):
        certificates(tmp_path / "certificates")
        missing = host.endswith("?without")
        env |= {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path / ("none" if missing else "certificates"))}
        host = f"tcp://{host.removeprefix('tls://').removesuffix('?without')}"
    with port() as number:
        env["DOCKER_HOST"] = host.format(port=number)
        machine.python()
        before = time.monotonic()
        outcome = build(machine, folder, env, check=False)
        seconds = time.monotonic() - before
    assert outcome.exit_code != 0
    assert "Traceback" not in outcome.log
    assert not [word for word in words if word not in outcome.message], outcome.message
    assert len(outcome.message) < 600
    assert seconds < 30
    assert not (folder / "dist").exists() or not list((folder / "dist").iterdir())


def certificates(folder: Path) -> None:
    if shutil.which("openssl") is None:
        unavailable("no openssl on this machine")
    folder.mkdir()
    named = ("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"))
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=test", *named]
    subprocess.run(argv, check=True, capture_output=True)
    shutil.copy(folder / "cert.pem", folder / "ca.pem")
