from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines.access import Reached
from lambda_backend.engines.protocol import ExecResult
from lambda_backend.errors import EngineError, SettingsError
from lambda_backend.install import ssh
from lambda_backend.install.ssh import AGENT, agent_mounts, agent_path, prepare
from lambda_backend.settings.model import BundlingSettings, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

KEY = "tool.lambda.bundling"


@pytest.fixture
def agent() -> Iterator[Path]:
    """A socket on which somebody listens; its path is short, as the kernel wants it."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{folder}/agent")
        server.listen()
        yield Path(folder, "agent")


def problem(path: Path | None) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        agent_mounts(path, {}, key=f"{KEY}.ssh")
    assert caught.value.hint is not None
    assert "ssh-add" in caught.value.hint
    return caught.value


def test_the_socket_and_the_known_hosts(agent: Path, tmp_path: Path) -> None:
    environ = {"SSH_AUTH_SOCK": str(agent), "HOME": str(tmp_path)}
    assert agent_path("default", environ, tmp_path) == agent
    (mount,) = agent_mounts(agent, environ, key=f"{KEY}.ssh")
    assert (mount.source, mount.target) == (agent.resolve(), AGENT)
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "known_hosts").write_text("")
    hosts = agent_mounts(agent, environ, key=f"{KEY}.ssh")[1]
    assert (hosts.source.name, str(hosts.target), hosts.read_only) == ("known_hosts", "/etc/ssh/ssh_known_hosts", True)


def test_paths_are_of_the_project_or_of_the_user(tmp_path: Path) -> None:
    environ = {"HOME": "/somewhere"}
    assert agent_path("agent", environ, tmp_path) == tmp_path / "agent"
    assert agent_path("~/agent", environ, tmp_path) == Path("/somewhere/agent")
    assert agent_path("/run/agent", environ, tmp_path) == Path("/run/agent")
    assert agent_path("default", environ, tmp_path) is None


def test_no_agent(agent: Path, tmp_path: Path) -> None:
    assert problem(None).problems == (f"{KEY}.ssh: no ssh agent runs: SSH_AUTH_SOCK is not set",)
    none = tmp_path / "none"
    assert problem(none).problems == (f"{KEY}.ssh: no ssh agent answers at {none}: No such file or directory",)
    none.write_text("")
    assert problem(none).problems == (f"{KEY}.ssh: {none} is no socket of an ssh agent",)
    dead = agent.parent / "dead"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(dead))
    assert problem(dead).problems == (f"{KEY}.ssh: no ssh agent answers at {dead}: Connection refused",)


class FakeContainer:
    """Its user has no name until root gave it one."""

    def __init__(self, *, named: bool = False, read_only: bool = False) -> None:
        self.named = named
        self.read_only = read_only
        self.added: list[str] = []

    def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: PurePosixPath | None = None,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        as_root: bool = False,
    ) -> ExecResult:
        del cwd, environment, on_line
        if not as_root:
            return ExecResult(exit_code=0, output="" if self.named else "1000:100\n", log="")
        self.added.append(argv[-1])
        return ExecResult(exit_code=int(self.read_only), output="", log="Read-only file system\n")

    def copy_in(self, source: Path, target: PurePosixPath) -> None:
        raise NotImplementedError

    def copy_out(self, source: PurePosixPath, target: Path) -> None:
        raise NotImplementedError


def prepared(container: FakeContainer, bundling: BundlingSettings, *, shared: bool = True) -> FakeContainer:
    prepare(bundling, Reached(container=container, shared=shared), "python3", engine="docker", key=KEY)
    return container


def test_a_user_without_a_name_gets_one() -> None:
    with_agent = BundlingSettings(ssh="default")
    assert prepared(FakeContainer(), with_agent).added == ["lambda-backend:x:1000:100::/tmp:/bin/sh"]
    assert prepared(FakeContainer(named=True), with_agent).added == []
    with_key = BundlingSettings(secrets=(Secret(id="key", source="~/.ssh/id_ed25519", target="~/.ssh/id_ed25519"),))
    assert prepared(FakeContainer(), with_key).added
    assert prepared(FakeContainer(), BundlingSettings()).added == []


def test_a_name_that_cannot_be_given() -> None:
    with pytest.raises(EngineError, match=r"1000:100 has no name.*Read-only file system") as caught:
        prepared(FakeContainer(read_only=True), BundlingSettings(ssh="default"))
    assert caught.value.hint is not None


def test_copies_have_no_agent() -> None:
    with pytest.raises(SettingsError, match=r"tool\.lambda\.bundling\.ssh: docker is given copies"):
        prepared(FakeContainer(), BundlingSettings(ssh="default"), shared=False)


def test_the_script_that_adds_a_name(tmp_path: Path) -> None:
    passwd = tmp_path / "passwd"
    script = ssh._ADD.replace("/etc/passwd", str(passwd))
    for before, after in (("root:0\n", "root:0\nx:1\n"), ("root:0", "root:0\nx:1\n"), ("", "x:1\n")):
        passwd.write_text(before)
        subprocess.run([sys.executable, "-c", script, "x:1"], check=True)
        assert passwd.read_text() == after
