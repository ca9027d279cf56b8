"""Which folders have a lock of their own, and who asks for what there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.requirements.find import OWN_LOCK
from lambda_backend.requirements.own_lock import Selection
from lambda_backend.sources import locked
from lambda_backend.targets import target as target_of
from lambda_backend.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lambda_backend.settings.resolve import ArtifactSettings
    from lambda_backend.sources import Locked
    from lambda_backend.targets import Target

__all__ = ["Place", "names_another", "places"]


class Place(Value):
    """The project's folder or an entry, and the artefacts whose dependencies come from there."""

    folder: Path
    artifacts: tuple[ArtifactSettings, ...]
    """Whose ``lock`` is None."""
    found: Locked
    """What its dependencies are written in, our own lock aside."""

    @property
    def path(self) -> Path:
        """Of our lock."""
        return self.folder / OWN_LOCK

    @property
    def lock_in_use(self) -> str | None:
        """Name of the lock that serves the folder without ours; requirements without hashes are none."""
        if self.found.lock is None:
            return None
        if self.found.requirements is not None and not self.found.requirements.requires_hashes:
            return None
        return self.found.lock.path.name

    def targets(self) -> tuple[Target, ...]:
        """All that the artefacts are for: the newest runtime first, then as in the table."""
        names = dict.fromkeys(
            (runtime, architecture)
            for artifact in self.artifacts
            for runtime in artifact.runtime
            for architecture in artifact.architecture
        )
        found = [target_of(runtime, architecture) for runtime, architecture in names]
        return tuple(sorted(found, key=lambda target: target.runtime.version, reverse=True))

    def asking(self, target: Target) -> tuple[ArtifactSettings, ...]:
        """The artefacts that are for a target."""
        return tuple(
            artifact
            for artifact in self.artifacts
            if target.runtime.name in artifact.runtime and target.architecture in artifact.architecture
        )

    def selections(self, target: Target) -> dict[Selection, ArtifactSettings]:
        """What is chosen for a target, piece by piece, each with an artefact that asks for just that piece."""
        asking = self.asking(target)
        found = {Selection(): replace(asking[0], extras=(), groups=())}
        for artifact in asking:
            for extra in artifact.extras:
                found.setdefault(Selection(extra=extra), replace(artifact, extras=(extra,), groups=()))
            for group in artifact.groups:
                found.setdefault(Selection(group=group), replace(artifact, extras=(), groups=(group,)))
        return found

    def together(self, target: Target) -> ArtifactSettings:
        """An artefact that asks for all that is chosen for a target."""
        chosen = list(self.selections(target))
        return replace(
            self.asking(target)[0],
            extras=tuple(one.extra for one in chosen if one.extra is not None),
            groups=tuple(one.group for one in chosen if one.group is not None),
        )


def names_another(artifact: ArtifactSettings) -> bool:
    """Whether the key ``lock`` names another file than ours."""
    return artifact.lock is not None and artifact.lock != OWN_LOCK


def places(artifacts: Iterable[ArtifactSettings], root: Path) -> tuple[Place, ...]:
    """The folders that may have a lock of ours, the project's own first.

    Artefacts whose ``lock`` names another file, and those that a command of the user's installs, have no part in it.

    Raises:
        LockError: a lock or requirements file cannot be read.
    """
    by_folder: dict[Path, list[ArtifactSettings]] = {}
    for artifact in artifacts:
        if not names_another(artifact) and not artifact.bundling.command:
            folder = root / artifact.entry if artifact.entry else root
            by_folder.setdefault(folder, []).append(replace(artifact, lock=None))
    return tuple(
        Place(folder=folder, artifacts=tuple(asking), found=locked(asking[0], root, passed_over=OWN_LOCK))
        for folder, asking in sorted(by_folder.items(), key=lambda item: (item[0] != root, item[0]))
    )
