"""Which kept archives hold a distribution already: where one of many is new, the others need no installing."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from lambda_backend.archive.index import load_index
from lambda_backend.archive.model import taken
from lambda_backend.archive.writer import is_whole
from lambda_backend.cache import key as cache_key
from lambda_backend.install.builder import read_builder
from lambda_backend.requirements import pins as pinned
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from lambda_backend.archive.model import Archive, Taken
    from lambda_backend.cache import Cache
    from lambda_backend.install.builder import Builder
    from lambda_backend.requirements.model import Pin

__all__ = ["ARCHIVE", "INDEX", "Kept", "Parts"]

ARCHIVE = "archive.zip"
INDEX = "index.json"
_FORMAT = 2
_KIND = "parts"
_WORTH = 1 << 18
"""Bytes of a distribution from which compressing it takes longer than looking it up."""


class Kept(Value):
    """A distribution as it would be installed."""

    part: Taken
    builder: Builder


class Parts:
    """Remembers for each distribution an archive that it is in.

    Args:
        cache: holds the archives.
        pins: the distributions.
        how: the key of all else that decides what is installed of one, and how.
    """

    def __init__(self, cache: Cache, pins: Sequence[Pin], how: str) -> None:
        self._cache = cache
        self._pins = pins
        self._how = how
        self._read = functools.cache(self._read_entry)

    @functools.cached_property
    def _same(self) -> dict[str, str]:
        """Keys of what came from the same archives, by normalised name."""
        origins = {str(pin.name): pin.sha256 or pinned.digest([pin]) for pin in self._pins}
        return {name: cache_key(_FORMAT, "files", name, origin) for name, origin in origins.items()}

    @functools.cached_property
    def _whole(self) -> dict[str, str]:
        """Keys of what was installed in the same way, by normalised name."""
        return {str(pin.name): cache_key(_FORMAT, "installed", self._how, pinned.digest([pin])) for pin in self._pins}

    def kept(self) -> dict[str, Kept]:
        """Those that need no installing, by name."""
        found = {}
        for name, key in self._whole.items():
            entry = self._noted(key)
            if entry is None:
                continue
            if name in (there := self._read(*entry)):
                found[name] = there[name]
            else:
                self._cache.discard(_KIND, key)
        return found

    def archives(self, names: Collection[str]) -> Iterator[tuple[Archive, frozenset[str]]]:
        """Whole archives that hold files of some of them, and of which; they may have been installed in another way.

        Args:
            names: of those that are asked for.
        """
        places: dict[tuple[str, str], set[str]] = defaultdict(set)
        for name in names:
            if (entry := self._noted(self._same[name])) is not None:
                places[entry].add(name)
        for (kind, key), found in places.items():
            folder = self._cache.entry(kind, key)
            archive = load_index(folder / INDEX, folder / ARCHIVE)
            if archive is not None and is_whole(archive):
                yield archive, frozenset(found)
            else:
                for name in found:
                    self._cache.discard(_KIND, self._same[name])

    def remember(
        self,
        archive: Archive,
        kind: str,
        key: str,
        *,
        installed: Collection[str] = (),
        apart_from: Collection[str] = (),
    ) -> None:
        """Note that an entry of the cache holds them, where no other one does.

        Args:
            archive: the entry's.
            kind: the entry's.
            key: the entry's.
            installed: those that no other archive had, or not so that it could be taken.
            apart_from: those that were not installed as each of them alone would have been.
        """
        sizes: Counter[str] = Counter()
        for member in archive.members:
            sizes[member.owner] += member.size
        # What belongs to nobody may have come with any of them.
        alone = sizes.keys() <= self._whole.keys()
        whole = {part.owner for part in archive.parts}.difference(apart_from) if alone else set()
        # Another archive has them too, and they were installed all the same: that one is of no use any more.
        for name in whole.intersection(installed):
            self._cache.discard(_KIND, self._whole[name])
        notes = [self._whole[name] for name in sorted(whole)]
        notes += [self._same[name] for name in self._same if sizes[name] >= _WORTH]
        for note in notes:
            if self._cache.get(_KIND, note) is None:
                with self._cache.make(_KIND, note, held=False) as folder:
                    (folder / "entry").write_text(f"{kind} {key}", "ascii")

    def forget(self, found: Iterable[Taken]) -> None:
        """Discard the entries of archives that are damaged, or one of which is."""
        for one in found:
            folder = one.archive.path.parent
            self._cache.discard(folder.parent.parent.name, folder.name)

    def _noted(self, key: str) -> tuple[str, str] | None:
        found = self._cache.get(_KIND, key)
        if found is None:
            return None
        try:
            kind, _, entry = (found / "entry").read_text("ascii").partition(" ")
        except OSError:  # another build has just discarded it
            return None
        return kind, entry

    def _read_entry(self, kind: str, key: str) -> dict[str, Kept]:
        folder = self._cache.get(kind, key)
        if folder is None:
            return {}
        archive, builder = load_index(folder / INDEX, folder / ARCHIVE), read_builder(folder)
        if archive is None or builder is None:
            return {}
        return {name: Kept(part=part, builder=builder) for name, part in taken(archive).items()}
