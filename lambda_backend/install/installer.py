"""Dependencies of one target: pins, finished archives and wheels, each from the cache or made once.

The workbench (and with it engine, image and container) is opened when the first of them is not in the cache, and
serves all artefacts of the target.
"""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import time
from typing import TYPE_CHECKING, TypeVar

from lambda_backend.bundle.finish import PLAIN
from lambda_backend.bundle.sources import sha256
from lambda_backend.cache import key as cache_key
from lambda_backend.install.ahead import import_ahead
from lambda_backend.install.asked import asked, lasts
from lambda_backend.install.beside import Beside
from lambda_backend.install.builder import read_builder, write_builder
from lambda_backend.install.kept import kept_archive
from lambda_backend.install.parts import Parts
from lambda_backend.install.together import put_together
from lambda_backend.install.wanted import credentials
from lambda_backend.requirements import pins as pinned
from lambda_backend.requirements.model import Requirements
from lambda_backend.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.bundle.excludes import Excludes
    from lambda_backend.bundle.finish import Finish
    from lambda_backend.cache import Cache
    from lambda_backend.install.builder import Builder
    from lambda_backend.install.exports import Exports
    from lambda_backend.install.finisher import Finisher
    from lambda_backend.install.kept import Dependencies, Lead, Made
    from lambda_backend.install.wanted import Wanted
    from lambda_backend.install.workbench import Workbench
    from lambda_backend.report.words import Words
    from lambda_backend.requirements.model import Pin
    from lambda_backend.targets import Target

__all__ = ["BuiltWheel", "Installer"]

_FORMAT = 3
"""Raised when the same inputs would give another tree or archive than an older version of ours made."""
_DAY = 24 * 60 * 60
_MANY = 1000
"""Files from which removing them takes longer than starting a process that does."""
_WHEEL_DIGEST = "wheel.sha256"
_T = TypeVar("_T")


class BuiltWheel(Value):
    """A wheel that was built for the target."""

    path: Path
    builder: Builder
    from_cache: bool


class Installer:
    """Gives what it is asked for from the cache, or makes it at the workbench.

    Args:
        target: what for.
        cache: where finished work is kept.
        place: what of the settings decides how it is made (engine, image, tools): a part of every cache key, and
            never a secret.
        index: what decides the answers of package indexes, for the key of an unlocked resolution; no secret either.
        environ: of the host, with what the settings put over it.
        host: the same without.
        open_workbench: opens the workbench; it is closed with the installer.
        words: what is done is said there.
    """

    def __init__(
        self,
        target: Target,
        *,
        cache: Cache,
        place: Mapping[str, object],
        index: Mapping[str, str],
        environ: Mapping[str, str],
        host: Mapping[str, str],
        open_workbench: Callable[[], contextlib.AbstractContextManager[Workbench]],
        words: Words,
    ) -> None:
        self.target = target
        self._cache = cache
        self._place = place
        self.index = index
        self._environ = environ
        self._wanted: list[Wanted] = []
        self._unasked: list[Callable[[], object]] = []
        self._known: dict[str, Dependencies] = {}
        self._open = open_workbench
        self._words = words
        self._stack = contextlib.ExitStack()
        self._workbench: Workbench | None = None
        self._builder: Builder | None = None
        self._index_of_uv: Beside[str | None] | None = None
        self._made = 0
        self._host = host
        self.until = float("inf")
        """When an answer that it gave ends to be one; seconds since 1970."""

    @contextlib.contextmanager
    def until_of(self) -> Iterator[Callable[[], float]]:
        """Gives what tells when the answers of a ``with`` block end to be ones."""
        before, self.until = self.until, float("inf")
        found = float("inf")
        yield lambda: found
        found, self.until = self.until, min(before, self.until)

    def answered(self, ask: Callable[[], object], *, until: float) -> None:
        """Take note of an answer that somebody else remembered.

        Args:
            ask: finds it here; called where pins have to be installed.
            until: when it ends to be one; seconds since 1970.
        """
        self._unasked.append(ask)
        self.until = min(self.until, until)

    def __enter__(self) -> Installer:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @functools.cached_property
    def finisher(self) -> Finisher:
        """Of no use once the installer is closed."""
        from lambda_backend.install.finisher import Finisher

        finisher = Finisher(
            self.target,
            cache=self._cache,
            place=self._place,
            environ=self._host,
            bench=lambda: self.workbench,
            words=self._words,
        )
        return self._stack.enter_context(contextlib.closing(finisher))

    @functools.cached_property
    def _exports(self) -> Exports:
        from lambda_backend.install.exports import Exports

        return Exports(lambda: self.workbench, self._environ)

    @property
    def workbench(self) -> Workbench:
        """The workbench, opened at the first call, and at the first one after it was left."""
        if self._workbench is None:
            self._workbench = self._stack.enter_context(self._open())
            self._builder = self._workbench.builder
        return self._workbench

    @property
    def builder(self) -> Builder:
        """Who installs."""
        return self._builder or self.workbench.builder

    def _leave(self) -> None:
        """Close the workbench, while something else is done."""
        self._stack.callback(Beside(self.workbench.leave).result)
        self._workbench = None

    def pins(self, wanted: Wanted) -> tuple[Pin, ...]:
        """What an artefact's dependencies are; an unlocked answer is used again for a day."""
        self._wanted.append(wanted)
        if wanted.empty or (wanted.lock and wanted.lock.kind == "pylock"):
            return self._resolved(wanted)
        self._warn_of_python(wanted)
        key = cache_key(_FORMAT, "pins", self.target.name, dict(self._place), dict(self.index), asked(wanted))
        lasting = lasts(wanted)
        with self._cache.locked("pins", key) as kept:
            if kept is not None and (found := _read_pins(kept, lasting=lasting)) is not None:
                self.until = min(self.until, found[1])
                return found[0]
            self._words.say(f"resolving {_lock_name(wanted)} for {self.target.name}")
            self._ask_ahead()
            pins = self._resolved(wanted)
            self.until = min(self.until, time.time() + _DAY)
            self._cache.discard("pins", key)
            with self._cache.make("pins", key) as folder:
                lock = wanted.lock.path.name if wanted.lock else None
                document = {"made": time.time(), "requirements": pinned.to_json(Requirements(pins=pins, lock=lock))}
                (folder / "pins.json").write_text(json.dumps(document), "utf-8")
        return pins

    def _ask_ahead(self) -> None:
        """Ask for what an installation has to know, while uv resolves; and then import what it will be done with."""
        workbench = self.workbench

        def ahead() -> str | None:
            from lambda_backend.install.tree import default_index

            found = default_index(workbench)
            import_ahead()
            return found

        if self._index_of_uv is None:
            self._index_of_uv = self._beside(ahead)

    def _resolved(self, wanted: Wanted) -> tuple[Pin, ...]:
        from lambda_backend.install.resolve import resolve

        return resolve(wanted, self.target, lambda: self.workbench, self._environ, self._exports)

    def dependencies(
        self, pins: Sequence[Pin], *, prefix: str, excludes: Excludes, finish: Finish = PLAIN, last: bool = False
    ) -> Dependencies:
        """A finished archive of pins that are no local folders.

        Args:
            pins: what is in it.
            prefix: its folder in the artefact.
            excludes: the artefact's.
            finish: what is done to installed files.
            last: no command is likely to follow at the workbench; one that does takes longer.
        """
        how = cache_key(
            *(_FORMAT, "deps", self.target.name, self._place, prefix, excludes.key),
            self.finisher.key(finish) if finish else None,
        )
        key = cache_key(how, pinned.digest(pins))
        # Many functions may have the same ones. Another build may have thrown them away by now.
        if key in self._known and self._cache.get("deps", key) is not None:
            return self._known[key]
        parts = Parts(self._cache, pins, how)
        trees: list[Path] = []

        def tree(pins: Sequence[Pin], fresh: bool) -> Path:
            trees.append(self._installed(pins, fresh=fresh))
            if last:
                self._leave()
            return trees[-1]

        def make(lead: Lead) -> Made:
            from lambda_backend.install.bundles import Bundles

            bundles = Bundles(
                target=self.target,
                count=len(pins),
                prefix=prefix,
                excludes=excludes,
                finish=finish,
                finisher=lambda: self.finisher,
                tree=tree,
                words=self._words,
            )
            made = put_together(pins, parts, bundles, builder=lambda: self.builder, lead=lead)
            return replace(made, let_go=lambda: self._remove(trees, len(made.bundle.members)))

        found = kept_archive(self._cache, "deps", key, make, parts=parts)
        self._known[key] = replace(found, from_cache=True)
        return found

    def _remove(self, trees: Sequence[Path], files: int) -> None:
        if files >= _MANY:
            from lambda_backend.install.removal import Removal

            self._stack.enter_context(contextlib.closing(Removal(trees)))
        else:
            for tree in trees:
                shutil.rmtree(tree, ignore_errors=True)

    def _beside(self, work: Callable[[], _T]) -> Beside[_T]:
        """Do something in a thread, which ends with the installer."""
        return self._stack.enter_context(contextlib.closing(Beside(work)))

    def _installed(self, pins: Sequence[Pin], *, fresh: bool = False) -> Path:
        from lambda_backend.install.tree import install

        workbench = self.workbench
        self._beside(lambda: import_ahead(pins))
        self._made += 1
        name = f"tree{self._made}"
        return install(
            pins,
            self.target,
            workbench,
            name=name,
            variables=self._access(),
            index=self._index_of_uv.result if self._index_of_uv else None,
            fresh=fresh,
        )

    def _access(self) -> dict[str, str]:
        """What uv has to know of the indexes that pins are from, which pins and their cache do not hold."""
        while self._unasked:
            self._unasked.pop()()
        urls: dict[str, None] = {}
        insecure: dict[str, None] = {}
        for wanted in self._wanted:
            urls |= dict.fromkeys(credentials(wanted, self._environ))
            for index in self._exports.indexes(wanted, wanted.export) if wanted.export else ():
                if index.url_with_user:
                    urls[index.url_with_user] = None
                if not index.verified:
                    insecure[index.host] = None
        hosts = [self._environ.get("UV_INSECURE_HOST", ""), *insecure] if insecure else []
        found = {"UV_INDEX": " ".join(urls), "UV_INSECURE_HOST": " ".join(hosts).strip()}
        return {name: value for name, value in found.items() if value}

    def _warn_of_python(self, wanted: Wanted) -> None:
        lock = wanted.export.lock if wanted.export else None
        python = self.target.runtime.python_version
        # Poetry locks for all Pythons of a project, Pipenv for the one that it runs with.
        if lock is not None and lock.tool == "pipenv" and lock.refuses(python):
            self._words.say(
                f"warning: {_lock_name(wanted)} is for Python {lock.python}: what only {python} needs is not in it"
            )

    def wheel(self, name: str, source: str, digest: str) -> BuiltWheel:
        """The wheel of a local folder.

        Args:
            name: the distribution's.
            source: the folder, relative to the project's root.
            digest: of the folder's contents.
        """

        def build(workbench: Workbench) -> Path:
            from lambda_backend.install.tree import build_wheel

            return build_wheel(workbench.input / source, self.target, workbench, name=name)

        return self._wheel(cache_key(_FORMAT, "wheel", self.target.name, self._place, source, digest), source, build)

    def own_wheel(self, digest: str, build: Callable[[Workbench], Path]) -> BuiltWheel:
        """The project's own wheel, built for the target.

        Args:
            digest: of the project's sources.
            build: makes it at a workbench.
        """
        return self._wheel(cache_key(_FORMAT, "own", self.target.name, self._place, digest), "the project", build)

    def _wheel(self, key: str, what: str, build: Callable[[Workbench], Path]) -> BuiltWheel:
        with self._cache.locked("wheels", key) as kept:
            if kept is not None and (found := _read_wheel(kept)) is not None:
                return found
            self._cache.discard("wheels", key)
            self._words.say(f"building a wheel of {what} for {self.target.name}")
            workbench = self.workbench
            self._beside(import_ahead)
            built = build(workbench)
            with self._cache.make("wheels", key) as folder:
                shutil.copyfile(built, folder / built.name)
                (folder / _WHEEL_DIGEST).write_text(sha256(built).hexdigest(), "utf-8")
                write_builder(folder, self.workbench.builder)
            found = _read_wheel(self._cache.entry("wheels", key))
        assert found is not None  # noqa: S101 - it was written just now
        return replace(found, from_cache=False)


def _lock_name(wanted: Wanted) -> str:
    return wanted.lock.path.name if wanted.lock else "the dependencies"


def _read_pins(folder: Path, *, lasting: bool) -> tuple[tuple[Pin, ...], float] | None:
    """Kept pins, and when they end to be the answer."""
    try:
        document = json.loads((folder / "pins.json").read_text("utf-8"))
        until = float("inf") if lasting else document["made"] + _DAY
        return None if time.time() > until else (pinned.from_json(document["requirements"]).pins, until)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read_wheel(folder: Path) -> BuiltWheel | None:
    wheel = next(folder.glob("*.whl"), None)
    builder = read_builder(folder)
    digest = folder / _WHEEL_DIGEST
    if wheel is None or builder is None or not digest.is_file():
        return None
    if digest.read_bytes() != sha256(wheel).hexdigest().encode():
        return None
    return BuiltWheel(path=wheel, builder=builder, from_cache=True)
