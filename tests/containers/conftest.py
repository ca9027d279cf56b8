"""Real engines. Where one is missing its tests are skipped with the reason; in CI they fail."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines.choice import choose
from lambda_backend.errors import LambdaBackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lambda_backend.engines.protocol import Engine

ENGINES = ("docker", "podman-socket", "podman")
_SOCKET = os.environ.get("TEST_PODMAN_SOCKET", "unix:///run/podman/podman.sock")
# Finch and nerdctl are not to be had here, and take the words that Podman takes. Where they differ it is as theirs:
# `image inspect` has a flag that Podman's has not, `cp` takes no tars, `exec` ends with 1 and tells the code, and
# `rm --force` does not wait.
_PODMAN_AS = """\
#!/bin/sh
case "$1 $2" in
"image inspect")
  shift 2
  [ "$1" != --platform ] || shift 2
  exec podman image inspect "$@" ;;
"rm --force")
  shift 2
  exec podman rm --force --time 0 "$@" ;;
"cp "*)
  echo 'time="2026-11-23T10:00:00Z" level=fatal msg="support for tar archives is not implemented yet"' >&2
  exit 1 ;;
"exec "*)
  podman "$@"
  code=$?
  [ $code = 0 ] && exit
  echo "time=\\"2026-11-23T10:00:00Z\\" level=fatal msg=\\"exec failed with exit code $code\\"" >&2
  exit 1 ;;
*)
  exec podman "$@" ;;
esac
"""


def absent(reason: str) -> None:
    """Skip, or fail in CI, which always has engines."""
    if os.environ.get("CI"):
        pytest.fail(f"CI must have every engine: {reason}")
    pytest.skip(reason)


@pytest.fixture
def podman_as(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes a folder for PATH in which Podman goes by another engine's name."""

    def make(name: str) -> Path:
        if shutil.which("podman") is None:
            absent(f"podman is not installed, and stands in for {name}")
        folder = tmp_path_factory.mktemp(name)
        (folder / name).write_text(_PODMAN_AS, "utf-8")
        (folder / name).chmod(0o755)
        return folder

    return make


@pytest.fixture(params=ENGINES)
def engine_environ(request: pytest.FixtureRequest, podman_as: Callable[[str], Path]) -> Mapping[str, str]:
    """The environment in which ``engine`` is the one that a build finds; its ``LAMBDA_BACKEND_ENGINE`` names it."""
    environ = {name: value for name, value in os.environ.items() if name not in {"DOCKER_HOST", "DOCKER_CONTEXT"}}
    if request.param in {"finch", "nerdctl"}:
        path = f"{podman_as(request.param)}{os.pathsep}{environ['PATH']}"
        return {**environ, "LAMBDA_BACKEND_ENGINE": request.param, "PATH": path}
    if request.param == "podman":
        return {**environ, "LAMBDA_BACKEND_ENGINE": "podman"}
    if request.param == "podman-socket":
        environ["DOCKER_HOST"] = _SOCKET
    elif "DOCKER_HOST" in os.environ:
        environ["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    return {**environ, "LAMBDA_BACKEND_ENGINE": "docker"}


@pytest.fixture
def engine(engine_environ: Mapping[str, str]) -> Engine:
    """Docker, Podman's socket through Docker's package, and Podman's command."""
    try:
        found = choose(engine_environ["LAMBDA_BACKEND_ENGINE"], environ=engine_environ, note=print)
    except LambdaBackendError as error:
        absent(str(error))
        raise
    assert found is not None
    return found


@pytest.fixture
def build_image(engine: Engine) -> str:
    """A build image that the engine has."""
    reference = "public.ecr.aws/sam/build-python3.13:latest-x86_64"
    if engine.image(reference, "linux/amd64") is None:
        absent(f"{engine.name} does not have {reference}; .ci/engines makes a stand-in")
    return reference


@pytest.fixture
def command(engine_environ: Mapping[str, str]) -> Callable[..., str]:
    """The engine's own command, to look at it from the outside: never through the code under test."""
    if "podman" in engine_environ.get("DOCKER_HOST", "") or engine_environ["LAMBDA_BACKEND_ENGINE"] != "docker":
        program = "podman"
    else:
        # Debian's client speaks the API of Debian's engine; a newer one on PATH may refuse to.
        program = next((path for path in ("/usr/bin/docker",) if Path(path).exists()), "docker")
    environ = {name: value for name, value in engine_environ.items() if name != "DOCKER_HOST" or program != "podman"}

    def run(*arguments: str) -> str:
        return subprocess.run([program, *arguments], env=environ, check=True, capture_output=True, text=True).stdout

    return run
