"""Which setting an engine's refusal to start a container is about."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from lambda_backend.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambda_backend.engines.protocol import ContainerSpec

__all__ = ["located"]

_HINTS = {
    "volumes": "the path has to be there, on the machine that the engine runs on",
    "volumes-from": "name a container that is there, running or not",
    "security-opt": "name one that the engine knows: no-new-privileges, seccomp=FILE, apparmor=PROFILE, label=…",
    "network": "name host, none, or a network that the engine has",
    "user": "give numbers, 1000:1000, or a user that the image has",
    "working-directory": "name a folder that the image has",
}


@contextlib.contextmanager
def located(spec: ContainerSpec, key: str) -> Iterator[None]:
    """Put the key of the option that an engine refuses before its error.

    Engines tell what they refuse in words: a line that names the value, and what kind of thing it is.

    Args:
        spec: what is started in here.
        key: path of the settings that the spec is made of, ``tool.lambda.bundling``.
    """
    try:
        yield
    except EngineError as error:
        option = _blamed(spec, error.message)
        if option is not None:
            error.locate(f"{key}.{option}")
            error.hint = _HINTS[option.partition("[")[0]]
        raise


def _blamed(spec: ContainerSpec, said: str) -> str | None:
    for option, value, kind in _options(spec):
        named = re.compile(rf"(?<![\w/.-]){re.escape(value)}(?![\w/-])")
        if any(named.search(line) and re.search(kind, line, re.IGNORECASE) for line in said.splitlines()):
            return option
    return None


def _options(spec: ContainerSpec) -> Iterator[tuple[str, str, str]]:
    """Each option, its value, and the words of which one goes with it when an engine refuses it."""
    for mount in spec.mounts:
        if mount.option is not None:
            yield mount.option, str(mount.source), ""
            yield mount.option, str(mount.target), ""
    for number, taken in enumerate(spec.volumes_from):
        yield f"volumes-from[{number}]", taken.partition(":")[0], "volume|container"
    for number, option in enumerate(spec.security_opt):
        yield f"security-opt[{number}]", option, "security|seccomp|apparmor|label"
        yield f"security-opt[{number}]", option.partition("=")[2] or option, "security|seccomp|apparmor|label"
    if spec.network is not None:
        yield "network", spec.network.partition(":")[2] or spec.network, "network|container"
    if spec.user is not None:
        for name in spec.user.split(":"):
            yield "user", name, "user|group|passwd"
    if spec.working_directory is not None:
        yield "working-directory", spec.working_directory, "directory|workdir|chdir|cwd"
