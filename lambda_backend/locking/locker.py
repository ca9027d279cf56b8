"""Finds what each target takes, and writes it into one lock for each folder."""

from __future__ import annotations

import contextlib
import os
import posixpath
from typing import TYPE_CHECKING

from lambda_backend.errors import LambdaBackendError, LockError
from lambda_backend.install.exports import Exports
from lambda_backend.install.open import Opener
from lambda_backend.install.resolve import resolve
from lambda_backend.install.variables import Variables
from lambda_backend.locking.before import Before
from lambda_backend.locking.places import names_another
from lambda_backend.locking.secrets import refuse_secrets
from lambda_backend.planning import wanted
from lambda_backend.requirements import pylock, stale
from lambda_backend.requirements.find import OWN_LOCK
from lambda_backend.requirements.own_lock import Selection, own_lock_text
from lambda_backend.sources import common_base, lock_sources, locked
from lambda_backend.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from lambda_backend.cache import Cache
    from lambda_backend.install.wanted import Wanted
    from lambda_backend.install.workbench import Workbench
    from lambda_backend.locking.places import Place
    from lambda_backend.metadata import ProjectMetadata
    from lambda_backend.report.words import Words
    from lambda_backend.requirements.model import Pin
    from lambda_backend.settings.resolve import ArtifactSettings
    from lambda_backend.targets import Target

__all__ = ["Locker", "NewLock"]


class NewLock(Value):
    """A lock that was made and not written yet."""

    path: Path
    text: str
    before: Before
    """The lock that is there."""
    sources: tuple[str, ...]
    """What comes as a source distribution: ``name version for python3.11-arm64``."""


class _Bench(Value):
    """A workbench with what was exported there."""

    workbench: Workbench
    exports: Exports
    environ: Mapping[str, str]


class Locker:
    """Makes locks on this machine. To be closed.

    Args:
        artifacts: all of the project.
        root: the project's folder.
        project: its metadata.
        environ: of the process.
        cache: for what uv keeps.
        scratch: an empty folder.
        words: what is done is said there.
        upgrade: do not stay with the versions of the locks that are there.
    """

    def __init__(
        self,
        artifacts: Iterable[ArtifactSettings],
        *,
        root: Path,
        project: ProjectMetadata,
        environ: Mapping[str, str],
        cache: Cache,
        scratch: Path,
        words: Words,
        upgrade: bool = False,
    ) -> None:
        self._artifacts = tuple(artifacts)
        self._layers = {artifact.name: artifact for artifact in self._artifacts if artifact.kind == "layer"}
        self._root = root
        self._project = project
        self._environ = environ
        self._scratch = scratch
        self._words = words
        self._upgrade = upgrade
        self._opener = Opener("host", root=root, environ=environ, cache=cache.root / "engines", words=words)
        self._base = common_base(self._artifacts, root, passed_over=OWN_LOCK)
        self._stack = contextlib.ExitStack()
        self._benches: dict[Path, _Bench] = {}
        self._found: dict[Path, dict[tuple[Target, Selection], tuple[Pin, ...]]] = {}

    def close(self) -> None:
        """Close what was opened."""
        self._stack.close()

    def lock(self, place: Place) -> NewLock | None:
        """The lock of a folder; None where nothing is asked for there. A project's folder comes before its entries.

        Raises:
            LockError: some target has no archive, or what extras and groups bring does not go together.
            InstallError: the requirements have no answer, or the index does not answer.
        """
        before = Before.read(place.path)
        found: dict[tuple[Target, Selection], tuple[Pin, ...]] = {}
        # Targets stay together where they can: what one takes, the next one takes too unless it has no archive of it.
        versions: dict[str, str] = {}
        for target in place.targets():
            preferred = versions if self._upgrade else versions | before.versions(target)
            try:
                of_target = self._of_target(place, target, preferred)
            except LambdaBackendError as error:
                error.locate(place.asking(target)[0].key)
                raise
            found |= {(target, selection): pins for selection, pins in of_target.items()}
            versions |= {pin.name: pin.version for pins in of_target.values() for pin in pins if pin.version}
        self._found[place.folder] = found
        if not any(found.values()):
            return None
        pins = [pin for some in found.values() for pin in some]
        refuse_secrets(pins, place.artifacts[0].bundling, place.found, self._environ)
        prefix = os.path.relpath(self._base, place.folder).replace(os.sep, "/")
        text = own_lock_text(found, prefix="" if prefix == "." else prefix)
        self._prove(place, text)
        return NewLock(path=place.path, text=text, before=before, sources=tuple(_sources(found)))

    def _of_target(self, place: Place, target: Target, versions: Mapping[str, str]) -> dict[Selection, tuple[Pin, ...]]:
        """The pins of every selection, out of one set for all of them together."""
        asked = {selection: self._wanted(artifact, target) for selection, artifact in place.selections(target).items()}
        self._words.say(f"locking {place.folder.name} for {target.name}")
        if place.lock_in_use is not None:
            return {selection: self._pins(one, target, place.artifacts[0]) for selection, one in asked.items()}
        together = replace(
            self._wanted(place.together(target), target, layer_pins=self._pins_of_layers(place, target)),
            preferences=tuple(sorted(versions.items())),
        )
        pins = self._pins(together, target, place.artifacts[0])
        # A requirements file knows nothing of extras: all of it is taken, whatever is chosen.
        if len(asked) == 1 or place.found.requirements is not None:
            return dict.fromkeys(asked, pins)
        limits = tuple(sorted(f"{pin.name}=={pin.version}" for pin in pins if pin.version))
        return {
            selection: _part(
                self._pins(replace(one, constraints=limits), target, place.artifacts[0]),
                of=pins,
                what=f"{_words_of(selection)} for {target.name}",
            )
            for selection, one in asked.items()
        }

    def _wanted(self, artifact: ArtifactSettings, target: Target, *, layer_pins: Iterable[Pin] = ()) -> Wanted:
        found = locked(artifact, self._root, passed_over=OWN_LOCK)
        return wanted(artifact, target, self._project, self._root, base=self._base, layer_pins=layer_pins, found=found)

    def _pins(self, asked: Wanted, target: Target, artifact: ArtifactSettings) -> tuple[Pin, ...]:
        folder = asked.folder
        if folder not in self._benches:
            self._benches[folder] = self._open(artifact, target)
        bench = self._benches[folder]
        return resolve(asked, target, lambda: bench.workbench, bench.environ, bench.exports)

    def _open(self, artifact: ArtifactSettings, target: Target) -> _Bench:
        key = f"{artifact.key}.bundling"
        scratch = self._scratch / f"bench{len(self._benches)}"
        scratch.mkdir()
        inner = self._root.relative_to(self._base).as_posix()
        sources: dict[str, Path] = {}
        for each in self._artifacts:
            sources |= lock_sources(locked(each, self._root, passed_over=OWN_LOCK), self._root)
        files = {posixpath.normpath(f"{inner}/{name}"): path for name, path in sources.items()}
        workbench = self._stack.enter_context(
            self._opener.open(target, artifact.bundling, scratch, {"input": files}, key)
        )
        environ = Variables(self._environ, artifact.bundling.environment, f"{key}.environment")
        return _Bench(workbench=workbench, exports=Exports(lambda: workbench, environ), environ=environ)

    def _pins_of_layers(self, place: Place, target: Target) -> Iterator[Pin]:
        """What the layers of a folder's functions have for a target, where not this very lock says so."""
        names = dict.fromkeys(name for artifact in place.asking(target) for name in artifact.layers)
        for layer in (self._layers[name] for name in names):
            if layer.bundling.command or (place.folder == self._root and not names_another(layer)):
                continue
            found = {} if names_another(layer) else self._found.get(self._root, {})
            if (target, Selection()) not in found:
                asked = wanted(layer, target, self._project, self._root, base=self._base)
                yield from self._pins(asked, target, layer)
                continue
            chosen = {Selection(), *(Selection(extra=name) for name in layer.extras)}
            chosen |= {Selection(group=name) for name in layer.groups}
            yield from {pin.name: pin for one in chosen for pin in found.get((target, one), ())}.values()

    def _prove(self, place: Place, text: str) -> None:
        """See that each artefact gets from the lock what it asks for."""
        source = place.found.lock.path.name if place.found.lock else OWN_LOCK
        for target in place.targets():
            for artifact in place.asking(target):
                asked = self._wanted(artifact, target)
                pins = pylock.select(
                    text,
                    target=target,
                    source=OWN_LOCK,
                    root=self._base,
                    directory=asked.relative(place.folder),
                    project=asked.project,
                    extras=artifact.extras,
                    groups=artifact.groups,
                )
                stale.check_covers(asked.declared, pins, lock=source, target=target)


def _part(some: Iterable[Pin], *, of: Iterable[Pin], what: str) -> tuple[Pin, ...]:
    """Pins as the whole has them.

    Raises:
        LockError: the whole has others.
    """
    whole = {pin.name: pin for pin in of}
    names = []
    for pin in some:
        if pin.name not in whole or whole[pin.name].version != pin.version:
            raise LockError(
                f"{what} needs {pin.name} {pin.version or ''}, and the other extras and groups need another one",
                hint="loosen the requirements, or let an entry of its own have those that contradict the others",
            )
        names.append(pin.name)
    return tuple(whole[name] for name in names)


def _words_of(selection: Selection) -> str:
    if selection.extra is not None:
        return f"the extra {selection.extra}"
    return f"the group {selection.group}" if selection.group is not None else "the project"


def _sources(found: Mapping[tuple[Target, Selection], Iterable[Pin]]) -> Iterator[str]:
    """What comes as a source distribution, and for which targets."""
    targets: dict[tuple[str, str | None], dict[str, None]] = {}
    for (target, _), pins in found.items():
        for pin in pins:
            if pin.kind == "sdist":
                targets.setdefault((pin.name, pin.version), {})[target.name] = None
    for (name, version), names in sorted(targets.items(), key=str):
        yield f"{name} {version or ''} for {', '.join(names)}"
