"""Credentials in an artefact. A finding names file and kind, never a value."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lambda_backend.bundle.record import dist_info
from lambda_backend.checks.model import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambda_backend.checks.model import Subject

__all__ = ["check"]

_NAMES = {
    ".env": "variables, which are often credentials",
    ".netrc": "logins",
    "_netrc": "logins",
    ".pypirc": "the credentials of a package index",
    ".git-credentials": "logins",
    ".pgpass": "passwords",
    "id_rsa": "an ssh key",
    "id_ecdsa": "an ssh key",
    "id_ed25519": "an ssh key",
}
"""Files that are there to hold credentials, by their name."""
_OWN = frozenset({"project", "entry", "include", "commands", ""})
_HINT = "leave it out by exclude, revoke it if the zip has been anywhere, and read it at run time from Secrets Manager"


def check(subject: Subject) -> Iterator[Problem]:
    """Files that hold credentials, by their contents or their name.

    What a distribution of an index brings, everybody may read there: of it, only what the installation added counts.
    """
    for path, file in sorted(subject.files.items()):
        kinds: list[str] = []
        if file.owner in _OWN:
            facts = subject.facts.get(path)
            kinds += facts.secrets if facts else ()
            if kind := _NAMES.get(posixpath.basename(path)):
                kinds.append(f"{kind}, by its name")
        if _is_direct_url(subject, path) and _has_password(subject.read(path)):
            kinds.append("a URL with a password")
        if kinds:
            yield Problem(message=f"{path} holds {', '.join(dict.fromkeys(kinds))}", hint=_HINT, path=path)


def _is_direct_url(subject: Subject, path: str) -> bool:
    """PEP 610's note of where a distribution came from."""
    for root in subject.roots:
        inner = path.removeprefix(root)
        folder = dist_info(inner) if path.startswith(root) else None
        if folder is not None and inner == f"{folder}/direct_url.json":
            return True
    return False


def _has_password(text: bytes) -> bool:
    try:
        parts = urlsplit(str(json.loads(text)["url"]))
    except (ValueError, KeyError, TypeError):
        return False
    # The user name of an ssh address is none (git@…); that of a package index may be a token.
    return parts.password is not None or (parts.username is not None and not parts.scheme.endswith("ssh"))
