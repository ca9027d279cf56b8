"""What a build asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lambda_backend.settings.model import ChecksSettings
    from lambda_backend.settings.resolve import ArtifactSettings
    from lambda_backend.wheel_backend import WheelBackend
    from lambda_backend.wheels.own import OwnWheel

__all__ = ["Order", "needed"]


class Order(Value):
    """What a build asks for."""

    root: Path
    """The project's folder."""
    asked: tuple[ArtifactSettings, ...]
    layers: Mapping[str, ArtifactSettings]
    """Every layer of the project by name, whether it is asked for or not: functions leave out what theirs have."""
    engine: str
    """Value of the key ``engine``."""
    checks: ChecksSettings
    max_size: int | None
    """Bytes, of a function with its layers."""
    own: OwnWheel
    """The project's wheel."""
    wheel_backend: WheelBackend
    outputs: tuple[Path, ...]
    """Folders that this build writes to, which no artefact holds."""
    environ: Mapping[str, str]

    @property
    def needed(self) -> tuple[ArtifactSettings, ...]:
        """What is asked for, behind the layers of the functions in it: a function is checked with its layers."""
        return needed(self.asked, self.layers)


def needed(asked: Sequence[ArtifactSettings], layers: Mapping[str, ArtifactSettings]) -> tuple[ArtifactSettings, ...]:
    """Artefacts, behind those layers that functions among them need and that are not among them."""
    names = {artifact.name for artifact in asked}
    more = dict.fromkeys(name for artifact in asked for name in artifact.layers if name not in names)
    return (*(layers[name] for name in more), *asked)
