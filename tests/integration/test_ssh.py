"""A dependency that comes by ssh: a real server, a real agent, and containers that have neither key nor password."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
import zipfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines.access import Reached
from lambda_backend.engines.choice import choose
from lambda_backend.engines.protocol import ContainerSpec, ImageBuild, Mount
from lambda_backend.install.ssh import AGENT, prepare
from lambda_backend.settings.model import BundlingSettings
from tests.helpers.engine_answers import engine_environment
from tests.helpers.interpreters import unavailable
from tests.helpers.machine import manifest, project, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.helpers.machine import Machine

ENGINES = [pytest.param(name, marks=pytest.mark.engine) for name in ("docker", "podman")]
BASE = "public.ecr.aws/sam/build-python3.13:latest-x86_64"
IMAGE = "lambda-backend/test-git:1"
# AWS's build images have git and its ssh; what stands in for them may not.
CONTAINERFILE = f"""\
FROM {BASE}
RUN if command -v ssh && command -v git; then exit; fi; \\
    apt-get update && apt-get install -y --no-install-recommends git openssh-client && rm -rf /var/lib/apt/lists/*
"""
PACKAGE = {
    "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    '[project]\nname = "by-ssh"\nversion = "1.0"\n',
    # A PEP 517 backend of a few lines: building takes no index.
    "backend.py": """\
import pathlib, zipfile
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    info = "by_ssh-1.0.dist-info"
    files = {
        "by_ssh.py": "answer = 42\\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: by-ssh\\nVersion: 1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / "by_ssh-1.0-py3-none-any.whl", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return "by_ssh-1.0-py3-none-any.whl"
""",
}


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running sshd with a repository, and who may enter."""

    home: Path
    """Of a user who knows the server: ``.ssh/known_hosts``."""
    key: Path
    port: int
    repository: Path
    commit: str

    @property
    def url(self) -> str:
        """Of the repository, for pip."""
        return f"git+ssh://{getpass.getuser()}@127.0.0.1:{self.port}{self.repository}@{self.commit}"

    def environment(self, agent: Path | None) -> dict[str, str | None]:
        """The user's, with an agent or without."""
        return {
            "HOME": str(self.home),
            "SSH_AUTH_SOCK": None if agent is None else str(agent),
            # ssh on the host does not look into HOME, but into the folder that the system knows.
            "GIT_SSH_COMMAND": f"ssh -o UserKnownHostsFile={self.home}/.ssh/known_hosts",
        }


def run(*argv: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run([str(word) for word in argv], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def program(name: str) -> str:
    """Its absolute path, which sshd wants to be called by."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    found = shutil.which(name, path=path)
    if found is None:
        unavailable(f"no {name} on this machine")
    return str(found)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("ssh")
    for name in ("host_key", "user_key"):
        run(program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", root / name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = f"""\
ListenAddress 127.0.0.1:{port}
HostKey {root}/host_key
AuthorizedKeysFile {root}/user_key.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
"""
    write(root, {"sshd_config": config})
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it has no privileges; Debian's service makes it
    key = " ".join((root / "host_key.pub").read_text().split()[:2])
    home = write(root / "home", {".ssh/known_hosts": f"[127.0.0.1]:{port} {key}\n"})
    repository = write(root / "repository", PACKAGE)
    git = (program("git"), "-c", "user.name=test", "-c", "user.email=test@example.com")
    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "first")):
        run(*git, *command, cwd=repository)
    commit = run(*git, "rev-parse", "HEAD", cwd=repository).strip()
    with (
        (root / "log").open("wb") as log,
        subprocess.Popen([program("sshd"), "-D", "-e", "-f", str(root / "sshd_config")], stderr=log) as sshd,
    ):
        try:
            wait_for(port, root / "log")
            yield Server(home=home, key=root / "user_key", port=port, repository=repository, commit=commit)
        finally:
            sshd.terminate()


def wait_for(port: int, log: Path) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"sshd does not answer: {log.read_text()}")


@contextmanager
def agent_with(key: Path, user: int | None = None) -> Iterator[Path]:
    """The socket of an agent that has a key; it answers to its own user only."""
    with ExitStack() as stack:
        # The kernel wants short paths of sockets.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agent-")))
        copy = folder / "key"
        shutil.copy(key, copy)
        if user is not None:
            for path in (folder, copy):
                os.chown(path, user, user)
        agent = stack.enter_context(
            subprocess.Popen(
                [program("ssh-agent"), "-D", "-a", folder / "socket"], stdout=subprocess.DEVNULL, user=user
            )
        )
        try:
            while not (folder / "socket").exists():
                assert agent.poll() is None
                time.sleep(0.05)
            environ = {**os.environ, "SSH_AUTH_SOCK": str(folder / "socket")}
            subprocess.run([program("ssh-add"), "-q", copy], env=environ, user=user, check=True, capture_output=True)
            copy.unlink()
            yield folder / "socket"
        finally:
            agent.terminate()


@pytest.fixture(scope="module")
def agent(server: Server) -> Iterator[Path]:
    with agent_with(server.key) as socket_path:
        yield socket_path


@pytest.fixture
def image(engine: str, tmp_path: Path) -> str:
    """An image with git and ssh, which stays in the engine; on the host nobody asks for it."""
    if engine == "host":
        return IMAGE
    environ = {**os.environ, **engine_environment(engine)}
    found = choose(engine, environ=environ, note=print)
    assert found is not None
    if found.image(BASE, "linux/amd64") is None:
        unavailable(f"{engine} does not have {BASE}; .ci/engines makes a stand-in")
    if found.image(IMAGE, "linux/amd64") is None:
        context = write(tmp_path / "context", {"Containerfile": CONTAINERFILE})
        found.build(ImageBuild(context=context, tag=IMAGE, platform="linux/amd64", network="host"), print)
    return IMAGE


def made(tmp_path: Path, image: str, server: Server, bundling: str) -> Path:
    table = (
        '[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"\n'
        f'[tool.lambda.bundling]\nimage = "{image}"\n{bundling}\n'
    )
    return project(tmp_path / "project", table, dependencies=f'["by-ssh @ {server.url}"]')


def variables(engine: str, tmp_path: Path, environ: dict[str, str | None]) -> dict[str, str | None]:
    return {**engine_environment(engine), "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache"), **environ}


@pytest.mark.network
@pytest.mark.parametrize("engine", ["host", *ENGINES])
def test_a_dependency_by_ssh(
    engine: str, machine: Machine, tmp_path: Path, server: Server, agent: Path, *, image: str
) -> None:
    folder = made(tmp_path, image, server, 'ssh = "default"\nafter = ["ssh-add -l"]')
    outcome = machine.build(
        folder, env={**variables(engine, tmp_path, server.environment(agent)), "LAMBDA_BACKEND_VERBOSE": "1"}
    )
    assert "user_key" in outcome.log  # what the agent told the hook
    (path,) = (folder / "dist").glob("*.zip")
    with zipfile.ZipFile(path) as archive:
        assert archive.read("by_ssh.py") == b"answer = 42\n"
        # The user name is part of the address, and no secret.
        assert f"@ {server.url}" in archive.read("tiny-1.0.0.dist-info/METADATA").decode()
    (artifact,) = manifest(folder / "dist")["artifacts"]
    assert [item["name"] for item in artifact["requirements"]] == ["by-ssh"]
    assert artifact["engine"] == engine


@pytest.mark.network
@pytest.mark.parametrize("engine", ENGINES)
def test_without_the_key_nobody_enters(
    engine: str, machine: Machine, tmp_path: Path, server: Server, agent: Path, *, image: str
) -> None:
    folder = made(tmp_path, image, server, "")
    outcome = machine.build(folder, env=variables(engine, tmp_path, server.environment(agent)), check=False)
    assert outcome.exit_code == 1
    assert "tool.lambda.bundling.ssh" in outcome.message


@pytest.mark.network
@pytest.mark.parametrize("engine", ENGINES)
def test_copied_files_and_no_agent(
    engine: str, machine: Machine, tmp_path: Path, server: Server, agent: Path, *, image: str
) -> None:
    folder = made(tmp_path, image, server, 'ssh = "default"\nfile-access = "volume-copy"')
    outcome = machine.build(folder, env=variables(engine, tmp_path, server.environment(agent)), check=False)
    assert f"tool.lambda.bundling.ssh: {engine} is given copies" in outcome.message
    outcome = machine.build(folder, env=variables(engine, tmp_path, server.environment(None)), check=False)
    assert "tool.lambda.bundling.ssh: no ssh agent runs: SSH_AUTH_SOCK is not set" in outcome.message
    assert "ssh-add" in outcome.message


@pytest.mark.network
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start an agent as somebody else")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_user_whom_the_image_does_not_know(engine: str, server: Server, image: str) -> None:
    environ = {**os.environ, **engine_environment(engine)}
    found = choose(engine, environ=environ, note=print)
    assert found is not None
    known = Mount(source=server.home / ".ssh/known_hosts", target=Path("/etc/ssh/ssh_known_hosts"), read_only=True)
    call = ["ssh", "-p", str(server.port), f"{getpass.getuser()}@127.0.0.1", "echo", "entered"]
    with agent_with(server.key, 4711) as agent:
        spec = ContainerSpec(
            image=image,
            platform="linux/amd64",
            mounts=(Mount(source=agent, target=AGENT), known),
            network="host",
            user="4711:4711",
        )
        with found.start(spec) as container:
            socket_of = {"SSH_AUTH_SOCK": str(AGENT)}
            if engine == "docker":  # podman gives it a name by itself
                assert "No user exists for uid 4711" in container.exec(call, environment=socket_of).log
            settings = BundlingSettings(ssh="default")
            prepare(settings, Reached(container=container, shared=True), "python3", engine=engine, key="x")
            result = container.exec(call, environment=socket_of)
            assert result.output == "entered\n", result.log
            # It may not make itself root by it.
            assert container.exec(["sh", "-c", "echo x >> /etc/passwd"]).exit_code != 0
