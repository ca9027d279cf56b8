"""A zip that ``inspect`` looks into, and the page that it writes of it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from lambda_backend.cli.out import say
from lambda_backend.errors import LambdaBackendError, OutputError
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lambda_backend.checks.model import Subject
    from lambda_backend.report.beside import Described
    from lambda_backend.report.packages import Package

__all__ = ["Opened", "opened", "write_page"]


class Opened(Value):
    """A zip that was read."""

    path: Path
    digest: bytes
    """SHA-256."""
    packages: Sequence[Package]
    facts: Described | None
    """What the manifest beside it says; None where it describes no zip with these bytes."""

    @property
    def sha256(self) -> str:
        """Hex."""
        return self.digest.hex()

    @property
    def code_sha256(self) -> str:
        """As Lambda reports it."""
        return base64.b64encode(self.digest).decode()

    @property
    def unzipped(self) -> int:
        """Bytes."""
        return sum(package.size for package in self.packages)

    @property
    def manifest(self) -> Mapping[str, Any] | None:
        """The zip's entry, and whose it is."""
        if self.facts is None:
            return None
        return {"project": self.facts.project, "version": self.facts.version, "artifact": dict(self.facts.artifact)}


def opened(path: Path) -> Opened:
    """Read a zip, and the manifest beside it.

    Raises:
        BundleError: it cannot be read as a zip.
    """
    from lambda_backend.archive.contents import contents
    from lambda_backend.bundle.sources import sha256
    from lambda_backend.report.beside import described
    from lambda_backend.report.packages import packages

    found = packages(contents(path))
    digest, facts = sha256(path), described(path)
    if facts is not None and not facts.is_of(digest.hexdigest()):
        say(f"warning: {facts.manifest.name} describes another {path.name}, which had other bytes")
        facts = None
    return Opened(path=path, digest=digest.digest(), packages=found, facts=facts)


def write_page(target: Path, zipped: Opened, *, layers: Sequence[Path], **options: str | None) -> None:
    """Write the page of a zip.

    Args:
        target: the page's path.
        zipped: the zip.
        layers: of a function, where options name them.
        options: ``runtime``, ``architecture`` and ``handler`` where options name them.

    Raises:
        OutputError: the page cannot be written.
    """
    from lambda_backend.checks.run import findings
    from lambda_backend.checks.subject import kind_of
    from lambda_backend.report.page import Inside, page
    from lambda_backend.settings.model import ChecksSettings

    subject, unchecked = _subject(zipped, layers, options)
    facts = zipped.facts
    paths = [file.path for package in zipped.packages for file in package.files]
    text = page(
        Inside(
            file=zipped.path.name,
            size=zipped.path.stat().st_size,
            sha256=zipped.sha256,
            code_sha256=zipped.code_sha256,
            kind=subject.kind if subject else str(facts.artifact.get("kind")) if facts else kind_of(paths),
            runtime=subject.target.runtime.name if subject else facts.runtime if facts else None,
            architecture=subject.target.architecture if subject else facts.architecture if facts else None,
            handler=subject.handler if subject else facts.handler if facts else None,
            layers_size=sum(layer.unzipped_size for layer in subject.layers) if subject else None,
            packages=zipped.packages,
            findings=findings(subject, ChecksSettings().levels) if subject else None,
            unchecked=unchecked,
            manifest=zipped.manifest and {"file": facts and facts.manifest.name, **zipped.manifest},
        )
    )
    try:
        target.write_bytes(text.encode())
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror or error}") from error


def _subject(
    zipped: Opened, layers: Sequence[Path], options: Mapping[str, str | None]
) -> tuple[Subject | None, str | None]:
    """What is checked, or why nothing is: a page of what is inside can be had without."""
    from lambda_backend.cli.checking import subject_of

    if zipped.facts is None and options["runtime"] is None:
        return None, "no manifest of it lies beside the zip, and --runtime was not given"
    try:
        return subject_of(zipped.path, zipped.facts, layers=layers, **options)[0], None
    except LambdaBackendError as error:
        return None, error.message
