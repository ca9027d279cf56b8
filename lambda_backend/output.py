"""Wheel and artefacts are made aside and moved into place together."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from typing import TYPE_CHECKING

from lambda_backend.errors import OutputError
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = ["Delivery", "deliver", "delivered"]


class Delivery(Value):
    """One finished file and the place it goes to."""

    source: Path
    target: Path


def deliver(deliveries: Sequence[Delivery]) -> None:
    """Move all files to their places, or none; see ``delivered``."""
    with delivered(deliveries):
        pass


@contextlib.contextmanager
def delivered(deliveries: Sequence[Delivery]) -> Iterator[None]:
    """Move all files to their places, or none; what was there before is removed while a ``with`` block is at work.

    What can fail (making folders, copying over a file system's border, a full disk) happens to a hidden neighbour of
    each target first; then each neighbour is renamed over its target. A target that was there is kept aside until all
    renames are done, and put back when one of them fails.

    Raises:
        OutputError: naming the folder and the cause; every target is as it was.
    """
    asides = _moved(deliveries)
    # The system takes 20 ms to forget a zip of 60 MB.
    removal = threading.Thread(target=_remove, args=(asides,), name="remove")
    try:
        removal.start()
        yield
    finally:
        if removal.ident is not None:
            removal.join()
        _remove(asides)


def _moved(deliveries: Sequence[Delivery]) -> list[Path]:
    """Move all files to their places, or none; gives where what was there before is kept aside."""
    parts: list[tuple[Path, Path]] = []
    made: list[Path] = []
    try:
        for delivery in deliveries:
            made.extend(_make_folder(delivery.target.parent))
            part = delivery.target.with_name(f".{delivery.target.name}.{os.getpid()}.part")
            parts.append((part, delivery.target))
            try:
                os.link(delivery.source, part)
            except OSError:
                shutil.copyfile(delivery.source, part)
        return _rename_all(parts)
    except BaseException as error:
        _remove_parts(parts)
        if not isinstance(error, OSError):
            raise
        for folder in reversed(made):
            with contextlib.suppress(OSError):
                folder.rmdir()
        place = deliveries[0].target.parent if error.filename is None else error.filename
        raise OutputError(
            f"cannot write to the output folder: {place}: {error.strerror or error}",
            hint="make room there or allow writing, or name another folder (-C lambda.output-dir=…)",
        ) from error


def _remove_parts(parts: Sequence[tuple[Path, Path]]) -> None:
    # It is not there, its folder is a file, or it lies where nothing may be removed: all reported already.
    _remove([part for part, _ in parts])


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder with its parents; the ones that were not there, the outermost first."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
    return missing[::-1]


def _rename_all(parts: Sequence[tuple[Path, Path]]) -> list[Path]:
    """Rename each part over its target; gives where the targets that were there are kept aside."""
    kept: list[tuple[Path, Path]] = []
    new: list[Path] = []
    try:
        for part, target in parts:
            if target.exists():
                aside = part.with_suffix(".old")
                os.link(target, aside) if hasattr(os, "link") else shutil.copyfile(target, aside)
                kept.append((aside, target))
            else:
                new.append(target)
            part.replace(target)
    except BaseException:
        for aside, target in kept:
            aside.replace(target)
        for target in new:
            target.unlink(missing_ok=True)
        _remove(aside for aside, _ in kept)
        raise
    return [aside for aside, _ in kept]
