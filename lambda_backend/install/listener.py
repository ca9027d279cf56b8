"""Hears what a command says: for the log, and for the error when it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.errors import InstallError
from lambda_backend.settings.interpolate import redact, redact_urls

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lambda_backend.engines.protocol import ExecResult

__all__ = ["Listener"]

_SHOWN_LINES = 40
_NOISE = ("Using CPython ", "Using Python ")
_NEXT_STEPS = (
    (
        ("invalid peer certificate", "UnknownIssuer", "certificate verify failed"),
        "name the bundle of your certificate authority in SSL_CERT_FILE; tool.lambda.bundling.ca-bundle hands it on",
    ),
    (
        ("401 Unauthorized", "403 Forbidden"),
        "give the index its credentials: in its URL in the environment, or in a netrc file",
    ),
    (
        ("error sending request", "dns error", "Connection refused", "tcp connect error", "Could not connect"),
        "check the network, UV_DEFAULT_INDEX or PIP_INDEX_URL, the proxy variables, and tool.lambda.bundling.network",
    ),
    (
        ("Host key verification failed",),
        'add the server to ~/.ssh/known_hosts (ssh-keyscan), which tool.lambda.bundling.ssh = "default" hands on',
    ),
    (
        ("Permission denied (publickey",),
        'give the ssh agent the key (ssh-add), and a container the agent by tool.lambda.bundling.ssh = "default"',
    ),
    (
        ("Git executable not found", "cannot run ssh"),
        "install git and ssh; for a container, in an image of your own that tool.lambda.bundling.image names",
    ),
    (("Hash mismatch",), "lock again if the archive was meant to change; else the index serves another file"),
    (
        ("No solution found", "unsatisfiable"),
        "loosen the requirement that is named, or take a version that has a wheel for the target",
    ),
)
_OTHERWISE = "mend what it names; LAMBDA_BACKEND_VERBOSE=1 shows all that it says"


class Listener:
    """Hears what a command says, takes the secrets out of it, and keeps it for the error."""

    def __init__(self, secrets: Sequence[str], on_line: Callable[[str], None]) -> None:
        self._secrets = secrets
        self._on_line = on_line
        self._said: list[str] = []

    def hear(self, line: str) -> None:
        """One line of its standard error."""
        line = redact_urls(redact(line, self._secrets))
        if not line.startswith(_NOISE):
            self._said.append(line)
        self._on_line(line)

    def output(self, result: ExecResult, what: str) -> str:
        """Its standard output, or the error with its last lines."""
        if result.exit_code == 0:
            return result.output
        lines = "".join(f"\n    {line}" for line in self._said[-_SHOWN_LINES:])
        raise InstallError(
            f"{what} failed (exit code {result.exit_code}){':' if lines else ''}{lines}", hint=_next_step(lines)
        )


def _next_step(said: str) -> str:
    """What to do about it, by uv's own words for the usual causes."""
    return next((hint for words, hint in _NEXT_STEPS if any(word in said for word in words)), _OTHERWISE)
