"""What ``check`` and the page of ``inspect`` prove: a zip, by its manifest or by options."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lambda_backend.values import replace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lambda_backend.checks.model import Subject
    from lambda_backend.report.beside import Described
    from lambda_backend.targets import Target

__all__ = ["subject_of"]


def subject_of(
    path: Path,
    facts: Described | None,
    *,
    runtime: str | None,
    architecture: str | None,
    handler: str | None,
    layers: Sequence[Path],
) -> tuple[Subject, Sequence[Path]]:
    """A zip to check, and its layers: for what options say, or else for what its manifest says.

    Raises:
        click.UsageError: nobody names the runtime, or a name is none of Lambda's.
    """
    from lambda_backend.checks.subject import of_zip

    if facts is not None:
        runtime, architecture = runtime or facts.runtime, architecture or facts.architecture
        handler, layers = handler or facts.handler, layers or facts.layers
    target = _target(path, runtime, architecture or "x86_64")
    subject = of_zip(
        path,
        target=target,
        handler=handler,
        kind="layer" if facts is not None and facts.artifact.get("kind") == "layer" else None,
        layers=tuple(of_zip(layer, target=target, kind="layer") for layer in layers),
    )
    return (subject if facts is None else _owned(subject, facts.project)), layers


def _owned(subject: Subject, project: str) -> Subject:
    """The project's own files are not those of some distribution: what the manifest tells, and a zip does not."""
    from packaging.utils import canonicalize_name

    from lambda_backend.checks.model import ForeignFile

    name = canonicalize_name(project)
    files = {
        path: replace(file, owner="project") if isinstance(file, ForeignFile) and file.owner == name else file
        for path, file in subject.files.items()
    }
    return replace(subject, files=files, layers=tuple(_owned(layer, project) for layer in subject.layers))


def _target(path: Path, runtime: str | None, architecture: str) -> Target:
    from lambda_backend.targets import architectures, runtimes, target

    if runtime is None:
        raise click.UsageError(f"no manifest lies beside {path.name}: name the runtime with --runtime")
    if runtime not in runtimes():
        raise click.BadParameter(f"{runtime!r} is none of {', '.join(runtimes())}", param_hint="--runtime")
    if architecture not in architectures():
        raise click.BadParameter(
            f"{architecture!r} is none of {', '.join(architectures())}", param_hint="--architecture"
        )
    return target(runtime, architecture)
