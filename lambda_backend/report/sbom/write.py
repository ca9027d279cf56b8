"""Writes the bills of materials of a build."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from lambda_backend.errors import MissingExtraError
from lambda_backend.report.manifest import sbom_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lambda_backend.metadata import ProjectMetadata
    from lambda_backend.report.model import Artifact

__all__ = ["require_library", "write_sboms"]


def require_library() -> None:
    """To be told before the work rather than after it.

    Raises:
        MissingExtraError: ``cyclonedx-python-lib`` is not installed.
    """
    if importlib.util.find_spec("cyclonedx") is None:
        raise MissingExtraError(
            "tool.lambda.sbom: the cyclonedx-python-lib package is not installed, and writes bills of materials",
            hint="pip install 'lambda-backend[sbom]' (an isolated build asks for it by itself)",
        )


def write_sboms(artifacts: Iterable[Artifact], project: ProjectMetadata, folder: Path) -> list[Path]:
    """Write a bill of materials for each artefact.

    Args:
        artifacts: finished zips.
        project: that they were made of.
        folder: that the bills go to.

    Returns:
        Their paths.
    """
    from lambda_backend.report.sbom.distributions import distributions
    from lambda_backend.report.sbom.document import document

    written = []
    for artifact in artifacts:
        path = folder / sbom_of(artifact.file_name)
        path.write_bytes(document(artifact, project, distributions(artifact)).encode())
        written.append(path)
    return written
