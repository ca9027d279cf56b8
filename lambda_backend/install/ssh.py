"""The host's ssh agent in a container."""

from __future__ import annotations

import socket
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from lambda_backend.engines.protocol import Mount
from lambda_backend.errors import EngineError, SettingsError
from lambda_backend.install.secret_files import host_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambda_backend.engines.access import Reached
    from lambda_backend.engines.protocol import Container
    from lambda_backend.settings.model import BundlingSettings

__all__ = ["AGENT", "agent_mounts", "agent_path", "prepare"]

AGENT = PurePosixPath("/etc/lambda-backend/ssh-agent.sock")
"""The agent's socket in a container."""
_KNOWN_HOSTS = PurePosixPath("/etc/ssh/ssh_known_hosts")
_PATIENCE = 5.0
"""Seconds that an agent has to take a call."""
_NEXT_STEP = 'start an agent (eval "$(ssh-agent)") and give it a key (ssh-add), or name the socket of one that runs'
_WHO = """
import os, pwd
try:
    pwd.getpwuid(os.getuid())
except KeyError:
    print("%d:%d" % (os.getuid(), os.getgid()))
"""
_ADD = """
import sys
with open("/etc/passwd", "a+") as file:
    file.seek(0)
    text = file.read()
    file.write(("" if text.endswith("\\n") or not text else "\\n") + sys.argv[1] + "\\n")
"""


def agent_path(setting: str, environ: Mapping[str, str], root: Path) -> Path | None:
    """The socket that the setting names; None where it names that of ``SSH_AUTH_SOCK``, which is not set.

    Args:
        setting: ``default``, or a path.
        environ: of the host.
        root: what a relative path is relative to.
    """
    if setting == "default":
        named = environ.get("SSH_AUTH_SOCK")
        return Path(named) if named else None
    return host_path(setting, environ, root)


def agent_mounts(agent: Path | None, environ: Mapping[str, str], *, key: str) -> tuple[Mount, ...]:
    """What hands an agent to a container: its socket and, where they are there, the hosts that its user knows.

    Args:
        agent: its socket, from ``agent_path``.
        environ: of the host.
        key: path of the setting, for messages.

    Raises:
        SettingsError: no agent answers there.
    """
    problem = "no ssh agent runs: SSH_AUTH_SOCK is not set" if agent is None else _problem(agent)
    if agent is None or problem:
        raise SettingsError([f"{key}: {problem}"], hint=_NEXT_STEP)
    mounts = [Mount(source=agent.resolve(), target=AGENT)]
    known = host_path("~/.ssh/known_hosts", environ, Path())
    if known.is_file():
        mounts.append(Mount(source=known.resolve(), target=_KNOWN_HOSTS, read_only=True))
    return tuple(mounts)


def _problem(path: Path) -> str | None:
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return f"{path} is no socket of an ssh agent"
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_PATIENCE)
            probe.connect(str(path))
    except OSError as error:
        return f"no ssh agent answers at {path}: {error.strerror or error}"
    return None


def prepare(bundling: BundlingSettings, reached: Reached, python: str, *, engine: str, key: str) -> None:
    """See that ssh works in a container, where the settings give it an agent, or a file that may be a key.

    Args:
        bundling: the settings.
        reached: the container.
        python: its interpreter.
        engine: its engine's name.
        key: path of the settings, for messages.

    Raises:
        SettingsError: it is given copies of files, which an agent's socket cannot be.
        EngineError: its user has no name, and cannot be given one.
    """
    if bundling.ssh is not None and not reached.shared:
        raise SettingsError(
            [f"{key}.ssh: {engine} is given copies of this machine's files, and the agent's socket cannot be copied"],
            hint="take an engine of this machine without volume-copy, or packages that come by https",
        )
    if bundling.ssh is not None or bundling.secrets:
        _give_name(reached.container, python)


def _give_name(container: Container, python: str) -> None:
    # ssh runs for no user without a name ("No user exists for uid 1000"). Podman adds the user that it was told to the
    # container's passwd file, Docker does not.
    ids = container.exec([python, "-c", _WHO]).output.strip()
    if not ids:
        return
    # passwd(5). ssh looks into this home, whatever HOME says.
    line = f"lambda-backend:x:{ids}::/tmp:/bin/sh"
    result = container.exec([python, "-c", _ADD, line], as_root=True)
    if result.exit_code:
        raise EngineError(
            f"the container's user {ids} has no name, which ssh needs, and cannot be given one: {result.log.strip()}",
            hint="name a user that the image has in tool.lambda.bundling.user, or add one in an image of your own",
        )
