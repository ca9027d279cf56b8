"""The distributions in a finished artefact, as their own ``.dist-info`` folders tell them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from packaging.metadata import parse_email
from packaging.utils import canonicalize_name

from lambda_backend.archive.reading import reader
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from packaging.metadata import RawMetadata
    from packaging.utils import NormalizedName

    from lambda_backend.report.model import Artifact
    from lambda_backend.requirements.model import Pin

__all__ = ["Distribution", "distributions"]

# At the top only: what is vendored inside a package is no distribution of its own.
_METADATA = re.compile(r"(?P<name>[^/]+?)-(?P<version>[^/-]+)\.dist-info/METADATA")


class Distribution(Value):
    """One distribution in an artefact."""

    name: NormalizedName
    title: str
    """The name as its author writes it."""
    version: str | None
    metadata: RawMetadata
    """Empty where it ships none."""
    direct_url: Mapping[str, object]
    """PEP 610's note of where it was installed from, as it ships; empty without one."""
    pin: Pin | None
    """None for the project itself, and for what nobody pinned."""

    @property
    def ref(self) -> str:
        """What it is called in the bill."""
        return self.name if self.version is None else f"{self.name}=={self.version}"


def distributions(artifact: Artifact) -> tuple[Distribution, ...]:
    """Everything that a finished zip has metadata of, and every pin; sorted by name and version."""
    pins = {pin.name: pin for pin in artifact.pins}
    found = {(one.name, one.version): one for one in _with_metadata(artifact, pins)}
    named = {name for name, _ in found}
    for pin in artifact.pins:
        if pin.name not in named:  # an exclude took its metadata away
            found[pin.name, pin.version] = Distribution(
                name=pin.name, title=pin.name, version=pin.version, metadata={}, direct_url={}, pin=pin
            )
    return tuple(found[key] for key in sorted(found, key=lambda key: (key[0], key[1] or "")))


def _with_metadata(artifact: Artifact, pins: Mapping[NormalizedName, Pin]) -> Iterator[Distribution]:
    content = reader(artifact.archive)
    start = f"{artifact.settings.path_prefix}/" if artifact.settings.path_prefix else ""
    paths = {member.path for member in artifact.archive.members}
    for path in sorted(paths):
        match = _METADATA.fullmatch(path.removeprefix(start)) if path.startswith(start) else None
        if match is None:
            continue
        metadata, _ = parse_email(content(path))
        title = metadata.get("name") or match["name"]
        name = canonicalize_name(title)
        note = f"{path.rpartition('/')[0]}/direct_url.json"
        yield Distribution(
            name=name,
            title=title,
            version=metadata.get("version") or match["version"],
            metadata=metadata,
            direct_url=_note(content(note)) if note in paths else {},
            pin=pins.get(name),
        )


def _note(text: bytes) -> Mapping[str, object]:
    try:
        note = json.loads(text)
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}
