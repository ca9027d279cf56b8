"""Image builds by a command line that copies Docker's, and what their failures become."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lambda_backend.engines import owner
from lambda_backend.engines.failures import foreign
from lambda_backend.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lambda_backend.engines.command import Command
    from lambda_backend.engines.protocol import Engine, Image, ImageBuild

__all__ = ["build", "built", "failed"]

# Dockerfile reference: what the builder that came before BuildKit does not know.
_FOR_BUILDKIT = re.compile(
    r"""^\s*\#\s*syntax\s*=
      | ^\s*(RUN|COPY|ADD)\s.*(--(mount|network|security|link|chmod|parents|exclude)\b | <<-?[\w"'])""",
    re.MULTILINE | re.VERBOSE | re.IGNORECASE,
)


def build(
    command: Command,
    asked: ImageBuild,
    *,
    what: str,
    more: Sequence[str] = (),
    on_line: Callable[[str], None] | None = None,
    cleans_up: bool = False,
) -> None:
    """Build an image.

    Args:
        command: the engine's.
        asked: what to build.
        what: the step in words, for the error.
        more: arguments of this engine's ``build``.
        on_line: gets the lines of the build.
        cleans_up: the command runs the steps itself, and removes their containers when one fails.

    Raises:
        EngineError: with the build's last lines.
    """
    environ, build_args = command.variables("--build-arg", asked.build_args)
    argv = ["build", "--file", str(asked.context / asked.file), "--platform", asked.platform, "--tag", asked.tag]
    for name, value in owner.image_labels().items():
        argv += ["--label", f"{name}={value}"]
    if asked.target is not None:
        argv += ["--target", asked.target]
    if asked.network is not None:
        argv += ["--network", asked.network]
    for secret in asked.secrets:
        argv += ["--secret", f"id={secret.id},src={secret.source}"]
    if asked.ssh is not None:
        argv += ["--ssh", asked.ssh]
    argv += [*build_args, *more, str(asked.context)]
    result = command.run(argv, environ=environ, on_line=on_line, merged=True, detached=True, cleans_up=cleans_up)
    if result.exit_code:
        error = command.failed(what, result)
        # What is known of the engine's own words may help. Looking at the engine mends no Containerfile of a person's.
        hint = command.flavor.hint(error.message) if asked.of_project else error.hint
        raise failed(asked, error.message, hint=hint)


def built(engine: Engine, asked: ImageBuild) -> Image:
    """What came out of a build.

    Raises:
        EngineError: nothing for that platform.
    """
    image = engine.image(asked.tag, asked.platform)
    if image is None:
        raise EngineError(
            f"{engine.name} built the image {asked.tag}, but not for {asked.platform}",
            hint="the base image must be one for that platform",
        )
    return image


def failed(asked: ImageBuild, message: str, *, buildkit: bool = True, hint: str | None = None) -> EngineError:
    """The error for a build that failed.

    Args:
        asked: what was to be built.
        message: what failed, with the build's last lines.
        buildkit: the builder was BuildKit or one that knows as much.
        hint: what to do about it, where nothing better is known.
    """
    text = (asked.context / asked.file).read_text("utf-8", "replace")
    if not buildkit and _FOR_BUILDKIT.search(text):
        hint = (
            f"{asked.file} has what only BuildKit knows: install Docker's command with its buildx plugin "
            "(docker-ce-cli and docker-buildx-plugin, or docker.io and docker-buildx), or build with Podman"
        )
    return foreign(message, asked.platform) or EngineError(message, hint=hint)
