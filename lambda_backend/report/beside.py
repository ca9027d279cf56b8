"""The manifest that lies beside a zip, and what it says of that zip."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Described", "described"]


class Described(Value):
    """A zip as a manifest has it."""

    manifest: Path
    project: str
    version: str
    artifact: Mapping[str, Any]
    """Its object in the manifest."""
    layers: tuple[Path, ...]
    """The zips of its layers for the same runtime and architecture, in their order."""

    @property
    def runtime(self) -> str:
        """``python3.13``."""
        return str(self.artifact["runtimes"][0])

    @property
    def architecture(self) -> str:
        """Lambda's word."""
        return str(self.artifact["architecture"])

    @property
    def handler(self) -> str | None:
        """What Lambda calls; None for a layer."""
        handler = self.artifact.get("handler")
        return None if handler is None else str(handler)

    def is_of(self, sha256: str) -> bool:
        """Whether the zip is the one that was described, and not another of its name."""
        return bool(self.artifact.get("sha256") == sha256)


def described(path: Path) -> Described | None:
    """What the manifest beside a zip says of it; None where no ``*.lambda.json`` there names it.

    Args:
        path: of the zip.
    """
    for manifest in sorted(path.absolute().parent.glob("*.lambda.json")):
        document = _read(manifest)
        for artifact in _artifacts(document):
            if (manifest.parent / str(artifact["file"])).resolve() == path.resolve():
                return Described(
                    manifest=manifest,
                    project=str(document.get("project", "")),
                    version=str(document.get("version", "")),
                    artifact=artifact,
                    layers=tuple(_layers(manifest, document, artifact)),
                )
    return None


def _read(manifest: Path) -> Mapping[str, Any]:
    """The document; an empty one for a file of that name that is no manifest."""
    try:
        document = json.loads(manifest.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _artifacts(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    artifacts = document.get("artifacts")
    for artifact in artifacts if isinstance(artifacts, list) else ():
        if isinstance(artifact, dict) and {"name", "file", "runtimes", "architecture"} <= artifact.keys():
            yield artifact


def _layers(manifest: Path, document: Mapping[str, Any], of: Mapping[str, Any]) -> Iterator[Path]:
    for name in of.get("layers", ()):
        for artifact in _artifacts(document):
            same = artifact["architecture"] == of["architecture"] and artifact["runtimes"] == of["runtimes"]
            if same and artifact["name"] == name and artifact.get("kind") == "layer":
                yield manifest.parent / str(artifact["file"])
