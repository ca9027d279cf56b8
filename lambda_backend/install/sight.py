"""What a container is given of this machine: files, and the environment of every command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from lambda_backend.engines.ca import ca_bundle_mount, ca_environment
from lambda_backend.engines.environment import exec_environment
from lambda_backend.engines.protocol import Mount
from lambda_backend.install.indexes import with_uv_index
from lambda_backend.install.workbench import UV_CACHE
from lambda_backend.settings.fill import filled_texts
from lambda_backend.settings.interpolate import secrets_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambda_backend.settings.model import BundlingSettings

__all__ = ["Sight", "sight"]

_NETRC = PurePosixPath("/etc/lambda-backend/netrc")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """What the commands of an installation see of this machine."""

    mounts: tuple[Mount, ...]
    """Files for the container."""
    certificates: Mount | None
    """The host's certificate authorities, which are among the mounts."""
    chosen: Mapping[str, str]
    """The variables of ``bundling.environment``, in uv's words where it has its own; may hold secrets."""
    environment: Mapping[str, str]
    """All variables of a command in the container; may hold secrets, so they are no part of its settings."""
    secrets: tuple[str, ...]
    """What must not show."""


def sight(bundling: BundlingSettings, environ: Mapping[str, str], *, key: str, root: Path) -> Sight:
    """What the settings let a container see.

    Args:
        bundling: filled in, but for what may be secrets.
        environ: of the process.
        key: path of the bundling settings, for messages.
        root: the project's folder; relative paths are relative to it.

    Raises:
        SettingsError: a variable is not set, or a file is not there.
    """
    # In uv's words before it meets the host's: the project's PIP_INDEX_URL wins over a UV_DEFAULT_INDEX there.
    chosen = with_uv_index(filled_texts(bundling.environment, environ, f"{key}.environment"))
    certificates = ca_bundle_mount(bundling.ca_bundle, environ, project=root)
    netrc = _netrc(environ)
    mounts = [certificates, None if netrc is None else Mount(source=netrc, target=_NETRC, read_only=True)]
    return Sight(
        mounts=(*(mount for mount in mounts if mount is not None), *_volumes(bundling, root)),
        certificates=certificates,
        chosen=chosen,
        environment={
            **exec_environment(environ),
            **(ca_environment() if certificates else {}),
            **({"NETRC": str(_NETRC)} if netrc else {}),
            "UV_CACHE_DIR": str(UV_CACHE),
            "UV_LINK_MODE": "copy",
            "UV_NO_PROGRESS": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            **chosen,
        },
        secrets=tuple(secret for text in bundling.environment.values() for secret in secrets_in(text, environ)),
    )


def _volumes(bundling: BundlingSettings, root: Path) -> list[Mount]:
    return [
        Mount(
            source=root / Path(volume.host_path).expanduser(),
            target=PurePosixPath(volume.container_path),
            read_only=volume.read_only,
            on_engine=True,
        )
        for volume in bundling.volumes
    ]


def _netrc(environ: Mapping[str, str]) -> Path | None:
    """The host's netrc file, by curl's and uv's rule: the one that NETRC names, or ``~/.netrc``."""
    named = environ.get("NETRC")
    path = Path(named) if named else Path(environ.get("HOME", "~")).expanduser() / ".netrc"
    return path.resolve() if path.is_file() else None
