"""A connection of the ``docker`` package to an address of Docker's API, looked at before it is relied on."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, cast

from lambda_backend.engines.docker_errors import unavailable
from lambda_backend.engines.endpoint import ping
from lambda_backend.engines.tunnel import Tunnel
from lambda_backend.errors import EngineUnavailableError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from docker import APIClient
    from docker.tls import TLSConfig

    from lambda_backend.engines.endpoint import Endpoint

__all__ = ["connected"]

_PROBE_TIMEOUT = 10
"""Seconds for an engine to answer at all."""
_SSH_TIMEOUT = 60
"""Seconds over ssh, where someone may have to type a passphrase first."""


def connected(endpoint: Endpoint, environ: Mapping[str, str], stack: contextlib.ExitStack) -> APIClient:
    """A client of the engine, which has answered.

    Args:
        endpoint: where it listens.
        environ: of ssh, where that is called.
        stack: closes the connection.

    Raises:
        MissingExtraError: the ``docker`` package is not installed.
        EngineUnavailableError: it does not answer; says why.
    """
    try:
        import docker
    except ImportError as error:
        raise MissingExtraError(
            "the docker package is not installed, and this build talks to Docker with it",
            hint="pip install 'lambda-backend[docker]' (an isolated build asks for it by itself: start it again)",
        ) from error
    arguments: dict[str, Any] = {"tls": _tls(endpoint)} if endpoint.tls is not None else {}
    with contextlib.ExitStack() as own:
        try:
            arguments["base_url"] = _address(endpoint, environ, own)
            with contextlib.closing(docker.APIClient(**arguments, version="auto", timeout=_PROBE_TIMEOUT)) as probe:
                version = probe.api_version
            # Commands and pulls are silent for as long as they like: no time-out from here on.
            api = docker.APIClient(**arguments, version=version, timeout=cast("Any", None))
        except Exception as error:  # the package lets its dependencies' exceptions through as well as its own
            raise unavailable(endpoint, error) from error
        own.callback(api.close)
        stack.enter_context(own.pop_all())
    return api


def _address(endpoint: Endpoint, environ: Mapping[str, str], stack: contextlib.ExitStack) -> str:
    if endpoint.host.startswith("ssh://"):
        tunnel = Tunnel(endpoint.host, environ)
        stack.callback(tunnel.close)
        try:
            answered = ping(tunnel.path, _SSH_TIMEOUT)
        except OSError as error:
            raise ConnectionError(tunnel.said() or str(error)) from error
        if not answered:
            raise ConnectionError(tunnel.said() or "the connection was closed")
        return f"unix://{tunnel.path}"
    if endpoint.socket is not None:  # the package leaks the connection of a failed attempt
        ping(endpoint.socket, _PROBE_TIMEOUT)
    return endpoint.host


def _tls(endpoint: Endpoint) -> TLSConfig:
    from docker.tls import TLSConfig

    assert endpoint.tls is not None  # noqa: S101 - the caller has seen to it
    ca, certificate, key = (endpoint.tls / name for name in ("ca.pem", "cert.pem", "key.pem"))
    if missing := [str(path) for path in (ca, certificate, key) if not path.is_file()]:
        raise EngineUnavailableError(
            f"docker cannot speak TLS to {endpoint.host} ({endpoint.source}): there is no {', '.join(missing)}",
            hint="DOCKER_CERT_PATH names the folder; without it and DOCKER_TLS_VERIFY there is no TLS",
        )
    return TLSConfig(client_cert=(str(certificate), str(key)), ca_cert=str(ca), verify=endpoint.verify)
