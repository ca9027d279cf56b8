"""``<name>-<version>.lambda.json``: what SAM, CDK, Terraform and scripts read."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from lambda_backend import __version__
from lambda_backend.values import as_dict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lambda_backend.report.model import Artifact

__all__ = ["SCHEMA", "manifest", "sbom_of"]

SCHEMA = 1
"""Raised when a reader of the manifest has to change."""


def sbom_of(file: str) -> str:
    """Name or path of the bill of materials that lies beside a zip."""
    return f"{file.removesuffix('.zip')}.cdx.json"


def manifest(
    project: str, version: str, artifacts: Sequence[Artifact], places: Mapping[str, str], *, sboms: bool = False
) -> str:
    """The manifest's text.

    Args:
        project: the project's name as its metadata has it.
        version: the project's version.
        artifacts: in the order they are listed in.
        places: for each artefact's file name, its path relative to the manifest, with forward slashes.
        sboms: a bill of materials lies beside each.
    """
    document = {
        "schema": SCHEMA,
        "project": project,
        "version": version,
        "created_with": f"lambda-backend {__version__}",
        "artifacts": [_artifact(artifact, places[artifact.file_name], sboms=sboms) for artifact in artifacts],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _artifact(artifact: Artifact, file: str, *, sboms: bool) -> dict[str, Any]:
    sizes: Counter[str] = Counter()
    for member in artifact.archive.members:
        sizes[member.owner] += member.size
    builder = artifact.builder
    image = {"reference": builder.image, "digest": builder.digest} if builder and builder.image else None
    return {
        "name": artifact.settings.name,
        "kind": artifact.settings.kind,
        "file": file,
        "runtimes": [artifact.target.runtime.name],
        "architecture": artifact.target.architecture,
        "handler": artifact.settings.handler,
        "sha256": artifact.archive.sha256,
        "code_sha256": artifact.archive.code_sha256,
        "size": artifact.archive.size,
        "unzipped_size": artifact.archive.unzipped_size,
        "bytecode_size": artifact.bytecode_size,
        "stripped_size": artifact.stripped_size,
        "content_digest": artifact.archive.content_digest,
        "layers": list(artifact.settings.layers),
        "requirements": [
            {"name": pin.name, "version": pin.version, "sha256": pin.sha256, "unzipped_size": sizes[pin.name]}
            for pin in artifact.pins
        ],
        "omitted": [{"name": pin.name, "version": pin.version} for pin in artifact.omitted],
        "lock": artifact.lock,
        "engine": builder.engine if builder else None,
        "image": image,
        "sbom": sbom_of(file) if sboms else None,
        "findings": [as_dict(finding) for finding in artifact.findings],
    }
