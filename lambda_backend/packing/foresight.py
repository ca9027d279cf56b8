"""Whether a build will install anything, told before there is a wheel: only then it asks for uv or docker."""

from __future__ import annotations

import contextlib
import io
import time
from typing import TYPE_CHECKING

from lambda_backend.cache import Cache
from lambda_backend.errors import LambdaBackendError
from lambda_backend.packing.packer import Packer
from lambda_backend.packing.workbenches import NotKeptError
from lambda_backend.report.words import Words
from lambda_backend.targets import target as target_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lambda_backend.packing.order import Order
    from lambda_backend.settings.resolve import ArtifactSettings
    from lambda_backend.targets import Target

__all__ = ["all_is_kept"]

_WHILE = 60 * 60
"""Seconds that an unlocked answer has to be one yet: the build comes after the frontend has installed."""


def all_is_kept(order: Order, *, cache: Cache) -> bool:
    """Whether all that an order's artefacts install is in the cache; no workbench is opened for the answer.

    Args:
        order: what the build asks for. There need be no wheel: it is not looked at.
        cache: where finished work is kept.
    """
    # Whatever is wrong is told by the build itself, where people look for it.
    with contextlib.suppress(LambdaBackendError, OSError):
        _Foresight(order, cache=_Seen(cache.root), stage=order.root, words=Words(io.StringIO())).look()
        return True
    return False


class _Seen(Cache):
    """A cache that is only looked at: an installer that throws away what lies beside the wheel asks, too."""

    @contextlib.contextmanager
    def locked(self, kind: str, key: str) -> Iterator[Path | None]:
        """The entry when it is there."""
        yield self.get(kind, key)

    def discard(self, kind: str, key: str) -> None:
        """Nothing."""

    @contextlib.contextmanager
    def scratch(self, *, held: bool = True) -> Iterator[Path]:
        """Raises NotKeptError: something would be made."""
        del held
        raise NotKeptError("a scratch folder")
        yield  # which makes a context manager of it


class _Foresight(Packer):
    """Goes the packer's way as far as to what is installed."""

    def look(self) -> None:
        """Find it all.

        Raises:
            NotKeptError: something of it is not in the cache.
        """
        for artifact in self._order.needed:
            for runtime in artifact.runtime:
                for architecture in artifact.architecture:
                    self._look(artifact, target_of(runtime, architecture))

    def _look(self, artifact: ArtifactSettings, target: Target) -> None:
        with self._workbenches.foreseeing(target, artifact) as installer:
            pins, _, _ = self._needed(artifact, target, installer)
            self._installed(artifact, pins, installer)
            if installer.until < time.time() + _WHILE:
                raise NotKeptError(artifact.key)
