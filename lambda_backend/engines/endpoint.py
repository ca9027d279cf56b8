"""Where Docker listens, found as Docker's own command finds it; needs no ``docker`` package."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_backend.errors import EngineUnavailableError
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Endpoint", "answers", "container_proxies", "find_endpoint", "ping"]

_PING = b"GET /_ping HTTP/1.0\r\nHost: localhost\r\n\r\n"


class Endpoint(Value):
    """An address of the Docker API."""

    host: str
    """``unix:///var/run/docker.sock``, ``npipe://…``, ``tcp://…`` or ``ssh://…``."""
    source: str
    """Where the address comes from, for messages."""
    tls: Path | None = None
    """The folder of ``ca.pem``, ``cert.pem`` and ``key.pem``."""
    verify: bool = True

    @property
    def socket(self) -> str | None:
        """The path of a Unix socket."""
        return self.host.removeprefix("unix://") if self.host.startswith("unix://") else None


def find_endpoint(environ: Mapping[str, str]) -> Endpoint:
    """DOCKER_HOST, else the context that DOCKER_CONTEXT or Docker's configuration names, else the local socket.

    Raises:
        EngineUnavailableError: the named context does not exist.
    """
    folder = _config_folder(environ)
    if host := environ.get("DOCKER_HOST"):
        verify = bool(environ.get("DOCKER_TLS_VERIFY"))
        certificates = environ.get("DOCKER_CERT_PATH") or (str(folder) if verify else None)
        return Endpoint(
            host=host,
            source="DOCKER_HOST",
            tls=Path(certificates) if certificates else None,
            verify=verify,
        )
    context = environ.get("DOCKER_CONTEXT") or str(_config(folder).get("currentContext") or "default")
    return _local(environ) if context == "default" else _of_context(folder, context)


def _local(environ: Mapping[str, str]) -> Endpoint:
    if os.name == "nt":
        return Endpoint(host="npipe:////./pipe/docker_engine", source="the local pipe")
    system = "/var/run/docker.sock"
    home, runtime = environ.get("HOME"), environ.get("XDG_RUNTIME_DIR")
    candidates = [
        system,
        *([f"{runtime}/docker.sock"] if runtime else []),
        *([f"{home}/.docker/run/docker.sock"] if home else []),
    ]
    found = next((path for path in candidates if Path(path).exists()), system)
    return Endpoint(host=f"unix://{found}", source="the local socket")


def _of_context(folder: Path, name: str) -> Endpoint:
    digest = hashlib.sha256(name.encode()).hexdigest()
    source = f"the Docker context {name!r}"
    try:
        of_docker = json.loads((folder / "contexts/meta" / digest / "meta.json").read_text("utf-8"))["Endpoints"][
            "docker"
        ]
        host = of_docker["Host"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineUnavailableError(
            f"{source} cannot be read from {folder}",
            hint="docker context ls shows the contexts there are; docker context use default goes back",
        ) from error
    certificates = folder / "contexts/tls" / digest / "docker"
    return Endpoint(
        host=host,
        source=source,
        tls=certificates if certificates.is_dir() else None,
        verify=not of_docker.get("SkipTLSVerify"),
    )


def container_proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """The proxies that Docker's configuration gives to containers; the ``docker`` command would put them in."""
    proxies = _config(_config_folder(environ)).get("proxies")
    default = proxies.get("default") if isinstance(proxies, dict) else None
    found = {}
    if isinstance(default, dict):
        for key, name in (
            ("httpProxy", "http_proxy"),
            ("httpsProxy", "https_proxy"),
            ("noProxy", "no_proxy"),
            ("allProxy", "all_proxy"),
        ):
            if value := default.get(key):
                found[name] = found[name.upper()] = str(value)
    return found


def answers(endpoint: Endpoint, timeout: float = 1.0) -> bool:
    """Whether a Unix socket answers a ping; False for other kinds of address.

    Args:
        endpoint: the address.
        timeout: seconds.
    """
    try:
        return endpoint.socket is not None and ping(endpoint.socket, timeout)
    except OSError:
        return False


def ping(path: str, timeout: float) -> bool:
    """Whether an engine of Docker's API is behind a Unix socket.

    Raises:
        OSError: nobody listens or answers there, or we may not ask.
    """
    if not hasattr(socket, "AF_UNIX"):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        connection.connect(path)
        connection.sendall(_PING)
        return b" 200 " in connection.recv(64)


def _config_folder(environ: Mapping[str, str]) -> Path:
    if folder := environ.get("DOCKER_CONFIG"):
        return Path(folder)
    return Path(environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")) / ".docker"  # noqa: PTH111


def _config(folder: Path) -> dict[str, object]:
    with contextlib.suppress(OSError, ValueError):
        config = json.loads((folder / "config.json").read_text("utf-8"))
        if isinstance(config, dict):
            return config
    return {}
