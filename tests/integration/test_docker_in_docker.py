"""Builds inside a container that has the socket of its machine's engine, but not its files."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines.choice import choose
from lambda_backend.engines.environment import exec_environment
from lambda_backend.engines.owner import OWNER_LABEL
from lambda_backend.engines.protocol import ContainerSpec
from tests.helpers.engine_answers import engine_environment
from tests.helpers.interpreters import unavailable
from tests.helpers.machine import artifacts, snapshot, write
from tests.helpers.remote_builds import COPIED, PROJECTS, by_mounts
from tests.helpers.remote_engines import answers, free_port, program

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.helpers.machine import Machine

pytestmark = [pytest.mark.engine, pytest.mark.network]

BASE = "public.ecr.aws/sam/build-python3.13:latest-x86_64"
SOCKETS = {
    "docker": "/var/run/docker.sock",
    "podman": os.environ.get("TEST_PODMAN_SOCKET", "unix:///run/podman/podman.sock").removeprefix("unix://"),
}


def docker(*arguments: str | Path) -> str:
    argv = [program("docker"), *map(str, arguments)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def ready(machine: Machine) -> Iterator[str]:
    """An image with Python, the backend and ``build``."""
    engine_environment("docker")
    with idle(BASE) as name:
        docker("cp", machine.wheelhouse(), f"{name}:/wheelhouse")
        if certificates := os.environ.get("SSL_CERT_FILE"):
            docker("cp", "--follow-link", certificates, f"{name}:/ca.pem")
        inside(name, {}, "python3", "-m", "venv", "/venv")
        wanted = ("lambda-backend[docker,uv]", "build", "setuptools>=77")
        inside(name, {}, "/venv/bin/pip", "install", "--quiet", "--find-links", "/wheelhouse", *wanted)
        docker("commit", name, name)
    yield name
    docker("rmi", name)


@contextlib.contextmanager
def idle(image: str, *options: str) -> Iterator[str]:
    """A container that waits for commands; gives its name."""
    name = f"lambda-backend-test-{secrets.token_hex(4)}"
    docker("run", "--detach", "--name", name, "--network", "host", *options, "--entrypoint", "sleep", image, "3600")
    try:
        yield name
    finally:
        docker("rm", "--force", "--volumes", name)


@contextlib.contextmanager
def runner(ready: str, sockets: Mapping[str, str], *options: str) -> Iterator[str]:
    """A container as a CI service runs jobs in; gives its name."""
    for socket in sockets.values():
        if not Path(socket).is_socket():
            unavailable(f"no engine listens at {socket}")
        options += ("--volume", f"{socket}:{socket}")
    with idle(ready, *options) as name:
        yield name


def inside(name: str, env: Mapping[str, str], *argv: str) -> str:
    """Run a command in a job; it reaches package indexes as this process does."""
    certificates: dict[str, str] = {}
    if os.environ.get("SSL_CERT_FILE"):
        certificates = dict.fromkeys(("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"), "/ca.pem")
    variables = {**exec_environment(os.environ), **certificates, **env}
    given = [word for variable, value in variables.items() for word in ("--env", f"{variable}={value}")]
    return docker("exec", *given, name, *argv)


@pytest.fixture(scope="module")
def job(ready: str) -> Iterator[str]:
    with runner(ready, SOCKETS) as name:
        yield name


def environment(engine: str, cache: Path) -> dict[str, str]:
    return {
        "DOCKER_HOST": f"unix://{SOCKETS[engine]}",
        "LAMBDA_BACKEND_BUNDLING_NETWORK": "host",
        "LAMBDA_BACKEND_CACHE_DIR": str(cache),
        "LAMBDA_BACKEND_ENGINE": "docker",
        "LAMBDA_BACKEND_RUNTIME": "python3.13",
    }


def build(name: str, folder: Path, env: Mapping[str, str]) -> str:
    argv = ("-m", "build", "--no-isolation", "--skip-dependency-check", "--wheel", "--outdir", f"{folder}/dist")
    return inside(name, env, "/venv/bin/python", *argv, str(folder))


def zips(digests: Mapping[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in digests.items() if name.endswith(".zip")}


@pytest.mark.parametrize(("name", "engine"), [("native", "docker"), ("hooked", "podman")])
def test_the_same_bytes_from_a_path_that_the_machine_lacks(
    name: str, engine: str, job: str, machine: Machine, tmp_path: Path
) -> None:
    folder = Path(f"/work-of-a-job-{secrets.token_hex(4)}")
    inside(job, {}, "mkdir", str(folder))
    docker("cp", PROJECTS[name](tmp_path / "project"), f"{job}:{folder}/project")
    log = build(job, folder / "project", environment(engine, folder / "cache"))
    assert log.count(COPIED) == 1
    docker("cp", f"{job}:{folder}/project/dist", tmp_path / "dist")
    made = artifacts(tmp_path / "dist")
    assert zips(made) == zips(by_mounts(machine, name))
    if engine == "docker":  # the same engine and image, so the manifest too
        assert made == by_mounts(machine, name)
    else:  # Podman's socket makes an empty folder for what it is to mount and does not have
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir()
        folder.rmdir()
    assert not folder.exists()


@pytest.mark.parametrize("engine", SOCKETS)
def test_the_same_bytes_from_a_path_that_is_something_else_on_the_machine(
    engine: str, job: str, machine: Machine, tmp_path: Path
) -> None:
    folder = write(tmp_path / "job", {"project/fn/requirements.txt": "no-such-distribution==1\n", "cache/other": ""})
    before = snapshot(folder / "project")
    inside(job, {}, "mkdir", "-p", str(folder))
    docker("cp", PROJECTS["hooked"](tmp_path / "project"), f"{job}:{folder}/project")
    assert build(job, folder / "project", environment(engine, folder / "cache")).count(COPIED) == 1
    docker("cp", f"{job}:{folder}/project/dist", tmp_path / "dist")
    assert zips(artifacts(tmp_path / "dist")) == zips(by_mounts(machine, "hooked"))
    assert snapshot(folder / "project") == before


def test_a_folder_that_both_have_is_mounted(ready: str, machine: Machine, tmp_path: Path) -> None:
    # As runners are set up that give the folder of their jobs one name inside and outside.
    shared = tmp_path / "job"
    folder = PROJECTS["hooked"](shared / "project")
    with runner(ready, {"docker": SOCKETS["docker"]}, "--volume", f"{shared}:{shared}") as name:
        certificates = {}
        if os.environ.get("SSL_CERT_FILE"):
            inside(name, {}, "cp", "/ca.pem", f"{shared}/ca.pem")
            certificates["SSL_CERT_FILE"] = f"{shared}/ca.pem"
        log = build(name, folder, {**environment("docker", shared / "cache"), **certificates})
    assert COPIED not in log
    assert artifacts(folder / "dist") == by_mounts(machine, "hooked")


@contextlib.contextmanager
def service() -> Iterator[str]:
    """An engine inside a container, as CI services have it beside the container of a job; gives its address."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    # What --privileged gives besides cannot be had on every machine.
    allowed = [word for ability in ("SYS_ADMIN", "NET_ADMIN", "MKNOD") for word in ("--cap-add", ability)]
    allowed += ["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"]
    allowed += ["--device-cgroup-rule", "a *:* rwm", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup"]
    with idle(BASE, *allowed, "--volume", "/var/lib/docker") as name:
        packages = "apt-get -qq update && apt-get -qq install -y --no-install-recommends docker.io iptables"
        docker("exec", "--env", "DEBIAN_FRONTEND=noninteractive", name, "sh", "-c", packages)
        daemon = f"dockerd --host {address} --tls=false --iptables=false --ip6tables=false --bridge=none"
        docker("exec", "--detach", name, "sh", "-c", f"PATH=$PATH:/usr/sbin:/sbin exec {daemon} > /log 2>&1")
        deadline = time.monotonic() + 60
        while not answers(f"http://127.0.0.1:{port}/_ping"):
            assert time.monotonic() < deadline, docker("exec", name, "cat", "/log")
            time.sleep(0.2)
        with subprocess.Popen([program("docker"), "save", BASE], stdout=subprocess.PIPE) as saving:
            load = [program("docker"), "--host", address, "load", "--quiet"]
            subprocess.run(load, stdin=saving.stdout, check=True, capture_output=True)
        yield address


def test_the_same_bytes_from_an_engine_inside_a_container(job: str, machine: Machine, tmp_path: Path) -> None:
    folder = Path(f"/work-of-a-job-{secrets.token_hex(4)}")
    inside(job, {}, "mkdir", str(folder))
    docker("cp", PROJECTS["native"](tmp_path / "project"), f"{job}:{folder}/project")
    with service() as address:
        log = build(job, folder / "project", {**environment("docker", folder / "cache"), "DOCKER_HOST": address})
        assert subprocess.check_output([program("docker"), "--host", address, "ps", "--all", "--quiet"]) == b""
        assert subprocess.check_output([program("docker"), "--host", address, "volume", "ls", "--quiet"]) == b""
    assert log.count(COPIED) == 1
    docker("cp", f"{job}:{folder}/project/dist", tmp_path / "dist")
    assert zips(artifacts(tmp_path / "dist")) == zips(by_mounts(machine, "native"))


_HOLD = f"""
import os, signal, sys, time
from lambda_backend.engines.choice import choose
from lambda_backend.engines.protocol import ContainerSpec
engine = choose("docker", environ=os.environ, note=print)
with engine.start(ContainerSpec(image="{BASE}", platform="linux/amd64")):
    open("/holder", "w").write(str(os.getpid()))
    if sys.argv[1] == "hold":
        time.sleep(300)
    if sys.argv[1] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
"""


def containers_of(job: str) -> set[str]:
    """The containers that builds in a job have started, by the label that says whose they are."""
    namespace = inside(job, {}, "readlink", "/proc/self/ns/pid").strip()
    ids = docker("ps", "--quiet", "--no-trunc", "--filter", f"label={OWNER_LABEL}").split()
    return {name for name in ids if namespace in docker("inspect", "--format", "{{json .Config.Labels}}", name)}


def test_builds_of_other_containers_and_of_the_machine_are_left_alone(job: str, ready: str) -> None:
    env = environment("docker", Path("/unused"))

    def sweep() -> None:  # every start of a container removes those of processes that are dead for sure
        engine = choose("docker", environ=os.environ, note=print)
        assert engine is not None
        with engine.start(ContainerSpec(image=BASE, platform="linux/amd64")):
            pass
        inside(job, env, "/venv/bin/python", "-c", _HOLD, "leave")

    with runner(ready, {"docker": SOCKETS["docker"]}) as other:
        argv = (
            program("docker"),
            "exec",
            "--env",
            f"DOCKER_HOST={env['DOCKER_HOST']}",
            other,
            "/venv/bin/python",
            "-c",
        )
        with subprocess.Popen([*argv, _HOLD, "hold"]) as holding:
            deadline = time.monotonic() + 60
            while not (lives := containers_of(other)):
                assert holding.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.5)
            sweep()
            assert containers_of(other) == lives
            inside(other, {}, "sh", "-c", "kill -TERM $(cat /holder)")
            holding.wait(60)
        assert not containers_of(other)
        with contextlib.suppress(AssertionError):
            inside(other, env, "/venv/bin/python", "-c", _HOLD, "die")
        (dead,) = containers_of(other)
        sweep()  # only its own namespace can tell that it is dead
        assert containers_of(other) == {dead}
        inside(other, env, "/venv/bin/python", "-c", _HOLD, "leave")
        assert not containers_of(other)
