"""Files that are there to hold credentials, told by their name; what they hold decides."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lambda_backend.facts import urls
from lambda_backend.facts.placeholders import is_placeholder
from lambda_backend.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["PACKAGE_URL", "VARIABLES", "kinds"]

PACKAGE_URL = "a package's URL with credentials"

_LARGEST = 1 << 20
"""Bytes; no file that a person or a tool writes credentials to is larger."""
_SETTING = pattern(
    rb"""^[ \t]*["']?[\w./:-]*?(?:password|token|secret|_auth)["']?[ \t]*[=:][ \t]*["']?(?P<value>[^\s"'#;]+)""",
    re.MULTILINE | re.IGNORECASE,
)
_FORMS = (
    ((".netrc", "_netrc"), "a login", re.compile(rb"\bpassword\s+(?P<value>\S+)")),
    ((".pgpass",), "a password", re.compile(rb"^(?!#)(?:[^:\n]*:){4}(?P<value>\S+)", re.MULTILINE)),
    (
        (".dockerconfigjson", "config.json"),
        "a login to a container registry",
        re.compile(
            rb"""(?s)"auths"\s*:\s*\{.{0,9999}?"(?:auth|identitytoken|password|registrytoken)"\s*:\s*"(?P<value>[^"]+)\""""
        ),
    ),
    (
        (
            ".my.cnf",
            ".npmrc",
            ".pypirc",
            ".yarnrc.yml",
            "auth.toml",
            "credentials.toml",
            "pip.conf",
            "pip.ini",
            "uv.toml",
        ),
        "a password",
        _SETTING,
    ),
)
"""File names, what they hold, and where a value stands in them."""
_BY_NAME: Mapping[str, tuple[str, re.Pattern[bytes]]] = {
    name: (kind, form) for names, kind, form in _FORMS for name in names
}
VARIABLES = "variables with values"
_VARIABLE = pattern(rb"""^[ \t]*(?:export[ \t]+)?[A-Za-z_]\w*[ \t]*=[ \t]*["']?[^\s"'#]""", re.MULTILINE)
_SOURCE = pattern(rb"^(?:Download-URL|Home-page|Project-URL|Requires-Dist): .*", re.MULTILINE)
_ENV = pattern(r"\.env(?:\.(?!.*(?:example|sample|template|dist|default|tmpl)).+)?")


def kinds(path: str, data: bytes) -> Iterator[str]:
    """What a file of that name holds.

    Args:
        path: in the artefact.
        data: all of its bytes.
    """
    if len(data) > _LARGEST:
        return
    folder, _, name = path.rpartition("/")
    if name in _BY_NAME:
        kind, form = _BY_NAME[name]
        if any(not is_placeholder(found["value"]) for found in form.finditer(data)):
            yield kind
    elif name.startswith(".") and _ENV.fullmatch(name):
        if _VARIABLE.search(data):
            yield VARIABLES
    elif folder.endswith(".dist-info") and _package_url(name, data[:]):
        yield PACKAGE_URL


def _package_url(name: str, data: bytes) -> bool:
    """Written by tools: where a distribution came from (PEP 610), and where its dependencies do."""
    if name == "METADATA":
        lines = (found[0] for found in _SOURCE.finditer(data))
        return any(urls.url_kind(line, found.start()) for line in lines for found in re.finditer(b"://", line))
    if name != "direct_url.json":
        return False
    try:
        parts = urlsplit(str(json.loads(data)["url"]))
    except (ValueError, KeyError, TypeError):
        return False
    # The user name of an ssh address is none (git@…); that of a package index may be a token.
    return parts.password is not None or (parts.username is not None and not parts.scheme.endswith("ssh"))
