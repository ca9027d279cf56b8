"""The files of an installed tree, what ``uv pip install --target`` leaves, without what differs between hosts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from lambda_backend.bundle.model import Collision, Member
from lambda_backend.bundle.record import dist_info, owner_of, read_record, shebang, with_true_records
from lambda_backend.bundle.sources import content
from lambda_backend.bundle.walk import refuse, walk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from lambda_backend.bundle.excludes import Excludes

__all__ = ["collisions", "tree_members"]

# Written by installers: when and from where, not what.
_DROPPED = {"REQUESTED", "uv_build.json", "uv_cache.json"}
_LOCK = ".lock"


def tree_members(
    folder: Path, prefix: str, excludes: Excludes, *, target_python: str, bytecode: bool = False
) -> tuple[Member, ...]:
    """An installed tree's files, sorted by path, each owned by the distribution whose RECORD lists it first.

    Left out or made anew, for they differ between hosts: compiled bytecode, installers' notes, passwords in
    ``direct_url.json`` (all of it for a local path), the host's Python in scripts. RECORD is true of what ships.

    Args:
        folder: the tree.
        prefix: its folder in the artefact; empty for its root.
        excludes: the artefact's; its defaults for installed distributions apply, see there.
        target_python: the interpreter's path at the target, for scripts.
        bytecode: compiled bytecode ships too.

    Raises:
        BundleError: links that leave the tree, impossible names.
    """
    excluded = excludes.excluded if bytecode else excludes.excluded_installed
    start = f"{prefix}/" if prefix else ""

    def skip(path: str, source: Path, *, is_dir: bool) -> bool:
        del source  # of no account here: a package may hold what looks like an environment
        return not is_dir and (path == _LOCK or _is_note(path) or excluded(start + path))

    files, problems = walk(folder, boundary=folder, skip=skip)
    refuse("The installed tree", problems)
    owners = _owners(folder)
    members = []
    for found in files:
        source = _portable(found.path, found.source, target_python)
        if source is not None:
            owner = owners.get(found.path) or owner_of(dist_info(found.path) or "")
            members.append(Member(path=start + found.path, source=source, executable=found.executable, owner=owner))
    return with_true_records(members, prefix)


def collisions(folder: Path, prefix: str, shipped: Collection[str]) -> tuple[Collision, ...]:
    """Paths that two distributions of a tree record with different hashes, sorted; equal files are none.

    Whichever was installed last is what lies there.

    Args:
        folder: the tree.
        prefix: its folder in the artefact; empty for its root.
        shipped: paths in the artefact; what is left out collides with nothing.
    """
    start = f"{prefix}/" if prefix else ""
    seen: dict[str, tuple[str, str]] = {}
    found = []
    for owner, place, hash_ in _records(folder):
        first_owner, first_hash = seen.setdefault(place, (owner, hash_))
        if first_owner != owner and first_hash != hash_:
            found.append(Collision(path=start + place, owners=(first_owner, owner)))
    lost = (collision for collision in found if collision.path in shipped)
    return tuple(sorted(lost, key=lambda collision: (collision.path, collision.owners)))


def _is_note(path: str) -> bool:
    folder = dist_info(path)
    return folder is not None and path[len(folder) + 1 :] in _DROPPED


def _records(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Owner, path and hash of every row of every RECORD at the top of a tree."""
    for record in sorted(folder.glob("*.dist-info/RECORD")):
        owner = owner_of(record.parent.name)
        for row in read_record(content(record).decode("utf-8", "replace"), f"{record.parent.name}/RECORD"):
            yield owner, row.place, row.hash


def _owners(folder: Path) -> dict[str, str]:
    owners: dict[str, str] = {}
    for owner, place, _ in _records(folder):
        owners.setdefault(place, owner)
    return owners


def _portable(path: str, source: Path, python: str) -> Path | bytes | None:
    """A file's bytes as they are on every host; None for none."""
    if path.endswith("/direct_url.json") and dist_info(path) and path.count("/") == 1:
        return _direct_url(content(source))
    if path.startswith("bin/") and path.count("/") == 1:
        script = content(source)
        portable = shebang(script, python)
        return source if portable == script else portable
    return source


def _direct_url(text: bytes) -> bytes | None:
    """PEP 610's note of where a distribution came from, without secrets; None for a place on this host."""
    try:
        note = json.loads(text)
        parts = urlsplit(note["url"])
    except (ValueError, KeyError, TypeError):
        return None
    if parts.scheme in {"", "file"}:
        return None
    # A query may be the signature of a URL.
    note["url"] = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))
    return json.dumps(note, sort_keys=True, separators=(",", ":")).encode()
