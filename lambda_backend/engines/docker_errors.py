"""What the ``docker`` package raises, as errors of ours."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lambda_backend.engines.streams import last_lines
from lambda_backend.errors import EngineError, EngineUnavailableError
from lambda_backend.settings.interpolate import redact_urls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambda_backend.engines.endpoint import Endpoint

__all__ = ["told", "unavailable"]


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
    cause: BaseException = error
    while (under := cause.__cause__ or cause.__context__) is not None and not isinstance(cause, OSError):
        cause = under
    if isinstance(cause, PermissionError):
        reason, hint = "permission denied", "let your user use Docker (the docker group), or use podman"
    elif isinstance(cause, FileNotFoundError):
        reason, hint = "nothing listens there", "start Docker, or point DOCKER_HOST or docker context to it"
    elif "paramiko" in str(error):  # it wants this even where ssh itself makes the connection
        reason, hint = "over ssh the docker package needs more packages", "pip install 'docker[ssh]'"
    else:
        reason, hint = str(error), "see whether `docker version` answers in this shell"
    where = f"{redact_urls(endpoint.host)} ({endpoint.source})"
    return EngineUnavailableError(f"docker does not answer at {where}: {last_lines([reason]).strip()}", hint=hint)
