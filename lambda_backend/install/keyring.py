"""Passwords of package indexes from the host's keyring, for uv in a container, which has none."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from lambda_backend.engines.process import run

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Keyring"]

_VARIABLES = (
    *("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL"),
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"),
)
# A user name and no password; in a list of URLs the next one follows white space.
_WITH_USER = re.compile(r"(?P<scheme>https?://)(?P<user>[^\s/?#:@]+)@(?P<host>[^\s/?#@]+)(?P<path>[^\s?#,]*)")


class Keyring:
    """The ``keyring`` command of the host, asked where uv on the host would ask it (``UV_KEYRING_PROVIDER``).

    Args:
        environ: of the host, with what the settings change.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        asked = environ.get("UV_KEYRING_PROVIDER") == "subprocess"
        self._command = shutil.which("keyring", path=environ.get("PATH")) if asked else None
        self._known: dict[tuple[str, str], str | None] = {}

    def with_passwords(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The variables, with the passwords that the keyring has in the URLs of indexes that name only a user.

        They are in memory, and nowhere else.
        """
        if self._command is None:
            return dict(variables)
        return {
            name: _WITH_USER.sub(self._filled, value) if name in _VARIABLES else value
            for name, value in variables.items()
        }

    def _filled(self, found: re.Match[str]) -> str:
        user = unquote(found["user"])
        scheme, host, path = found["scheme"], found["host"], found["path"]
        # As uv asks: for the index, for its host, and for what comes before the path.
        for service in (f"{scheme}{host}{path}", host, f"{scheme}{host}"):
            password = self._password(service, user)
            if password is not None:
                return f"{scheme}{found['user']}:{quote(password, safe='')}@{host}{path}"
        return found[0]

    def _password(self, service: str, user: str) -> str | None:
        """What the keyring has; None where it has nothing, or cannot say."""
        if (service, user) not in self._known:
            argv = [str(self._command), "get", service, user]
            try:
                result = run(argv, environ=self._environ)
            except OSError:
                return None
            said = result.output.rstrip("\r\n")
            self._known[service, user] = said if result.exit_code == 0 and said else None
        return self._known[service, user]
