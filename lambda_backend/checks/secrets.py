"""Credentials in an artefact. A finding names file and kind, never a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.checks.model import Problem
from lambda_backend.facts.credential_files import VARIABLES
from lambda_backend.facts.private_keys import PRIVATE_KEY
from lambda_backend.facts.tokens import GOOGLE_API_KEY, GOOGLE_OAUTH_SECRET
from lambda_backend.facts.urls import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambda_backend.checks.model import Subject

__all__ = ["check"]

_OWN = frozenset({"project", "entry", "include", "commands", ""})
_MAY_BE_PUBLIC = frozenset({PRIVATE_KEY, PASSWORD, VARIABLES, GOOGLE_API_KEY, GOOGLE_OAUTH_SECRET})
"""Kinds that libraries have in tests, examples and settings, or that their makers mean for everybody."""
_HINT = "leave it out by exclude, revoke it if the zip has been anywhere, and read it from Secrets Manager at run time"


def check(subject: Subject) -> Iterator[Problem]:
    """Files that hold credentials: of any kind in what is the user's own, in others of those that are certain."""
    own = _OWN | subject.own | _built_here(subject)
    for path, facts in sorted(subject.facts.items()):
        kinds = [kind for kind in facts.secrets if kind not in _MAY_BE_PUBLIC or subject.files[path].owner in own]
        if kinds:
            yield Problem(message=f"{path} holds {' and '.join(kinds)}", hint=_HINT, path=path)


def _built_here(subject: Subject) -> frozenset[str]:
    """Distributions that were installed from a folder or a file (PEP 610), and not from an index."""
    return frozenset(
        file.owner
        for path, file in subject.files.items()
        if path.endswith(".dist-info/direct_url.json") and b'"file://' in subject.read(path)
    )
