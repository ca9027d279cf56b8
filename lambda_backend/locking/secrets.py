"""A lock is committed: nothing that was filled in from the environment may stand in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from lambda_backend.errors import LockError
from lambda_backend.install.telling import SHORTEST
from lambda_backend.settings.interpolate import secrets_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambda_backend.requirements.model import Pin
    from lambda_backend.settings.model import BundlingSettings
    from lambda_backend.sources import Locked

__all__ = ["refuse_secrets"]

# pip's form, which uv fills in too.
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")


def refuse_secrets(pins: Iterable[Pin], bundling: BundlingSettings, found: Locked, environ: Mapping[str, str]) -> None:
    """Refuse addresses whose path or query holds what the environment filled in; user parts are in no pin.

    Args:
        pins: of the lock.
        bundling: with the index settings, as written.
        found: with the requirements file, if there is one.
        environ: of the process.

    Raises:
        LockError: naming the distributions, and no value.
    """
    filled = [secret for text in bundling.environment.values() for secret in secrets_in(text, environ)]
    if found.requirements is not None:
        asked = found.requirements
        options = (value or "" for _, value in asked.options)
        text = "\n".join([asked.text(), asked.constraints_text(), *options])
        filled += [environ[name] for name in set(_VARIABLE.findall(text)) if name in environ]
    telling = {value for value in filled if len(value) >= SHORTEST}
    names = {pin.name for pin in pins if pin.url is not None and any(value in _path(pin.url) for value in telling)}
    if names:
        raise LockError(
            f"the addresses of {', '.join(sorted(names))} hold a value of the environment, which a lock must not have",
            hint="give credentials as user and password, https://${NAME}@host/path, or in a netrc file; "
            "write out what is none",
        )


def _path(url: str) -> str:
    parts = urlsplit(url)
    return unquote(f"{parts.path}?{parts.query}#{parts.fragment}")
