"""Which engine a build uses."""

from __future__ import annotations

import importlib.util
import os
import shutil
from typing import TYPE_CHECKING

from lambda_backend.engines.endpoint import answers, find_endpoint
from lambda_backend.engines.flavors import FLAVORS
from lambda_backend.errors import EngineUnavailableError, LambdaBackendError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lambda_backend.engines.protocol import Engine

__all__ = ["ENGINES", "choose", "connect", "likely"]

ENGINES = ("docker", *FLAVORS)
"""All there are, in the order in which ``auto`` tries them."""


def choose(name: str, *, environ: Mapping[str, str], note: Callable[[str], None]) -> Engine | None:
    """The engine of that name; None for the host.

    Args:
        name: the setting: ``auto``, ``host``, or an engine's name.
        environ: the environment, which says where engines listen.
        note: gets one line when ``auto`` found no engine, with the reasons.

    Raises:
        EngineUnavailableError: the named engine does not answer.
        MissingExtraError: the named engine needs a package that is not installed.
    """
    if name == "host":
        return None
    if name != "auto":
        return connect(name, environ)
    reasons = []
    for candidate in ENGINES:
        try:
            return connect(candidate, environ)
        except (EngineUnavailableError, MissingExtraError) as error:  # noqa: PERF203 - few rounds
            reasons.append(_reason(candidate, error, environ))
    note(f"no container engine answers ({'; '.join(reasons)}): building on the host")
    return None


def connect(name: str, environ: Mapping[str, str]) -> Engine:
    """The engine of that name.

    Raises:
        EngineUnavailableError: it does not answer.
        MissingExtraError: it needs a package that is not installed.
    """
    if name == "docker":
        from lambda_backend.engines.docker import DockerEngine

        return DockerEngine.connect(environ)
    from lambda_backend.engines.cli import CliEngine

    return CliEngine.connect(name, environ)


def _reason(name: str, error: LambdaBackendError, environ: Mapping[str, str]) -> str:
    reason = " ".join(error.message.split())
    if isinstance(error, MissingExtraError):
        there = " though there is a Docker" if _docker_is_there(environ) else ""
        reason = f"the docker package is not installed{there}; pip install 'lambda-backend[docker]'"
    return f"{name}: {reason.removeprefix(name).lstrip()}"


def _docker_is_there(environ: Mapping[str, str]) -> bool:
    if shutil.which("docker", path=environ.get("PATH", os.defpath)):
        return True
    try:
        return answers(find_endpoint(environ))
    except EngineUnavailableError:
        return False


def likely(name: str, environ: Mapping[str, str]) -> str:
    """What ``choose`` will come to, guessed cheaply and without the ``docker`` package: an engine's name or ``host``.

    ``get_requires_for_build_wheel`` asks for ``docker`` or ``uv`` by it. A wrong guess costs no more than a
    package too many, or the next engine.
    """
    if name != "auto":
        return name
    if _docker_is_likely(environ):
        return "docker"
    path = environ.get("PATH", os.defpath)
    return next((program for program in FLAVORS if shutil.which(program, path=path)), "host")


def _docker_is_likely(environ: Mapping[str, str]) -> bool:
    try:
        endpoint = find_endpoint(environ)
    except EngineUnavailableError:
        return False
    if endpoint.source == "the local pipe":  # Windows names no files for pipes that can be asked about cheaply
        return importlib.util.find_spec("docker") is not None or shutil.which("docker") is not None
    return endpoint.source != "the local socket" or answers(endpoint)
