"""The certificate authorities of the host, handed to containers: many live behind a proxy with one of its own."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from lambda_backend.engines.protocol import Mount
from lambda_backend.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ca_bundle_mount", "ca_environment"]

_SOURCES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
_TARGET = PurePosixPath("/etc/lambda-backend/ca.pem")
_KEY = "tool.lambda.bundling.ca-bundle"


def ca_bundle_mount(setting: str, environ: Mapping[str, str], *, project: Path | None = None) -> Mount | None:
    """The mount that hands the host's certificates to a container, or None where there are none to hand on.

    Args:
        setting: ``auto`` takes the first file that the environment names; ``off`` none; anything else is a path.
        environ: the host's environment.
        project: what a relative path is relative to.

    Raises:
        SettingsError: the path is no file.
    """
    if setting == "off":
        return None
    if setting == "auto":
        named = (Path(environ[name]) for name in _SOURCES if environ.get(name))
        found = next((path for path in named if path.is_file()), None)
        return None if found is None else _mount(found)
    path = (project or Path()) / Path(setting).expanduser()
    if not path.is_file():
        raise SettingsError([f"{_KEY}: there is no file {path}"], hint='name a PEM file, or "auto" or "off"')
    return _mount(path)


def _mount(bundle: Path) -> Mount:
    return Mount(source=bundle.resolve(), target=_TARGET, read_only=True)


def ca_environment() -> dict[str, str]:
    """What points a container's tools to the mounted file: Python, OpenSSL, requests, curl, pip, uv and Node."""
    return {name: str(_TARGET) for name in (*_SOURCES, "NODE_EXTRA_CA_CERTS")}
