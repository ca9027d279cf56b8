"""Installers for artefacts, each with the workbench that its settings ask for."""

from __future__ import annotations

import contextlib
import functools
import json
import posixpath
from typing import TYPE_CHECKING

from lambda_backend.documents import read_toml
from lambda_backend.errors import LambdaBackendError
from lambda_backend.install.installer import Installer
from lambda_backend.install.steps import Steps
from lambda_backend.install.uv import DEFAULT_UV
from lambda_backend.install.variables import Variables
from lambda_backend.packing.parts import visible_source
from lambda_backend.settings.interpolate import redact_urls
from lambda_backend.settings.model import ImageSettings
from lambda_backend.values import as_dict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lambda_backend.cache import Cache
    from lambda_backend.install.open import Opener
    from lambda_backend.install.workbench import Workbench
    from lambda_backend.packing.order import Order
    from lambda_backend.report.words import Words
    from lambda_backend.settings.model import BundlingSettings
    from lambda_backend.settings.resolve import ArtifactSettings
    from lambda_backend.targets import Target

__all__ = ["NotKeptError", "Workbenches"]

# What decides which archives an index offers, for the key of an unlocked resolution.
_INDEX_VARIABLES = (
    *(f"UV_{name}" for name in ("DEFAULT_INDEX", "INDEX", "INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "NO_INDEX")),
    *(f"UV_{name}" for name in ("INDEX_STRATEGY", "PRERELEASE", "RESOLUTION", "EXCLUDE_NEWER")),
    *(f"PIP_{name}" for name in ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "NO_INDEX")),
)


class NotKeptError(LambdaBackendError):
    """Something is not in the cache, and would have to be made."""


class Workbenches:
    """Opens workbenches for a build's artefacts.

    Args:
        order: what the build asks for.
        cache: where finished work is kept.
        stage: an empty folder for what is made.
        words: what is done is said there.
    """

    def __init__(self, order: Order, *, cache: Cache, stage: Path, words: Words) -> None:
        self._order = order
        self._cache = cache
        self._stage = stage
        self._words = words
        self._all = (*order.layers.values(), *order.asked)
        self._scratches = 0

    @functools.cached_property
    def base(self) -> Path:
        """The innermost folder that holds the project and its path dependencies."""
        from lambda_backend.sources import common_base

        return common_base(self._all, self._order.root)

    @functools.cached_property
    def _opener(self) -> Opener:
        from lambda_backend.install.open import Opener

        order = self._order
        return Opener(
            order.engine,
            root=order.root,
            environ=order.environ,
            cache=self._cache.root / "engines",
            words=self._words,
            outputs=order.outputs,
        )

    def name(self, artifact: ArtifactSettings) -> str:
        """Artefacts of this name may share a workbench; the user's commands never meet those of another artefact."""
        bundling = as_dict(artifact.bundling)
        del bundling["given"]
        return json.dumps([bundling, artifact.name if self.steps(artifact) else None], sort_keys=True)

    def installer(self, target: Target, artifact: ArtifactSettings) -> Installer:
        """An installer, which opens its workbench when it has to."""
        steps = self.steps(artifact)

        @contextlib.contextmanager
        def open_workbench() -> Iterator[Workbench]:
            self._cache.hold(self._stage)
            self._scratches += 1
            scratch = self._stage / f"work{self._scratches}"
            scratch.mkdir()
            from lambda_backend.sources import project_sources

            found = project_sources(self._all, self._order.root, self._order.outputs)
            inner = self._order.root.relative_to(self.base).as_posix()
            sources = {"input": {posixpath.normpath(f"{inner}/{name}"): path for name, path in found.items()}}
            if steps:
                sources["source"] = visible_source(self._order, artifact)
            key = f"{artifact.key}.bundling"
            with self._opener.open(target, artifact.bundling, scratch, sources, key=key) as workbench:
                steps.run_before(workbench)
                yield workbench

        return self._installer(target, artifact, open_workbench)

    def foreseeing(self, target: Target, artifact: ArtifactSettings) -> Installer:
        """An installer that gives what is in the cache.

        Its methods raise NotKeptError where it would have to open a workbench.
        """

        @contextlib.contextmanager
        def refuse() -> Iterator[Workbench]:
            raise NotKeptError(artifact.key)
            yield  # which makes a context manager of it

        return self._installer(target, artifact, refuse)

    def _installer(
        self,
        target: Target,
        artifact: ArtifactSettings,
        open_workbench: Callable[[], contextlib.AbstractContextManager[Workbench]],
    ) -> Installer:
        return Installer(
            target,
            cache=self._cache,
            place=self.place(artifact),
            index=self._index(artifact.bundling),
            environ=Variables(
                self._order.environ, artifact.bundling.environment, f"{artifact.key}.bundling.environment"
            ),
            host=self._order.environ,
            open_workbench=open_workbench,
            words=self._words,
        )

    def steps(self, artifact: ArtifactSettings) -> Steps:
        """The user's own commands for an artefact."""
        return Steps.of(artifact.bundling, self._order.environ, f"{artifact.key}.bundling")

    def place(self, artifact: ArtifactSettings) -> dict[str, object]:
        """What of the settings decides how dependencies are made. Templates only: no secret is ever hashed."""
        bundling = artifact.bundling
        return {
            "engine": self._order.engine,
            "image": self._image(artifact),
            "uv": bundling.tools.uv or DEFAULT_UV,
            "environment": {name: redact_urls(value) for name, value in sorted(bundling.environment.items())},
            "platform": bundling.platform,
            "volumes": [as_dict(volume) for volume in bundling.volumes],
            "volumes-from": bundling.volumes_from,
            "entrypoint": bundling.entrypoint,
            "before": [artifact.entry, bundling.before] if bundling.before else None,
        }

    def _image(self, artifact: ArtifactSettings) -> str | None:
        """Its name as written, or a digest of what it is built from."""
        image = artifact.bundling.image
        if not isinstance(image, ImageSettings):
            return image
        from lambda_backend.install.own import image_digest

        return image_digest(
            image,
            artifact.bundling.build_args,
            root=self._order.root,
            key=f"{artifact.key}.bundling",
            outputs=self._order.outputs,
        )

    def _index(self, bundling: BundlingSettings) -> dict[str, str]:
        deciding = {
            name: redact_urls(self._order.environ[name]) for name in _INDEX_VARIABLES if self._order.environ.get(name)
        }
        table = read_toml(self._order.root / "pyproject.toml").get("tool", {}).get("uv", {})
        deciding |= {name: redact_urls(value) for name, value in bundling.environment.items()}
        deciding["tool.uv"] = redact_urls(json.dumps(table, sort_keys=True, default=str))
        return deciding
