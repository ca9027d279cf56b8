"""Which container engines answer on this machine, and how to build with them here."""

from __future__ import annotations

import functools
import shutil
import subprocess

from tests.helpers.interpreters import unavailable


@functools.cache
def engine_answers(name: str) -> bool:
    """Whether an engine works; host always does."""
    if name == "host":
        return True
    if name == "docker":
        import docker

        try:
            client = docker.from_env(timeout=10)
            client.ping()
            client.close()
        except (docker.errors.DockerException, OSError):
            return False
        return True
    if shutil.which(name) is None:
        return False
    return subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0


def engine_environment(name: str) -> dict[str, str]:
    """Variables that make a build use an engine; skips the test (or fails, in CI) where it does not answer."""
    if not engine_answers(name):
        unavailable(f"{name} does not answer")
    # The host's network: the engines of development machines here have no bridge, and it works on all others.
    return {"LAMBDA_BACKEND_ENGINE": name} | ({} if name == "host" else {"LAMBDA_BACKEND_BUNDLING_NETWORK": "host"})
