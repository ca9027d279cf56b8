"""Engines that do not see this machine's files: in their own mount namespace the folders that tests use are empty."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.helpers.interpreters import unavailable
from tests.helpers.machine import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["RemoteEngine", "answers", "docker_daemon", "free_port", "podman_service", "program", "ssh_server"]

# The engine's own folder, which comes first, stays in sight as /mnt. Then the folders to hide, --, and a command.
_HIDE = """\
mount --bind "$1" /mnt
shift
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mount -t tmpfs tmpfs "$1"; fi
  shift
done
shift
cd /
setpriv --pdeathsig KILL sleep infinity &
echo $! >/mnt/witness
exec "$@"
"""
_PATIENCE = 60


@dataclass(frozen=True, kw_only=True)
class RemoteEngine:
    """A running engine."""

    address: str
    """``tcp://127.0.0.1:…``."""
    client: tuple[str, ...]
    """Its own command, told where it is."""
    pid: int
    """A process that sees what it sees. Its own threads may be where containers are: Podman copies from there."""
    hidden: tuple[str, ...]
    """Folders of this machine that are empty there."""

    def command(self, *arguments: str) -> str:
        """Run the engine's own command, to look at it from the outside."""
        return _run(*self.client, *arguments)

    def inside(self, *argv: str | Path) -> str:
        """Run a command that sees the files of the engine's machine."""
        return _run(program("nsenter"), "--mount", "--target", str(self.pid), *map(str, argv))

    def load(self, image: str, source: Sequence[str]) -> None:
        """Give it an image that another engine has.

        Args:
            image: its reference.
            source: the other engine's command.
        """
        with subprocess.Popen([*source, "save", image], stdout=subprocess.PIPE) as saving:
            done = subprocess.run(
                [*self.client, "load", "--quiet"], stdin=saving.stdout, capture_output=True, text=True, check=False
            )
        if saving.returncode or done.returncode:
            unavailable(f"{image} cannot be given to the remote engine; .ci/engines makes it: {done.stderr}")

    def files(self) -> list[str]:
        """What lies in the hidden folders there: nothing, as long as nobody puts something there."""
        # On a busy machine dockerd asks its containerd where it is, which answers with a file.
        of_its_own = ("!", "-name", "containerd.*.stacks.log")
        return self.inside("find", *self.hidden, "-mindepth", "1", *of_its_own).splitlines()


def program(name: str) -> str:
    """Its absolute path."""
    path = os.pathsep.join(("/usr/bin", os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    found = shutil.which(name, path=path)
    if found is None:
        unavailable(f"no {name} on this machine")
    return str(found)


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def docker_daemon(root: Path) -> Iterator[RemoteEngine]:
    """A dockerd; ``root`` is a new folder for its files."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    argv = (
        *(program("dockerd"), "--host", address, "--tls=false", "--pidfile", "/mnt/pid"),
        *("--data-root", "/mnt/data", "--exec-root", "/mnt/exec"),
        *("--iptables=false", "--ip6tables=false", "--bridge=none"),
    )
    with _started(argv, root, port) as (pid, hidden):
        yield RemoteEngine(address=address, client=(program("docker"), "--host", address), pid=pid, hidden=hidden)


@contextlib.contextmanager
def podman_service(root: Path) -> Iterator[RemoteEngine]:
    """Podman's service, which speaks Docker's API too; ``root`` is a new folder for its files."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    argv = (
        *(program("podman"), "--root", "/mnt/root", "--runroot", "/mnt/run", "--tmpdir", "/mnt/tmp"),
        *("system", "service", "--time=0", address),
    )
    with _started(argv, root, port) as (pid, hidden):
        yield RemoteEngine(address=address, client=(program("podman"), "--url", address), pid=pid, hidden=hidden)


@contextlib.contextmanager
def _started(argv: Sequence[str], root: Path, port: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    if os.geteuid() != 0:
        unavailable("an engine with a mount namespace of its own needs root")
    root.mkdir(parents=True)
    hidden = _outermost(Path(tempfile.gettempdir()), Path.home(), Path("/home"), CHECKOUT, Path("/run"))
    # It ends with this process, whatever happens to it.
    unshared = (program("setpriv"), "--pdeathsig", "TERM", program("unshare"), "--mount", "--propagation", "private")
    shell = ("sh", "-ec", _HIDE, "sh", str(root), *hidden, "--")
    with (
        (root / "log").open("wb") as log,
        subprocess.Popen([*unshared, *shell, *argv], stdout=log, stderr=log, stdin=subprocess.DEVNULL) as engine,
    ):
        try:
            _await(f"http://127.0.0.1:{port}/_ping", engine, root / "log")
            yield int((root / "witness").read_text("ascii")), tuple(name for name in hidden if name != "/run")
        finally:
            engine.terminate()
            try:
                engine.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                engine.kill()
    shutil.rmtree(root, ignore_errors=True)


def _outermost(*folders: Path) -> tuple[str, ...]:
    """Those that are there, and in none of the others."""
    there = {folder.resolve() for folder in folders if folder.is_dir()}
    return tuple(str(folder) for folder in sorted(there) if not there & set(folder.parents))


def _await(url: str, engine: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not answers(url):
        text = log.read_text("utf-8", "replace")[-3000:]
        assert engine.poll() is None, text
        assert time.monotonic() < deadline, text
        time.sleep(0.2)


def answers(url: str) -> bool:
    """Whether something does, whatever proxies the environment names."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def ssh_server(root: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """An sshd, and a folder for PATH with an ssh that may enter there.

    Args:
        root: a new folder.
        environment: what its users' commands see besides.

    Yields:
        ``user@host:port`` and the folder.
    """
    root.mkdir(parents=True)
    (root / "bin").mkdir()
    for name in ("host_key", "user_key"):
        _run(program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(root / name))
    port = free_port()
    lines = [
        f"ListenAddress 127.0.0.1:{port}",
        f"HostKey {root}/host_key",
        f"AuthorizedKeysFile {root}/user_key.pub",
        *(
            "PidFile none",
            "UsePAM no",
            "StrictModes no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
        ),
        "SetEnv " + " ".join(f'"{name}={value}"' for name, value in environment.items()),
    ]
    (root / "sshd_config").write_text("\n".join((*lines, "")))
    key = " ".join((root / "host_key.pub").read_text().split()[:2])
    (root / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}\n")
    options = f"-F none -o BatchMode=yes -o UserKnownHostsFile={root}/known_hosts -i {root}/user_key"
    (root / "bin/ssh").write_text(f'#!/bin/sh\nexec {program("ssh")} {options} "$@"\n')
    (root / "bin/ssh").chmod(0o755)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it has no privileges; Debian's service makes it
    with (
        (root / "log").open("wb") as log,
        subprocess.Popen([program("sshd"), "-D", "-e", "-f", str(root / "sshd_config")], stderr=log) as sshd,
    ):
        try:
            deadline = time.monotonic() + _PATIENCE
            while b"listening" not in (root / "log").read_bytes():
                assert sshd.poll() is None, (root / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield f"{Path.home().owner()}@127.0.0.1:{port}", root / "bin"
        finally:
            sshd.terminate()


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
