"""What the ``docker`` package raises, as errors of ours."""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING

from lambda_backend.engines.streams import last_lines
from lambda_backend.errors import EngineError, EngineUnavailableError
from lambda_backend.settings.interpolate import redact_urls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambda_backend.engines.endpoint import Endpoint

__all__ = ["told", "unavailable"]

_ELSEWHERE = "start an engine there, or point DOCKER_HOST or docker context to one that runs (unset: this machine's)"
_TLS = (
    "see whether it speaks TLS at that port (usually 2376, and 2375 without), and with which certificates; "
    "DOCKER_TLS_VERIFY and DOCKER_CERT_PATH turn TLS on"
)
_KNOWN: tuple[tuple[type[BaseException], str | None, str], ...] = (
    (PermissionError, "permission denied", "let your user use Docker (the docker group), or use podman"),
    (FileNotFoundError, "nothing listens there", "start Docker, or point DOCKER_HOST or docker context to it"),
    (ssl.SSLError, None, _TLS),
    (TimeoutError, "no answer in time", _ELSEWHERE),
)
"""What the system says, what it means, and what to do about it."""


@contextlib.contextmanager
def told(what: str, *let_through: type[Exception]) -> Iterator[None]:
    """Turn what the package raises into our error.

    Args:
        what: the step and where, as the beginning of the message.
        let_through: the exceptions that the caller expects.
    """
    import requests
    from docker.errors import APIError, DockerException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except let_through:
        raise
    except EngineError as error:
        if error.message.startswith(what):
            raise
        raise EngineError(f"{what}:\n{last_lines([error.message])}", hint=error.hint) from error
    except APIError as error:  # it answers
        raise EngineError(f"{what}:\n{last_lines([_reason(error)])}") from error
    except (DockerException, requests.RequestException, HTTPError, OSError) as error:
        raise EngineError(
            f"{what}:\n{last_lines([_reason(error)])}", hint="see whether the engine answers: docker info"
        ) from error


def _reason(error: BaseException) -> str:
    explanation = getattr(error, "explanation", None)
    return str(explanation or error)


def unavailable(endpoint: Endpoint, error: Exception) -> EngineUnavailableError:
    """Why an endpoint does not answer, and what to do about it."""
    reason, hint = _why(endpoint, error)
    where = f"{redact_urls(endpoint.host)} ({endpoint.source})"
    return EngineUnavailableError(f"docker does not answer at {where}: {last_lines([reason]).strip()}", hint=hint)


def _why(endpoint: Endpoint, error: Exception) -> tuple[str, str]:
    if endpoint.host.startswith("ssh://"):
        host = redact_urls(endpoint.host.partition("?")[0])
        return str(error), f"see whether `ssh {host} docker version` answers without a question"
    cause = _root(error)
    for kind, reason, hint in _KNOWN:
        if isinstance(cause, kind):
            return reason or f"TLS fails: {cause}", hint
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror, _ELSEWHERE
    if "HTTPS server" in str(error):
        return "it speaks TLS", "set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the folder of its certificates"
    return str(error), "see whether `docker version` answers in this shell"


def _root(error: BaseException) -> BaseException:
    """What the system said in the first place: the innermost error, below those of the packages around it."""
    while (under := error.__cause__ or error.__context__) is not None:
        error = under
    return error
