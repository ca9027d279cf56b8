from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines.connection import connected
from lambda_backend.engines.endpoint import Endpoint
from lambda_backend.engines.tunnel import Tunnel, ssh_command
from lambda_backend.errors import EngineUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

END = ["docker", "system", "dial-stdio"]


@pytest.mark.parametrize(
    ("host", "arguments"),
    [
        ("ssh://builder", ["--", "builder", *END]),
        ("ssh://Me@Builder.Example:2222", ["-l", "Me", "-p", "2222", "--", "Builder.Example", *END]),
        ("ssh://[::1]:22/", ["-p", "22", "--", "::1", *END]),
        ("ssh://me@far/run/user/1000/docker.sock", ["-l", "me", "--", "far", "docker", "--host",
                                                    "unix:///run/user/1000/docker.sock", "system", "dial-stdio"]),
        ("ssh://-oProxyCommand=x", ["--", "-oProxyCommand=x", *END]),
    ],
)  # fmt: skip
def test_the_command_is_that_of_dockers_own(host: str, arguments: list[str]) -> None:
    command = ssh_command(host)
    assert (command[0], command[4:]) == ("ssh", arguments)


@pytest.mark.parametrize("host", ["ssh://", "ssh://me:secret@far", "ssh://far?x=1", "ssh://far:port"])
def test_what_is_no_address_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"ssh://|[Pp]ort"):
        ssh_command(host)


@contextlib.contextmanager
def tunnel(folder: Path, script: str) -> Iterator[Tunnel]:
    """With a program in place of ssh."""
    folder.mkdir(exist_ok=True)
    (folder / "ssh").write_text(f"#!{sys.executable}\n{script}\n")
    (folder / "ssh").chmod(0o755)
    opened = Tunnel("ssh://far", {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"})
    try:
        yield opened
    finally:
        opened.close()


def call(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(path)
    return connection


def test_every_connection_is_one_of_its_own(tmp_path: Path) -> None:
    echo = "import os\nwhile piece := os.read(0, 65536): os.write(1, piece.upper())"
    with tunnel(tmp_path, echo) as opened, call(opened.path) as one, call(opened.path) as two:
        two.sendall(b"two")
        one.sendall(b"one")
        assert (one.recv(9), two.recv(9)) == (b"ONE", b"TWO")
        # What ends on this side ends there, and the other way round.
        one.shutdown(socket.SHUT_WR)
        assert one.recv(9) == b""
    assert not Path(opened.path).parent.exists()


def test_what_ssh_complains_about_is_told(tmp_path: Path) -> None:
    said = "import sys\nsys.exit('me@far: Permission denied (publickey).')"
    with tunnel(tmp_path, said) as opened, call(opened.path) as connection:
        assert connection.recv(9) == b""
        assert opened.said() == "me@far: Permission denied (publickey)."


def test_a_machine_without_ssh(tmp_path: Path) -> None:
    endpoint = Endpoint(host="ssh://far", source="DOCKER_HOST")
    with pytest.raises(EngineUnavailableError, match="ssh cannot be run") as caught, contextlib.ExitStack() as stack:
        connected(endpoint, {"PATH": str(tmp_path)}, stack)
    assert "`ssh ssh://far docker version`" in str(caught.value.hint)


def test_closing_ends_what_still_runs(tmp_path: Path) -> None:
    idle = (
        "import os, pathlib, time\npathlib.Path(__file__).with_name('pid').write_text(str(os.getpid()))\ntime.sleep(60)"
    )
    with tunnel(tmp_path, idle) as opened, call(opened.path):
        deadline = time.monotonic() + 10
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    opened.close()
