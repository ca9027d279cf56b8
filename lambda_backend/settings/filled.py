"""Artefacts with the ``${NAME}`` of their paths filled in.

Values that may be secrets are filled in where they are used; a path is none, and is checked here a second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.errors import SettingsError
from lambda_backend.settings.interpolate import expand
from lambda_backend.settings.marks import Rule
from lambda_backend.settings.model import ImageSettings
from lambda_backend.settings.rules import broken_rule
from lambda_backend.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambda_backend.settings.resolve import ArtifactSettings

__all__ = ["filled"]


def filled(artifact: ArtifactSettings, environ: Mapping[str, str]) -> ArtifactSettings:
    """The artefact with ``entry``, ``lock``, ``include`` and ``image`` as the environment completes them.

    Of an image that is the table, which names files of the project; a reference is filled in where it is used.

    Raises:
        SettingsError: a variable is not set, or what comes out leaves the project.
    """

    def fill(text: str, key: str, rule: Rule) -> str:
        if "${" not in text:
            return text
        path = expand(text, environ, key)
        if problem := broken_rule(rule, path):
            raise SettingsError([f"{key}: {problem}"])
        return path

    key = artifact.key
    image = artifact.bundling.image
    if isinstance(image, ImageSettings):
        of = f"{key}.bundling.image"
        image = replace(
            image,
            context=fill(image.context, f"{of}.context", Rule.INSIDE),
            file=None if image.file is None else fill(image.file, f"{of}.file", Rule.INSIDE),
            target=None if image.target is None else fill(image.target, f"{of}.target", Rule.TEXT),
        )
    return replace(
        artifact,
        entry=None if artifact.entry is None else fill(artifact.entry, f"{key}.entry", Rule.INSIDE),
        lock=None if artifact.lock is None else fill(artifact.lock, f"{key}.lock", Rule.INSIDE),
        include=tuple(
            replace(
                include,
                from_=fill(include.from_, f"{key}.include[{index}].from", Rule.INSIDE),
                to=fill(include.to, f"{key}.include[{index}].to", Rule.BELOW),
            )
            for index, include in enumerate(artifact.include)
        ),
        bundling=replace(artifact.bundling, image=image),
    )
