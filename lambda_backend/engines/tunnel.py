"""Docker's API by way of ssh: a Unix socket of this machine whose connections end at an engine on another one.

It is what Docker's own command does. The ``docker`` package calls ssh too, but asks for paramiko even then, knows no
time-outs there, and cannot close the stream of a command.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Tunnel", "ssh_command"]

_CONNECT_TIMEOUT = 10
"""Seconds for another machine to answer at all; whoever has to type a passphrase gets more."""
_PATIENCE = 5
"""Seconds for ssh to end when it is told to."""


def ssh_command(host: str) -> list[str]:
    """The command whose standard input and output are a connection to the engine.

    Args:
        host: ``ssh://[user@]host[:port][/path of the socket there]``, as Docker's command takes it.

    Raises:
        ValueError: it is no such URL.
    """
    url = urlsplit(host)
    if not url.hostname or url.password is not None or url.query or url.fragment:
        raise ValueError("expected ssh://[user@]host[:port][/path of the socket], without a password")
    # As it is written: names in ssh's configuration tell upper from lower case.
    name = url.netloc.rpartition("@")[2].removesuffix(f":{url.port}").strip("[]")
    return [
        *("ssh", "-T", "-o", f"ConnectTimeout={_CONNECT_TIMEOUT}"),
        *(("-l", url.username) if url.username else ()),
        *(("-p", str(url.port)) if url.port else ()),
        *("--", name, "docker"),
        *(("--host", f"unix://{url.path}") if url.path.strip("/") else ()),
        *("system", "dial-stdio"),
    ]


class Tunnel:
    """Listens until it is closed; every connection is an ssh of its own.

    Args:
        host: see ``ssh_command``.
        environ: of ssh.

    Raises:
        ValueError: the host is no such URL.
        OSError: this machine has no Unix sockets.
    """

    def __init__(self, host: str, environ: Mapping[str, str]) -> None:
        self._command = ssh_command(host)
        if not hasattr(socket, "AF_UNIX"):
            raise OSError("on this system an engine cannot be reached over ssh")
        self._environ = dict(environ)
        self._closing = False
        self._calls: list[subprocess.Popen[bytes]] = []
        # Only this user may look into it.
        self._folder = tempfile.TemporaryDirectory(prefix="lambda-backend-")
        self.path = str(Path(self._folder.name, "docker.sock"))
        self._log = Path(self._folder.name, "log").open("ab")  # noqa: SIM115 - closed in close
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def said(self) -> str:
        """What ssh, or the shell there, has complained about so far."""
        return Path(self._log.name).read_text("utf-8", "replace").strip()

    def close(self) -> None:
        """End the connections, and remove what is on this machine; once is enough."""
        if self._closing:
            return
        self._closing = True
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as last:
            last.connect(self.path)  # wakes the thread
        self._thread.join()
        for call in self._calls:
            call.terminate()
        for call in self._calls:
            _end(call)
        self._listener.close()
        self._log.close()
        self._folder.cleanup()

    def _serve(self) -> None:
        while not self._closing:
            connection, _ = self._listener.accept()
            self._calls = [call for call in self._calls if call.poll() is None]
            with connection:  # ssh has its own descriptors of it
                if not self._closing:
                    self._call(connection)

    def _call(self, connection: socket.socket) -> None:
        end = connection.fileno()
        try:
            call = subprocess.Popen(self._command, env=self._environ, stdin=end, stdout=end, stderr=self._log)
        except OSError as error:
            self._log.write(f"ssh cannot be run: {error.strerror or error}\n".encode())
            self._log.flush()
        else:
            self._calls.append(call)


def _end(call: subprocess.Popen[bytes]) -> None:
    try:
        call.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        call.kill()
        call.wait()
