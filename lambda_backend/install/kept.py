"""A finished archive in the cache, with who made it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambda_backend.archive.index import load_index, save_index
from lambda_backend.archive.payloads import Payloads
from lambda_backend.archive.writer import write
from lambda_backend.bundle.model import Collision
from lambda_backend.install.builder import read_builder, write_builder
from lambda_backend.install.parts import ARCHIVE, INDEX, Parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lambda_backend.archive.model import Archive
    from lambda_backend.bundle.model import Bundle
    from lambda_backend.cache import Cache
    from lambda_backend.install.builder import Builder

__all__ = ["Dependencies", "kept_archive"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependencies:
    """What was installed for an artefact, as a finished archive."""

    archive: Archive
    """Whether its bytes are still those that were written shows when they are copied."""
    entry: tuple[str, str]
    """Kind and key in the cache."""
    builder: Builder
    collisions: tuple[Collision, ...]
    """Of the distributions in it."""
    from_cache: bool


def kept_archive(
    cache: Cache,
    kind: str,
    key: str,
    make: Callable[[], tuple[Bundle, Builder]],
    *,
    distributions: Mapping[str, str] | None = None,
) -> Dependencies:
    """An archive from the cache, or made now.

    Args:
        cache: where it is kept.
        kind: of entry.
        key: of its inputs.
        make: gives the files and who made them.
        distributions: see ``Parts``; files of theirs that other archives hold are taken from there.
    """
    with cache.locked(kind, key) as kept:
        if kept is not None and (found := _read(kept, (kind, key))) is not None:
            return found
        cache.discard(kind, key)
        bundle, builder = make()
        parts = Parts(cache, distributions or {})
        with cache.make(kind, key) as folder:
            with Payloads(parts.archives()) as payloads:
                archive = write(folder / ARCHIVE, bundle.members, records=bundle.records, payloads=payloads)
            save_index(archive, folder / INDEX)
            _write_collisions(folder, bundle.collisions)
            write_builder(folder, builder)
        parts.remember(archive, kind, key)
    return Dependencies(
        archive=dataclasses.replace(archive, path=cache.entry(kind, key) / ARCHIVE),
        entry=(kind, key),
        builder=builder,
        collisions=bundle.collisions,
        from_cache=False,
    )


def _read(folder: Path, entry: tuple[str, str]) -> Dependencies | None:
    archive = load_index(folder / INDEX, folder / ARCHIVE)
    builder, collisions = read_builder(folder), _read_collisions(folder)
    if archive is None or builder is None or collisions is None:
        return None
    return Dependencies(archive=archive, entry=entry, builder=builder, collisions=collisions, from_cache=True)


def _write_collisions(folder: Path, collisions: tuple[Collision, ...]) -> None:
    rows = [[collision.path, *collision.owners] for collision in collisions]
    (folder / "collisions.json").write_text(json.dumps(rows), "utf-8")


def _read_collisions(folder: Path) -> tuple[Collision, ...] | None:
    try:
        rows = json.loads((folder / "collisions.json").read_text("utf-8"))
        return tuple(Collision(path=path, owners=(one, other)) for path, one, other in rows)
    except (OSError, ValueError, TypeError):
        return None
