"""What the project's own wheel says of itself (core metadata, as the wheel backend wrote it)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambda_backend.errors import WheelBackendError
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["ProjectMetadata", "declared_by", "read", "read_folder"]

_DEPENDENCIES = ("dependencies", "optional-dependencies")


class ProjectMetadata(Value):
    """Name, version and dependencies, dynamic ones too."""

    name: str
    version: str = ""
    """Empty where only the build backend knows it."""
    requires_dist: tuple[str, ...] = ()
    provides_extra: tuple[str, ...] = ()
    stem: str = ""
    """``name-version`` as in the wheel's file name; empty where there is no wheel."""


def read(wheel: Path) -> ProjectMetadata:
    """The metadata of a wheel.

    Raises:
        WheelBackendError: it is no wheel.
    """
    import zipfile

    try:
        stem = "-".join(wheel.name.split("-")[:2])
        with zipfile.ZipFile(wheel) as archive:
            places = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            text = archive.read(min(places, key=len)).decode("utf-8")
    except (ValueError, zipfile.BadZipFile) as error:
        raise WheelBackendError(f"the wheel backend made {wheel.name}, which is no valid wheel: {error}") from None
    return _parsed(text, stem)


def read_folder(folder: Path) -> ProjectMetadata:
    """The metadata of a ``.dist-info`` folder, as ``prepare_metadata_for_build_wheel`` leaves one.

    Raises:
        WheelBackendError: it is none.
    """
    try:
        text = (folder / "METADATA").read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WheelBackendError(f"the wheel backend made {folder.name}, which is no valid metadata: {error}") from None
    return _parsed(text, folder.name.removesuffix(".dist-info"))


def declared_by(document: Mapping[str, Any]) -> ProjectMetadata | None:
    """What a pyproject.toml says by itself, without its build backend; None where that one adds dependencies.

    Args:
        document: the pyproject.toml.
    """
    project = document.get("project")
    if not isinstance(project, dict) or not {*_DEPENDENCIES}.isdisjoint(project.get("dynamic", ())):
        return None
    optional = project.get("optional-dependencies", {})
    of_extras = (_with_extra(line, extra) for extra, lines in optional.items() for line in lines)
    return ProjectMetadata(
        name=str(project.get("name", "")),
        version=str(project.get("version", "")),
        requires_dist=(*project.get("dependencies", ()), *of_extras),
        provides_extra=tuple(optional),
    )


def _with_extra(requirement: str, extra: str) -> str:
    """A requirement of an extra as core metadata writes it."""
    requirement, _, marker = requirement.partition(";")
    condition = f'extra == "{extra}"'
    return f"{requirement.strip()} ; {f'({marker.strip()}) and ' if marker.strip() else ''}{condition}"


def _parsed(text: str, stem: str) -> ProjectMetadata:
    import email.parser

    message = email.parser.Parser().parsestr(text)
    return ProjectMetadata(
        name=str(message["Name"]),
        version=str(message["Version"]),
        requires_dist=tuple(message.get_all("Requires-Dist", [])),
        provides_extra=tuple(message.get_all("Provides-Extra", [])),
        stem=stem,
    )
