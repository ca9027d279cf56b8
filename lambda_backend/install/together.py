"""Puts an archive of distributions together: of what kept archives have as it is, and of what has to be installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lambda_backend.bundle.model import Bundle
from lambda_backend.install.kept import Made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lambda_backend.archive.model import Taken
    from lambda_backend.install.builder import Builder
    from lambda_backend.install.kept import Lead
    from lambda_backend.install.parts import Kept, Parts
    from lambda_backend.requirements.model import Pin

__all__ = ["overlap", "put_together"]


class _Bundles(Protocol):
    def installed(self, pins: Sequence[Pin], /) -> Bundle: ...
    def anew(self, pins: Sequence[Pin], names: Sequence[str], /) -> Bundle: ...


def put_together(
    pins: Sequence[Pin], parts: Parts, bundles: _Bundles, *, builder: Callable[[], Builder], lead: Lead
) -> Made:
    """What an archive is made of. It is the same as if all had been installed.

    Args:
        pins: the distributions.
        parts: of kept archives.
        bundles: installs some of them.
        builder: who does that; asked for where something has to be installed.
        lead: is told of what is likely to come first in the archive, before the installation.
    """
    kept = parts.kept()
    builders = {one.builder for one in kept.values()}
    if len(builders) == 1 and len(kept) == len(pins) and not overlap(_paths(kept)):
        return Made(bundle=Bundle(members=()), builder=builders.pop(), parts=_parts(kept))
    # In another image something else may have been built.
    kept = {name: one for name, one in kept.items() if one.builder == builder()}
    missing = [pin for pin in pins if str(pin.name) not in kept]
    first = min((str(pin.name) for pin in missing), default="")
    if leading := [kept[name].part for name in sorted(kept) if name < first]:
        lead(leading)
    bundle = bundles.installed(missing) if missing else Bundle(members=())
    shipped = [*(member.path for member in bundle.members), *(record.path for record in bundle.records)]
    if kept and overlap([*_paths(kept), shipped]):
        # Which of two files with one path ships is told by installing both.
        kept, missing = {}, list(pins)
        bundle = bundles.installed(pins)
    return Made(
        bundle=bundle,
        builder=builder(),
        parts=_parts(kept),
        installed=tuple(str(pin.name) for pin in missing),
        anew=lambda names: bundles.anew(missing, names),
    )


def _parts(kept: Mapping[str, Kept]) -> tuple[Taken, ...]:
    return tuple(one.part for one in kept.values())


def _paths(kept: Mapping[str, Kept]) -> list[list[str]]:
    return [[member.path for member in one.part.members] for one in kept.values()]


def overlap(groups: Iterable[Iterable[str]]) -> bool:
    """Whether a path of one group is one of another group, or a folder with one below it, on any file system."""
    files: set[str] = set()
    for group in groups:
        paths = {path.casefold() for path in group}
        if not files.isdisjoint(paths):
            return True
        files |= paths
    folders: set[str] = set()
    for path in files:
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return not files.isdisjoint(folders)
