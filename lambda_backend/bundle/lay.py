"""Lays an artefact's files into a folder, and reads back what became of them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from lambda_backend.bundle.model import Member
from lambda_backend.bundle.tree import tree_members
from lambda_backend.bundle.walk import refuse, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from lambda_backend.bundle.excludes import Excludes

__all__ = ["laid_members", "lay"]


def lay(members: Iterable[Member], folder: Path, *, keep: bool = False) -> None:
    """Write members to a folder, with the modes that they ship with.

    Args:
        members: of an artefact.
        folder: becomes its root.
        keep: what lies at a path already stays.
    """
    for member in members:
        path = folder / member.path
        if keep and path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(member.source, bytes):
            path.write_bytes(member.source)
        else:
            shutil.copyfile(member.source, path)
        path.chmod(0o755 if member.executable else 0o644)


def laid_members(
    folder: Path, prefix: str, excludes: Excludes, *, target_python: str, owners: Mapping[str, str]
) -> tuple[Member, ...]:
    """The files of a folder that commands of the user's have had their hands on; bytecode too, for they made it.

    Args:
        folder: the artefact's root.
        prefix: the folder in it that distributions are installed to.
        excludes: the artefact's.
        target_python: the interpreter's path at the target, for scripts.
        owners: who brought a path, as far as that is known.

    Raises:
        BundleError: links that leave the folder, impossible names.
    """
    installed = folder / prefix if prefix else folder
    found: list[Member] = []
    if installed.is_dir():
        found += tree_members(installed, prefix, excludes, target_python=target_python, bytecode=True)
    if prefix:
        start = f"{prefix}/"

        def skip(path: str, source: Path, *, is_dir: bool) -> bool:
            del source
            return path.startswith(start) or (not is_dir and excludes.excluded(path))

        files, problems = walk(folder, boundary=folder, skip=skip)
        refuse("What the commands left", problems)
        found += (Member(path=file.path, source=file.source, executable=file.executable) for file in files)
    return tuple(
        Member(
            path=member.path,
            source=member.source,
            executable=member.executable,
            owner=owners.get(member.path) or member.owner or "commands",
        )
        for member in sorted(found, key=lambda member: member.path)
    )
