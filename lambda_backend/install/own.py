"""The project's own Containerfile as ``bundling.image`` describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.bundle.context import build_context
from lambda_backend.engines.environment import exec_environment
from lambda_backend.engines.own_image import OwnImage, own_digest
from lambda_backend.engines.protocol import BuildSecret
from lambda_backend.install.secret_files import host_path
from lambda_backend.install.ssh import agent_path
from lambda_backend.install.telling import SHORTEST
from lambda_backend.settings.fill import filled_texts
from lambda_backend.settings.interpolate import secrets_in, url_secrets
from lambda_backend.settings.model import ImageSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lambda_backend.settings.model import BundlingSettings

__all__ = ["image_digest", "own_containerfile", "tool_environment"]


def image_digest(
    image: ImageSettings, build_args: Mapping[str, str], *, root: Path, key: str, outputs: Sequence[Path] = ()
) -> str:
    """What of an own Containerfile decides how dependencies are made.

    Args:
        image: as written.
        build_args: as written.
        root: the project's folder.
        key: path of the bundling settings, for messages.
        outputs: folders that builds write to.

    Raises:
        BundleError: the context or its Containerfile is not there.
    """
    context = build_context(root, image.context, image.file, key=f"{key}.image", outputs=outputs)
    return own_digest(context, image.target, build_args)


def own_containerfile(
    bundling: BundlingSettings,
    environ: Mapping[str, str],
    *,
    root: Path,
    key: str,
    hidden: Sequence[str],
    outputs: Sequence[Path] = (),
) -> OwnImage | None:
    """The project's own Containerfile and what its build is given; None where ``image`` names none.

    Args:
        bundling: filled in, but for what may be secrets.
        environ: of the host.
        root: the project's folder.
        key: path of the bundling settings, for messages.
        hidden: what must not show, besides the build arguments.
        outputs: folders that builds write to.

    Raises:
        BundleError: the context or its Containerfile is not there.
        SettingsError: a variable is not set.
    """
    image = bundling.image
    if not isinstance(image, ImageSettings):
        return None
    filled = filled_texts(bundling.build_args, environ, f"{key}.build-args")
    secrets = [secret for text in bundling.build_args.values() for secret in secrets_in(text, environ)]
    secrets += [secret for text in filled.values() for secret in url_secrets(text)]
    agent = None if bundling.ssh is None else agent_path(bundling.ssh, environ, root)
    return OwnImage(
        key=f"{key}.image",
        context=build_context(root, image.context, image.file, key=f"{key}.image", outputs=outputs),
        target=image.target,
        templates=bundling.build_args,
        build_args=filled,
        hidden=(*hidden, *(secret for secret in secrets if len(secret) >= SHORTEST)),
        secrets=tuple(
            BuildSecret(id=secret.id, source=host_path(secret.source, environ, root).resolve())
            for secret in bundling.secrets
        ),
        ssh=None if agent is None else f"default={agent}",
    )


def tool_environment(
    bundling: BundlingSettings, environ: Mapping[str, str], environment: Mapping[str, str], *, key: str
) -> dict[str, str]:
    """The environment for fetching tools: what ``build-args`` says about indexes and proxies comes first.

    Args:
        bundling: the settings.
        environ: of the host.
        environment: of the commands of the installation; may hold secrets.
        key: path of the bundling settings, for messages.

    Raises:
        SettingsError: a variable is not set.
    """
    chosen = exec_environment(filled_texts(bundling.build_args, environ, f"{key}.build-args"))
    # A proxy's name may be written in small letters too.
    names = {name.upper() for name in chosen}
    return {**{name: value for name, value in environment.items() if name.upper() not in names}, **chosen}
