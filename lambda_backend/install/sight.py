"""What a container is given of this machine: files, and the environment of every command."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from lambda_backend.engines.ca import ca_bundle_mount, ca_environment
from lambda_backend.engines.environment import exec_environment
from lambda_backend.engines.protocol import Mount
from lambda_backend.install.indexes import with_uv_index
from lambda_backend.install.keyring import Keyring
from lambda_backend.install.secret_files import host_path, secret_mounts
from lambda_backend.install.ssh import AGENT, agent_mounts, agent_path
from lambda_backend.install.telling import SHORTEST, netrc_passwords, telling_parts
from lambda_backend.install.workbench import UV_CACHE
from lambda_backend.settings.fill import filled_texts
from lambda_backend.settings.interpolate import secrets_in, url_secrets
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambda_backend.settings.model import BundlingSettings

__all__ = ["Sight", "sight"]

_NETRC = PurePosixPath("/etc/lambda-backend/netrc")


class Sight(Value):
    """What the commands of an installation see of this machine."""

    mounts: tuple[Mount, ...]
    """Files for the container."""
    certificates: Mount | None
    """The host's certificate authorities, which are among the mounts."""
    chosen: Mapping[str, str]
    """What the settings add to this machine's own variables, in uv's words where it has its own; may hold secrets."""
    environment: Mapping[str, str]
    """All variables of a command in the container; may hold secrets, so they are no part of its settings."""
    secrets: tuple[str, ...]
    """What must not show."""


def sight(
    bundling: BundlingSettings, environ: Mapping[str, str], *, key: str, root: Path, contained: bool = True
) -> Sight:
    """What the settings let an installation see.

    Args:
        bundling: filled in, but for what may be secrets.
        environ: of the process.
        key: path of the bundling settings, for messages.
        root: the project's folder; relative paths are relative to it.
        contained: it may run in a container; else surely on this machine, where ssh and keyring work as they always do.

    Raises:
        SettingsError: a variable is not set, a file is not there, or no ssh agent runs.
    """
    # In uv's words before it meets the host's: the project's PIP_INDEX_URL wins over a UV_DEFAULT_INDEX there.
    chosen = with_uv_index(filled_texts(bundling.environment, environ, f"{key}.environment"))
    certificates = ca_bundle_mount(bundling.ca_bundle, environ, project=root)
    netrc = _netrc(environ)
    files = secret_mounts(bundling.secrets, environ, root=root, home=chosen.get("HOME"), key=f"{key}.secrets")
    agent = None if bundling.ssh is None else agent_path(bundling.ssh, environ, root)
    agents: tuple[Mount, ...] = ()
    if contained and bundling.ssh is not None:
        agents = agent_mounts(agent, environ, key=f"{key}.ssh")
    environment = {
        **exec_environment(environ),
        **(ca_environment() if certificates else {}),
        **({"NETRC": str(_NETRC)} if netrc else {}),
        "UV_CACHE_DIR": str(UV_CACHE),
        "UV_LINK_MODE": "copy",
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        **chosen,
        **({"SSH_AUTH_SOCK": str(AGENT)} if agents else {}),
    }
    if contained:
        environment = Keyring({**environ, **chosen}).with_passwords(environment)
    hidden = [
        *(secret for text in bundling.environment.values() for secret in secrets_in(text, environ)),
        *(part for text in environment.values() for part in url_secrets(text)),
        *(netrc_passwords(_text(netrc)) if netrc else ()),
        *(part for file in files for part in telling_parts(_text(file.source))),
    ]
    mounts = [certificates, None if netrc is None else Mount(source=netrc, target=_NETRC, read_only=True)]
    return Sight(
        mounts=(*(mount for mount in mounts if mount is not None), *files, *agents, *_volumes(bundling, root)),
        certificates=certificates,
        chosen={**chosen, **({"SSH_AUTH_SOCK": str(agent)} if agent else {})},
        environment=environment,
        secrets=tuple(part for part in hidden if len(part) >= SHORTEST),
    )


def _text(path: Path) -> str:
    return path.read_text("utf-8", "replace")


def _volumes(bundling: BundlingSettings, root: Path) -> list[Mount]:
    return [
        Mount(
            source=root / Path(volume.host_path).expanduser(),
            target=PurePosixPath(volume.container_path),
            read_only=volume.read_only,
            on_engine=True,
            option=f"volumes[{index}]",
        )
        for index, volume in enumerate(bundling.volumes)
    ]


def _netrc(environ: Mapping[str, str]) -> Path | None:
    """The host's netrc file, by curl's and uv's rule: the one that NETRC names, or ``~/.netrc``."""
    named = environ.get("NETRC")
    path = Path(named) if named else host_path("~/.netrc", environ, Path())
    return path.resolve() if path.is_file() else None
