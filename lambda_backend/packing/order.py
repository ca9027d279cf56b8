"""What a build asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lambda_backend.metadata import ProjectMetadata
    from lambda_backend.settings.resolve import ArtifactSettings
    from lambda_backend.wheel_backend import WheelBackend

__all__ = ["Order"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What a build asks for."""

    root: Path
    """The project's folder."""
    asked: tuple[ArtifactSettings, ...]
    layers: Mapping[str, ArtifactSettings]
    """Every layer of the project by name, whether it is asked for or not: functions leave out what theirs have."""
    engine: str
    """Value of the key ``engine``."""
    wheel: Path
    """The project's wheel."""
    project: ProjectMetadata
    wheel_backend: WheelBackend
    outputs: tuple[Path, ...]
    """Folders that this build writes to, which no artefact holds."""
    environ: Mapping[str, str]
