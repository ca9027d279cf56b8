"""Which of the host's variables a command in a container needs: those about indexes, proxies and the network."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["exec_environment"]

_PIP = frozenset(
    {
        "PIP_DEFAULT_TIMEOUT",
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "PIP_INDEX_URL",
        "PIP_RETRIES",
        "PIP_TRUSTED_HOST",
    }
)
_PROXIES = frozenset({"ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"})
# About the host's own uv and its folders, or of no use to an installation.
_UV_OF_THE_HOST = re.compile(
    r"UV_(CACHE_DIR|CONFIG_FILE|CREDENTIALS_DIR|DOWNLOAD_URL|ENV_FILE|GITHUB_TOKEN|INSTALL|INSTALLER|INTERNAL|ISOLATED"
    r"|KEYRING_PROVIDER|LINK_MODE|LOCK_TIMEOUT|MANAGED_PYTHON|NO_MANAGED_PYTHON|PROJECT|PUBLISH|PYPY|PYTHON"
    r"|RUN|SYSTEM_PYTHON|TOOL|UNMANAGED|VENV|WORKING_DIR)(_|\Z)"
)
# Credentials of Poetry's sources, and what stands in for the public index with Pipenv. The variables that a Pipfile
# names are handed to Pipenv alone.
_OF_LOCKS = re.compile(r"POETRY_(HTTP_BASIC|REPOSITORIES)_|PIPENV_PYPI_MIRROR\Z")
_HOST_PATH = re.compile(r"\A(file:|[/~\\]|\.{1,2}[/\\]|[A-Za-z]:[/\\])", re.IGNORECASE)
_SEPARATOR = re.compile(r"[\s,]+")


def exec_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables to hand to ``exec``. They may hold secrets: never put them into an image or a container's settings.

    Args:
        environ: the host's environment.
    """
    found = {}
    for name, value in environ.items():
        if name.upper() in _PROXIES:
            found[name] = value
        elif name in {"PIP_FIND_LINKS", "UV_FIND_LINKS"}:
            links = [link for link in _SEPARATOR.split(value) if "://" in link and not _HOST_PATH.match(link)]
            if links:
                found[name] = ("," if name.startswith("UV") else " ").join(links)
        elif name in _PIP or _OF_LOCKS.match(name) or _is_for_uv(name, value):
            found[name] = value
    return found


def _is_for_uv(name: str, value: str) -> bool:
    return name.startswith("UV_") and not _UV_OF_THE_HOST.match(name) and not _HOST_PATH.match(value)
