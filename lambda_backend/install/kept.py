"""A finished archive in the cache, with who made it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

from lambda_backend.archive.index import load_index, save_index
from lambda_backend.archive.payloads import Payloads
from lambda_backend.archive.writer import begun
from lambda_backend.bundle.model import Collision
from lambda_backend.errors import DamagedArchiveError
from lambda_backend.install.builder import read_builder, write_builder
from lambda_backend.install.parts import ARCHIVE, INDEX
from lambda_backend.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lambda_backend.archive.model import Archive, Taken
    from lambda_backend.archive.writer import Draft
    from lambda_backend.bundle.model import Bundle
    from lambda_backend.cache import Cache
    from lambda_backend.install.builder import Builder
    from lambda_backend.install.parts import Parts

__all__ = ["Dependencies", "Lead", "Made", "kept_archive"]

Lead: TypeAlias = "Callable[[Sequence[Taken]], None]"
"""See ``Draft.lead``."""


class Dependencies(Value):
    """What was installed for an artefact, as a finished archive."""

    archive: Archive
    """Whether its bytes are still those that were written shows when they are copied."""
    entry: tuple[str, str]
    """Kind and key in the cache."""
    builder: Builder
    collisions: tuple[Collision, ...]
    """Of the distributions in it."""
    from_cache: bool


class Made(Value):
    """What an archive is made of."""

    bundle: Bundle
    builder: Builder
    parts: tuple[Taken, ...] = ()
    """Of kept archives; whatever else there is, is in the bundle."""
    installed: tuple[str, ...] = ()
    """Names of the distributions in the bundle."""
    anew: Callable[[Sequence[str]], Bundle] | None = None
    """Gives the bundle once more, for these distributions were not as they were published."""
    let_go: Callable[[], object] = lambda: None
    """Called when the files of the bundle have been read; once for each time."""


def kept_archive(
    cache: Cache, kind: str, key: str, make: Callable[[Lead], Made], *, parts: Parts | None = None
) -> Dependencies:
    """An archive from the cache, or made now.

    Args:
        cache: where it is kept.
        kind: of entry.
        key: of its inputs.
        make: gives the files and who made them; may say before which parts are likely to come first.
        parts: of other archives; what they hold of its distributions' files is taken from there.

    Raises:
        DamagedArchiveError: another archive is not what was kept; it no longer is, so the next try succeeds.
    """
    with cache.locked(kind, key) as kept:
        if kept is not None and (found := _read(kept, (kind, key))) is not None:
            return found
        cache.discard(kind, key)
        with cache.make(kind, key) as folder:
            made, archive = _written(folder / ARCHIVE, make, parts)
            save_index(archive, folder / INDEX)
            _write_collisions(folder, made.bundle.collisions)
            write_builder(folder, made.builder)
        if parts is not None:
            parts.remember(archive, kind, key, installed=made.installed, apart_from=made.bundle.entangled)
    return Dependencies(
        archive=replace(archive, path=cache.entry(kind, key) / ARCHIVE),
        entry=(kind, key),
        builder=made.builder,
        collisions=made.bundle.collisions,
        from_cache=False,
    )


def _written(path: Path, make: Callable[[Lead], Made], parts: Parts | None) -> tuple[Made, Archive]:
    """The archive, of what was published."""
    from lambda_backend.bundle.tree import altered

    with begun(path) as draft:
        made = make(draft.lead)
        with Payloads(parts.archives(made.installed) if parts else ()) as payloads:
            try:
                archive = _finished(draft, made, payloads)
            except DamagedArchiveError:
                if parts is not None:
                    parts.forget(made.parts)
                raise
            # The digests are there now, without reading any file a second time.
            names = altered(made.bundle, ((member.path, member.sha256) for member in archive.members))
            if names and made.anew is not None:
                made = replace(made, bundle=made.anew(names))
                with begun(path) as again:
                    archive = _finished(again, made, payloads)
    return made, archive


def _finished(draft: Draft, made: Made, payloads: Payloads) -> Archive:
    bundle = made.bundle
    return draft.finish(
        bundle.members, records=bundle.records, parts=made.parts, payloads=payloads, on_read=made.let_go
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
