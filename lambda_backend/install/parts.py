"""Which kept archives hold a distribution already: where one of many is new, the others need no compressing."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from lambda_backend.archive.index import load_index
from lambda_backend.archive.writer import is_whole
from lambda_backend.cache import key as cache_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambda_backend.archive.model import Archive
    from lambda_backend.cache import Cache

__all__ = ["ARCHIVE", "INDEX", "Parts"]

ARCHIVE = "archive.zip"
INDEX = "index.json"
_FORMAT = 1
_KIND = "parts"
_WORTH = 1 << 18
"""Bytes of a distribution from which compressing it takes longer than looking it up."""


class Parts:
    """Remembers for each distribution an archive that it is in.

    Args:
        cache: holds the archives.
        distributions: by normalised name, what tells one build of it from others: the digest of what it came from.
    """

    def __init__(self, cache: Cache, distributions: Mapping[str, str]) -> None:
        self._cache = cache
        self._keys = {name: cache_key(_FORMAT, name, digest) for name, digest in distributions.items()}

    def archives(self) -> Iterable[tuple[Archive, frozenset[str]]]:
        """Archives that hold some of them, and which."""
        places: dict[tuple[str, str], set[str]] = defaultdict(set)
        for name, key in self._keys.items():
            if (found := self._cache.get(_KIND, key)) is not None:
                kind, _, entry = (found / "entry").read_text("ascii").partition(" ")
                places[kind, entry].add(name)
        for (kind, entry), names in places.items():
            folder = self._cache.entry(kind, entry)
            archive = load_index(folder / INDEX, folder / ARCHIVE)
            if archive is not None and is_whole(archive):
                yield archive, frozenset(names)
            else:
                for name in names:
                    self._cache.discard(_KIND, self._keys[name])

    def remember(self, archive: Archive, kind: str, key: str) -> None:
        """Note that an entry of the cache holds them, where no other one does."""
        sizes: Counter[str] = Counter()
        for member in archive.members:
            sizes[member.owner] += member.size
        for name, part in self._keys.items():
            if sizes[name] >= _WORTH and self._cache.get(_KIND, part) is None:
                with self._cache.make(_KIND, part) as folder:
                    (folder / "entry").write_text(f"{kind} {key}", "ascii")
