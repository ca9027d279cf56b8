"""Makes the artefacts of a wheel, target by target."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from lambda_backend.archive.writer import begun
from lambda_backend.bundle.assemble import assemble
from lambda_backend.bundle.excludes import Excludes
from lambda_backend.bundle.finish import PLAIN
from lambda_backend.bundle.model import Bundle
from lambda_backend.bundle.sources import files_digest
from lambda_backend.bundle.wheel import fits
from lambda_backend.errors import BundleError, DamagedArchiveError, InstallError, LockError
from lambda_backend.install.beside import Beside
from lambda_backend.packing.needs import Needs
from lambda_backend.packing.omissions import Omissions, without
from lambda_backend.packing.parts import code_parts, finish_of, takes_project, visible_source
from lambda_backend.packing.workbenches import Workbenches
from lambda_backend.report.model import Artifact
from lambda_backend.requirements import pins as pinned
from lambda_backend.targets import target as target_of
from lambda_backend.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from packaging.utils import NormalizedName

    from lambda_backend.archive.beginning import Beginning
    from lambda_backend.archive.copying import Place
    from lambda_backend.archive.model import Archive
    from lambda_backend.archive.writer import Draft
    from lambda_backend.bundle.finish import Finish
    from lambda_backend.bundle.model import Member
    from lambda_backend.cache import Cache
    from lambda_backend.install.installer import BuiltWheel, Installer
    from lambda_backend.install.kept import Dependencies
    from lambda_backend.install.steps import Steps
    from lambda_backend.packing.order import Order
    from lambda_backend.report.words import Words
    from lambda_backend.requirements.model import Pin
    from lambda_backend.settings.resolve import ArtifactSettings
    from lambda_backend.targets import Target

__all__ = ["Packer"]


class Packer:
    """Makes every artefact that is asked for.

    Args:
        order: what to make, of what.
        cache: where finished work is kept.
        stage: an empty folder for what is made.
        words: what is done is said there.
        ahead: a zip that was begun by what its base was the last time.
    """

    def __init__(
        self, order: Order, *, cache: Cache, stage: Path, words: Words, ahead: Beginning | None = None
    ) -> None:
        self._order = order
        self._ahead = ahead
        self._cache = cache
        self._stage = stage
        self._words = words
        self._workbenches = Workbenches(order, cache=cache, stage=stage, words=words)
        self._pins: dict[tuple[str, str], tuple[Pin, ...]] = {}
        self._omissions = Omissions(words)
        self.needs = Needs(order, cache=cache, words=words)
        self._recommended = False
        self._epoch = _epoch(order.environ)
        self.until = float("inf")
        """When other answers may be given to the same questions; seconds since 1970."""
        self.bases: dict[str, Place] = {}
        """What zips were made on, by their name."""

    def artifacts(self) -> tuple[Artifact, ...]:
        """Make and check them, one target after the other; in the order of the settings, then of the targets.

        Raises:
            CheckError: a check says that one of them must not be deployed.
        """
        with contextlib.ExitStack() as closing:
            made = self._made(closing)
            from lambda_backend.packing.checking import checked, refuse_errors, warn

            self._omissions.tell_unknown()
            order = {artifact.name: index for index, artifact in enumerate(self._order.asked)}
            found = checked(made, self._order, cache=self._cache, words=self._words)
            asked = [artifact for artifact in found if artifact.settings.name in order]
            warn(asked, self._words)
            refuse_errors(asked)
        return tuple(sorted(asked, key=lambda item: order[item.settings.name]))

    def _made(self, closing: contextlib.ExitStack) -> list[Artifact]:
        made: list[Artifact] = []
        names = {
            (runtime, architecture): None
            for artifact in self._order.asked
            for runtime in artifact.runtime
            for architecture in artifact.architecture
        }
        for runtime, architecture in names:
            made += self._for_target(target_of(runtime, architecture), closing)
        return made

    def _for_target(self, target: Target, closing: contextlib.ExitStack) -> Iterator[Artifact]:
        installers: dict[str, Installer] = {}
        asked = [
            (artifact, self._workbenches.name(artifact))
            for artifact in self._order.needed
            if target.runtime.name in artifact.runtime and target.architecture in artifact.architecture
        ]
        last = {name: artifact for artifact, name in asked}
        with contextlib.ExitStack() as stack:
            for artifact, name in asked:
                if name not in installers:
                    installers[name] = stack.enter_context(self._workbenches.installer(target, artifact))
                try:
                    try:
                        yield self._artifact(artifact, target, installers[name], last=artifact is last[name])
                    except DamagedArchiveError:
                        # It is out of the cache by now, and made anew.
                        yield self._artifact(artifact, target, installers[name])
                except (BundleError, InstallError, LockError) as error:
                    error.locate(artifact.key)
                    raise
            self.until = min(self.until, *(installer.until for installer in installers.values()))
            # A container and thousands of files take their time to go, and nobody needs them any more.
            closing.callback(Beside(stack.pop_all().close).result)

    def _artifact(
        self, artifact: ArtifactSettings, target: Target, installer: Installer, *, last: bool = False
    ) -> Artifact:
        started = time.monotonic()
        excludes = Excludes(artifact.exclude)
        finish = finish_of(artifact)
        steps = self._workbenches.steps(artifact)
        pins, omitted, lock = self._needed(artifact, target, installer)
        self._order.own.hear()
        last = last and not steps and not self._is_rebuilt(artifact, target)
        base, wheels = self._installed(artifact, pins, installer, last=last)
        file_name = f"{self._order.own.made.project.stem}-{artifact.name}-{target.name}.zip"
        with contextlib.ExitStack() as stack:
            # Copied and hashed while the code is looked at.
            draft = None if steps else stack.enter_context(self._begun(file_name, base))
            from lambda_backend.packing import checking  # noqa: F401 - meanwhile there is time to import it

            own = self._rebuilt(artifact, target, installer)

            def parts(entry: Path | None = None) -> Iterator[tuple[Member, ...]]:
                return code_parts(self._order, artifact, target, own=own, wheels=wheels, entry=entry)

            made = [item for item in (base, own, *(built for _, built in wheels)) if item is not None]
            found = parts() if steps else _finished(parts(), installer, artifact, finish, base=base)
            bundle = assemble(found, excludes, base=base.archive if base else None, may_be_empty=bool(steps))
            if steps:
                base = self._customised(artifact, installer, steps, base=base, code=bundle, parts=parts)
                made, bundle = [base, *made], Bundle(members=())
            collisions = (*(base.collisions if base else ()), *bundle.collisions)
            draft = draft or stack.enter_context(self._begun(file_name, base))
            if draft.place is not None:
                self.bases[file_name] = draft.place
            archive = self._written(draft, bundle, base)
        if steps.command:
            from lambda_backend.packing.customised import installed

            pins = installed(archive, artifact.path_prefix, apart_from=self._order.own.project.name)
        return Artifact(
            settings=artifact,
            target=target,
            archive=archive,
            file_name=file_name,
            pins=_with_versions(pins, dict(wheels)),
            omitted=omitted,
            lock=lock,
            builder=made[0].builder if made else None,
            from_cache=all(item.from_cache for item in made),
            seconds=time.monotonic() - started,
            collisions=collisions,
        )

    def _installed(
        self, artifact: ArtifactSettings, pins: Sequence[Pin], installer: Installer, *, last: bool = False
    ) -> tuple[Dependencies | None, list[tuple[NormalizedName, BuiltWheel]]]:
        """An artefact's pins: the archive of those from elsewhere, and the wheels of local folders."""
        local = pinned.local(pins)
        remote = tuple(pin for pin in pins if pin not in local)
        base: Dependencies | None = None
        if remote:
            # Commands may change what is installed: what they leave is finished then.
            finish = PLAIN if self._workbenches.steps(artifact) else finish_of(artifact)
            excludes = Excludes(artifact.exclude)
            base = installer.dependencies(
                remote,
                prefix=artifact.path_prefix,
                excludes=excludes,
                finish=finish,
                last=last and not local and not finish,
            )
        return base, [(pin.name, self._local_wheel(pin, installer)) for pin in local]

    def _customised(
        self,
        artifact: ArtifactSettings,
        installer: Installer,
        steps: Steps,
        *,
        base: Dependencies | None,
        code: Bundle,
        parts: Callable[[Path], Iterator[tuple[Member, ...]]],
    ) -> Dependencies:
        """What the user's commands leave, which is all of the artefact."""
        from lambda_backend.packing.customised import customised

        return customised(
            installer,
            steps,
            cache=self._cache,
            base=base,
            code=code,
            parts=parts,
            sources=visible_source(self._order, artifact),
            place=self._workbenches.place(artifact),
            prefix=artifact.path_prefix,
            excludes=Excludes(artifact.exclude),
            finish=finish_of(artifact),
        )

    def _begun(self, file_name: str, base: Dependencies | None) -> contextlib.AbstractContextManager[Draft]:
        place = base.archive.place if base else None
        ahead = self._ahead
        if ahead is not None and (ahead.path.name, ahead.place) == (file_name, place):
            self._ahead = None
            return begun(ahead.path, beginning=ahead)
        known = base.archive.entries if base and not base.from_cache else None
        return begun(self._stage / file_name, place=place, known=known)

    def _written(self, draft: Draft, bundle: Bundle, base: Dependencies | None) -> Archive:
        """The artefact's zip.

        Raises:
            DamagedArchiveError: the base is not what was kept; it no longer is.
        """
        try:
            return draft.finish(bundle.members, base=base.archive if base else None, epoch=self._epoch)
        except DamagedArchiveError:
            if base is not None:
                self._cache.discard(*base.entry)
            raise

    def _needed(
        self, artifact: ArtifactSettings, target: Target, installer: Installer
    ) -> tuple[tuple[Pin, ...], tuple[Pin, ...], str | None]:
        """The artefact's pins without its layers', those that it omits, and the name of its lock."""
        # A command installs in our place: what it does with a lock is its own affair.
        if artifact.bundling.command:
            self._omissions.nothing(artifact)
            return (), (), None
        pins, lock = self._own_pins(artifact, target, installer)
        self._recommend_lock(artifact, pins, lock)
        from lambda_backend.requirements import layers

        of = {name: self._order.layers[name] for name in artifact.layers}
        layers_of = {name: without(self._layer_pins(name, target, installer), of[name].omit) for name in of}
        rest = layers.without(pins, layers_of, function=artifact.name) if layers_of else pins
        return *self._omissions.split(artifact, rest, pins, of.values()), lock

    def _own_pins(
        self, artifact: ArtifactSettings, target: Target, installer: Installer
    ) -> tuple[tuple[Pin, ...], str | None]:
        """The artefact's pins, its layers' not yet taken away, and the name of its lock."""

        def ask() -> tuple[tuple[Pin, ...], str | None]:
            return self._found_pins(artifact, target, installer)

        return self.needs.pins(artifact, installer, self._workbenches.place(artifact), ask)

    def _found_pins(
        self, artifact: ArtifactSettings, target: Target, installer: Installer
    ) -> tuple[tuple[Pin, ...], str | None]:
        from lambda_backend.documents import read_toml
        from lambda_backend.planning import wanted
        from lambda_backend.requirements import stale

        layer_pins = [pin for name in artifact.layers for pin in self._layer_pins(name, target, installer)]
        project, base = self._order.own.project, self._workbenches.base
        asked = wanted(artifact, target, project, self._order.root, base=base, layer_pins=layer_pins)
        pins = installer.pins(asked)
        lock = asked.lock.path.name if asked.lock else None
        if lock is not None:
            uv_lock = read_toml(asked.lock.path) if asked.lock and asked.lock.kind == "uv" else {}
            extras = stale.locked_extras(uv_lock, asked.project)
            stale.check_covers(asked.declared, pins, lock=lock, target=target, extras=extras)
        return pins, lock

    def _recommend_lock(self, artifact: ArtifactSettings, pins: Sequence[Pin], lock: str | None) -> None:
        """One line a build, whatever the number of artefacts and targets."""
        if pins and lock is None and not self._recommended:
            self._recommended = True
            self._words.say(
                f"{artifact.name} has no lock file: the resolved set is in the manifest; `lambda-backend lock` keeps it"
            )

    def _layer_pins(self, name: str, target: Target, installer: Installer) -> tuple[Pin, ...]:
        key = (name, target.name)
        if key not in self._pins:
            layer = self._order.layers[name]
            # What a command installs in a layer is not known before it ran: the function has all that it needs itself.
            self._pins[key] = () if layer.bundling.command else self._own_pins(layer, target, installer)[0]
        return self._pins[key]

    def _rebuilt(self, artifact: ArtifactSettings, target: Target, installer: Installer) -> BuiltWheel | None:
        """The project's wheel for the target, where it goes in and the wheel at hand does not fit."""
        if not self._is_rebuilt(artifact, target):
            return None
        from lambda_backend.install.rebuild import rebuilt

        return rebuilt(installer, self._order.wheel_backend, root=self._order.root, name=self._order.own.project.name)

    def _is_rebuilt(self, artifact: ArtifactSettings, target: Target) -> bool:
        return takes_project(self._order, artifact) and not fits(self._order.own.made.path, target, native=False)

    def _local_wheel(self, pin: Pin, installer: Installer) -> BuiltWheel:
        source = pin.path or "."
        base = self._workbenches.base
        from lambda_backend.sources import local_sources

        found = local_sources(base / source, base)
        return installer.wheel(pin.name, source, files_digest(found))


def _finished(
    parts: Iterable[tuple[Member, ...]],
    installer: Installer,
    artifact: ArtifactSettings,
    finish: Finish,
    *,
    base: Dependencies | None,
) -> Iterable[tuple[Member, ...]]:
    if not finish:
        return parts
    taken = {member.path for member in base.archive.members} if base else set()
    excludes = Excludes(artifact.exclude)
    return (installer.finisher.code(part, finish, artifact.path_prefix, excludes, taken) for part in parts)


def _with_versions(pins: Iterable[Pin], wheels: Mapping[NormalizedName, BuiltWheel]) -> tuple[Pin, ...]:
    """The pins, with the versions of local folders, which their wheels tell."""
    if not wheels:
        return tuple(pins)
    from packaging.utils import parse_wheel_filename

    return tuple(
        replace(pin, version=str(parse_wheel_filename(wheels[pin.name].path.name)[1])) if pin.name in wheels else pin
        for pin in pins
    )


def _epoch(environ: Mapping[str, str]) -> int | None:
    """``SOURCE_DATE_EPOCH`` (reproducible-builds.org), or None."""
    text = environ.get("SOURCE_DATE_EPOCH", "")
    return int(text) if text.isdecimal() else None
