"""The files of an entry: a plain folder that becomes the root of a function."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lambda_backend.bundle.model import Member
from lambda_backend.bundle.walk import refuse, walk
from lambda_backend.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lambda_backend.bundle.excludes import Excludes

__all__ = ["entry_members"]


def entry_members(folder: Path, excludes: Excludes, *, root: Path, outputs: Sequence[Path] = ()) -> tuple[Member, ...]:
    """An entry's files, sorted by path.

    Links inside the project are followed and ship as what they lead to.

    Args:
        folder: the entry.
        excludes: the artefact's; its defaults for entries apply, see there.
        root: the project's folder, which nothing may leave.
        outputs: folders that builds write to; left out where they lie in the entry.

    Raises:
        BundleError: the entry is no folder or lies outside the project; links that leave the project, lead nowhere or
            go in circles, devices, impossible names: all of them at once.
    """
    name = os.path.relpath(folder, root)
    real = os.path.realpath(folder)
    real_root = os.path.realpath(root)
    if not os.path.isdir(real):  # noqa: PTH112 - a str already
        raise BundleError(f"The entry {name!r} is no folder", hint="write a folder's path, relative to pyproject.toml")
    if os.path.commonpath([real, real_root]) != real_root:
        raise BundleError(f"The entry {name!r} lies outside the project", hint="move it below pyproject.toml's folder")
    written = {os.path.realpath(output) for output in outputs} - {real}

    def skip(path: str, source: Path, *, is_dir: bool) -> bool:
        if is_dir and os.path.realpath(source) in written:
            return True
        return excludes.excluded_entry(path, source, is_dir=is_dir, is_project=real == real_root)

    files, problems = walk(folder, boundary=root, skip=skip)
    refuse(f"The entry {name!r}", problems)
    return tuple(
        Member(path=found.path, source=found.source, executable=found.executable, owner="entry") for found in files
    )
