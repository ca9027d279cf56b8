"""The image of a project's own Containerfile, kept under the hash of its inputs."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_backend.engines import owner
from lambda_backend.engines.protocol import ImageBuild
from lambda_backend.errors import EngineError
from lambda_backend.settings.interpolate import redact, redact_urls
from lambda_backend.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lambda_backend.bundle.context import BuildContext
    from lambda_backend.engines.protocol import BuildSecret, Engine, Image

__all__ = ["OwnImage", "own_digest", "own_image", "own_tag"]

_STAGE = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*\S+\s+AS\s+(\S+)", re.IGNORECASE | re.MULTILINE)
_CONTINUED = re.compile(r"[\\`][ \t]*\r?\n")


class OwnImage(Value):
    """A project's own Containerfile, and what its build is given."""

    key: str
    """Path of the setting, for messages: ``tool.lambda.bundling.image``."""
    context: BuildContext
    target: str | None = None
    templates: Mapping[str, str] = field(default_factory=dict)
    """The build arguments as they were written, with ``${NAME}`` for what comes from the environment."""
    build_args: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The same, filled in."""
    hidden: tuple[str, ...] = field(default=(), repr=False)
    """What must not show, whatever the build says."""
    secrets: tuple[BuildSecret, ...] = ()
    ssh: str | None = None


def own_digest(context: BuildContext, target: str | None, templates: Mapping[str, str]) -> str:
    """Hex SHA-256 of what decides the image, but for the platform.

    Of the build arguments that is what was written: a token that is another one for every build makes no new image, and
    no secret is hashed.
    """
    written = {name: redact_urls(template) for name, template in templates.items()}
    inputs = json.dumps([context.digest(), context.file, target, written], sort_keys=True)
    return hashlib.sha256(inputs.encode()).hexdigest()


def own_tag(own: OwnImage, platform: str) -> str:
    """The image's name: its platform and a hash of everything that goes into it."""
    inputs = json.dumps([own_digest(own.context, own.target, own.templates), platform])
    machine = "-".join(platform.split("/")[1:])
    return f"lambda-backend/own-{machine}:{hashlib.sha256(inputs.encode()).hexdigest()[:16]}"


def own_image(
    engine: Engine,
    own: OwnImage,
    *,
    platform: str,
    network: str | None,
    on_line: Callable[[str], None],
    on_step: Callable[[str], None] | None = None,
) -> Image:
    """The image, built when the engine does not have it yet.

    Args:
        engine: where.
        own: what to build.
        platform: for what.
        network: of the build's steps.
        on_line: gets the lines of the build, without secrets.
        on_step: gets one line before a build.

    Raises:
        EngineError: it cannot be built; with the build's last lines, without secrets.
    """
    tag = own_tag(own, platform)
    found = engine.image(tag, platform)
    if found is not None:
        return found
    if on_step is not None:
        on_step(f"building the image of {own.context.file} for {platform} ({engine.name})")
    with owner.terminates_cleanly(), tempfile.TemporaryDirectory(prefix="lambda-backend-") as folder:
        own.context.stage(Path(folder))
        asked = ImageBuild(
            context=Path(folder),
            tag=tag,
            platform=platform,
            file=own.context.file,
            of_project=True,
            target=own.target,
            build_args=own.build_args,
            network=network,
            secrets=own.secrets,
            ssh=own.ssh,
        )
        try:
            return engine.build(asked, lambda line: on_line(_shown(line, own)))
        except EngineError as error:
            key, hint = _next_step(own)
            # The error that it came from has the secrets in it.
            raise type(error)(f"{key}: {_shown(error.message, own)}", hint=error.hint or hint) from None


def _shown(text: str, own: OwnImage) -> str:
    return redact_urls(redact(text, own.hidden))


def _next_step(own: OwnImage) -> tuple[str, str]:
    """Which key is to blame for a failed build, and what to do about it."""
    text = _CONTINUED.sub(" ", own.context.text())
    stages = [name.lower() for name in _STAGE.findall(text)]
    # Docker takes a stage's number too.
    if own.target is not None and own.target.lower() not in stages and not own.target.isdecimal():
        named = f"its stages are {', '.join(stages)}" if stages else "none of its stages has a name"
        return f"{own.key}.target", f"name a stage of {own.context.file}: {named}"
    return own.key, (
        f"mend {own.context.file}; LAMBDA_BACKEND_VERBOSE=1 shows all that its build says, and "
        "tool.lambda.bundling.network is the network of its steps"
    )
