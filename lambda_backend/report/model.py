"""One finished artefact, as the report and the manifest see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.bundle.bytecode import is_bytecode
from lambda_backend.values import Value

if TYPE_CHECKING:
    from lambda_backend.archive.model import Archive
    from lambda_backend.bundle.model import Collision
    from lambda_backend.findings import Finding
    from lambda_backend.install.builder import Builder
    from lambda_backend.requirements.model import Pin
    from lambda_backend.settings.resolve import ArtifactSettings
    from lambda_backend.targets import Target

__all__ = ["Artifact"]


class Artifact(Value):
    """A zip and where it came from."""

    settings: ArtifactSettings
    target: Target
    archive: Archive
    file_name: str
    pins: tuple[Pin, ...]
    """What is in this zip, the project aside."""
    omitted: tuple[Pin, ...] = ()
    """What was left out of it because the runtime has it."""
    lock: str | None
    builder: Builder | None
    """Who installed the dependencies; None when there are none."""
    from_cache: bool
    """The dependencies came from the cache."""
    seconds: float
    collisions: tuple[Collision, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def bytecode_size(self) -> int:
        """Bytes of it that are bytecode, unzipped."""
        members = self.archive.members
        return sum(member.size for member in members if member.path.endswith(".pyc") and is_bytecode(member.path))

    @property
    def stripped_size(self) -> int:
        """Bytes that stripping has taken away, unzipped."""
        return sum(member.stripped for member in self.archive.members)
