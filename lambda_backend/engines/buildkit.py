"""BuildKit, which is spoken to by Docker's own command: the ``docker`` package knows the builder before it only."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lambda_backend.engines.command import Command
from lambda_backend.engines.endpoint import find_endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["PLAIN", "buildkit_command"]

PLAIN = ("--progress", "plain")
"""Lines, and not a screen that is drawn again and again."""
# Without buildx a newer client refuses even to help; with another API than the engine's it cannot ask for its version.
_PROBES = (("build", "--help"), ("version", "--format", "{{.Server.APIVersion}}"))


def buildkit_command(environ: Mapping[str, str]) -> Command | None:
    """The first of Docker's commands on PATH that builds with BuildKit at the engine of this environment."""
    changed = {
        **environ,
        "DOCKER_BUILDKIT": "1",
        # A provenance attestation would say with which arguments, and make the tag that of an index.
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    }
    endpoint = find_endpoint(environ)
    if endpoint.source == "the local socket":  # which may be one where the command does not look
        changed["DOCKER_HOST"] = endpoint.host
    elif endpoint.host.startswith("tcp://") and not any(name.lower().endswith("_proxy") for name in environ):
        # A proxy that is a build argument is in the command's environment, and is none of the command's own.
        changed["NO_PROXY"] = urlsplit(endpoint.host).hostname or ""
    for program in _programs(environ):
        command = Command(program=program, environ=changed)
        if all(command.run(probe).exit_code == 0 for probe in _PROBES):
            return command
    return None


def _programs(environ: Mapping[str, str]) -> Iterator[str]:
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        if found := shutil.which("docker", path=folder):
            yield found
