"""What of the project goes into an artefact beside its installed dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.bundle.excludes import Excludes
from lambda_backend.bundle.finish import Finish
from lambda_backend.bundle.wheel import wheel_members

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lambda_backend.bundle.model import Member
    from lambda_backend.install.installer import BuiltWheel
    from lambda_backend.packing.order import Order
    from lambda_backend.settings.resolve import ArtifactSettings
    from lambda_backend.targets import Target

__all__ = ["code_parts", "finish_of", "takes_project", "visible_source"]


def takes_project(order: Order, artifact: ArtifactSettings) -> bool:
    """Whether the project's wheel goes in: not where one of its layers has it."""
    return artifact.project and not any(order.layers[name].project for name in artifact.layers)


def finish_of(artifact: ArtifactSettings) -> Finish:
    """What is done to an artefact's files at last."""
    # Lambda unpacks layers to /opt, and the function to /var/task.
    root = "/opt" if artifact.kind == "layer" else "/var/task"
    return Finish(strip=artifact.strip, bytecode=artifact.bytecode, root=root)


def code_parts(
    order: Order,
    artifact: ArtifactSettings,
    target: Target,
    *,
    own: BuiltWheel | None,
    wheels: Sequence[tuple[str, BuiltWheel]],
    entry: Path | None = None,
) -> Iterator[tuple[Member, ...]]:
    """The code of an artefact, part by part.

    Args:
        order: what the build asks for.
        artifact: the function or layer.
        target: what it is for.
        own: the project's wheel where it was built for the target, and does not fit as it is.
        wheels: those of local folders, by who they are.
        entry: a copy of the entry, which counts instead of it.

    Raises:
        BundleError: something of it cannot be shipped.
    """
    excludes = Excludes(artifact.exclude)

    def of_wheel(wheel: Path, owner: str) -> tuple[Member, ...]:
        return wheel_members(wheel, artifact.path_prefix, target_python=target.python, owner=owner, excludes=excludes)

    if artifact.entry:
        from lambda_backend.bundle.entry import entry_members

        folder, root = (entry, entry) if entry else (order.root / artifact.entry, order.root)
        yield entry_members(folder, excludes, root=root, outputs=order.outputs)
    elif takes_project(order, artifact):
        yield of_wheel(own.path if own else order.own.made.path, "project")
    for owner, built in wheels:
        yield of_wheel(built.path, owner)
    for index, include in enumerate(artifact.include):
        from lambda_backend.bundle.include import include_members

        key = f"{artifact.key}.include[{index}]"
        yield include_members(
            include.from_, include.to, root=order.root, key=key, excludes=excludes, outputs=order.outputs
        )


def visible_source(order: Order, artifact: ArtifactSettings) -> dict[str, Path]:
    """What the user's commands see as the source, by its path there: the entry, or the project."""
    from lambda_backend.bundle.folder import folder_files

    folder = order.root / (artifact.entry or ".")
    files = folder_files(folder, Excludes(), root=order.root)
    outputs = [output for output in order.outputs if output != folder]
    seen = (file for file in files if not any(file.is_relative_to(output) for output in outputs))
    return {file.relative_to(folder).as_posix(): file for file in seen}
