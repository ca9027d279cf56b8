"""What the project's own wheel says of itself (core metadata, as the wheel backend wrote it)."""

from __future__ import annotations

import email.parser
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambda_backend.errors import WheelBackendError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ProjectMetadata", "read"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectMetadata:
    """Name, version and dependencies, dynamic ones too."""

    name: str
    version: str
    requires_dist: tuple[str, ...]
    provides_extra: tuple[str, ...]
    stem: str
    """``name-version`` as in the wheel's file name."""


def read(wheel: Path) -> ProjectMetadata:
    """The metadata of a wheel.

    Raises:
        WheelBackendError: it is no wheel.
    """
    try:
        stem = "-".join(wheel.name.split("-")[:2])
        with zipfile.ZipFile(wheel) as archive:
            places = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            message = email.parser.Parser().parsestr(archive.read(min(places, key=len)).decode("utf-8"))
    except (ValueError, zipfile.BadZipFile) as error:
        raise WheelBackendError(f"the wheel backend made {wheel.name}, which is no valid wheel: {error}") from None
    return ProjectMetadata(
        name=str(message["Name"]),
        version=str(message["Version"]),
        requires_dist=tuple(message.get_all("Requires-Dist", [])),
        provides_extra=tuple(message.get_all("Provides-Extra", [])),
        stem=stem,
    )
