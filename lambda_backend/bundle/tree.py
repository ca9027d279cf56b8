"""The files of an installed tree, what ``uv pip install --target`` leaves, without what differs between hosts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from lambda_backend.bundle.model import Bundle, Collision, Member, Record
from lambda_backend.bundle.record import dist_info, encoded_hash, owner_of, read_record, shebang, with_true_records
from lambda_backend.bundle.sources import content, sha256
from lambda_backend.bundle.walk import refuse, walk
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from lambda_backend.bundle.excludes import Excludes
    from lambda_backend.bundle.record import Row

__all__ = ["altered", "digests", "installed_bundle", "tree_members"]

# Written by installers: when and from where, not what.
_DROPPED = {"REQUESTED", "uv_build.json", "uv_cache.json"}
_NOTES = tuple(f"/{name}" for name in _DROPPED)
_LOCK = ".lock"


def installed_bundle(folder: Path, prefix: str, excludes: Excludes, *, target_python: str) -> Bundle:
    """What ships of an installed tree; its RECORDs are made when its files are read to be written.

    See ``tree_members`` for what is left out, the arguments and the errors.
    """
    start = f"{prefix}/" if prefix else ""
    records = _read_records(folder)
    files = _files(folder, prefix, excludes, target_python, _owners(records), bytecode=False)
    shipped = {member.path: member for member in files}
    made = [record for record in records if start + record.path in shipped]
    for record in made:
        del shipped[start + record.path]
    return Bundle(
        members=tuple(shipped.values()),
        records=tuple(
            Record(
                path=start + record.path,
                owner=record.owner,
                root=start,
                listed=tuple(sorted({start + row.place for row in record.rows} & shipped.keys())),
            )
            for record in made
        ),
        collisions=_collisions(records, start, shipped),
        entangled=_entangled(records),
        published=_published(records, start, shipped),
    )


def altered(bundle: Bundle, digests: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Distributions with a file that is not what their RECORD says; sorted.

    Installers do not look: what another tool wrote into a file that it shares with an installer's cache would ship.

    Args:
        bundle: what was installed.
        digests: path and SHA-256, in hex, of files that ship as they were installed.
    """
    found: set[str] = set()
    for path, digest in digests:
        owners = bundle.published.get(path)
        if owners is not None and encoded_hash(bytes.fromhex(digest)) not in owners:
            found.update(owners.values())
    return tuple(sorted(found))


def digests(members: Iterable[Member]) -> Iterator[tuple[str, str]]:
    """Path and SHA-256, in hex, of each."""
    from concurrent.futures import ThreadPoolExecutor

    files = list(members)
    with ThreadPoolExecutor() as threads:
        yield from threads.map(lambda member: (member.path, sha256(member.source).hexdigest()), files, chunksize=64)


def _published(records: Iterable[_Recorded], start: str, shipped: Collection[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for record in records:
        for row in record.rows:
            # The metadata folder and scripts are the installer's own.
            if not row.hash.startswith("sha256=") or row.place.startswith("bin/") or dist_info(row.place) is not None:
                continue
            path = start + row.place
            if path in shipped:
                # Where two bring a file, it is that of one of them.
                found.setdefault(path, {})[row.hash] = record.owner
    return found


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
    owners = _owners(_read_records(folder))
    return with_true_records(_files(folder, prefix, excludes, target_python, owners, bytecode=bytecode), prefix)


def _files(
    folder: Path, prefix: str, excludes: Excludes, target_python: str, owners: Mapping[str, str], *, bytecode: bool
) -> list[Member]:
    excluded = excludes.excluded if bytecode else excludes.excluded_installed
    start = f"{prefix}/" if prefix else ""

    def skip(path: str, source: Path, *, is_dir: bool) -> bool:
        del source  # of no account here: a package may hold what looks like an environment
        return not is_dir and (path == _LOCK or _is_note(path) or excluded(start + path))

    files, problems = walk(folder, boundary=folder, skip=skip)
    refuse("The installed tree", problems)
    members = []
    for found in files:
        source = _portable(found.path, found.source, target_python)
        if source is not None:
            owner = owners.get(found.path) or owner_of(dist_info(found.path) or "")
            # All of its fields: what has to be looked up for those left out takes as long again.
            members.append(
                Member(
                    path=start + found.path,
                    source=source,
                    executable=found.executable,
                    owner=owner,
                    stripped=0,
                    size=found.size,
                )
            )
    return members


class _Recorded(Value):
    """The RECORD of an installed distribution."""

    path: str
    """From the tree's root."""
    owner: str
    rows: tuple[Row, ...]


def _read_records(folder: Path) -> tuple[_Recorded, ...]:
    found = []
    for record in sorted(folder.glob("*.dist-info/RECORD")):
        path = f"{record.parent.name}/RECORD"
        rows = read_record(content(record).decode("utf-8", "replace"), path)
        found.append(_Recorded(path=path, owner=owner_of(record.parent.name), rows=rows))
    return tuple(found)


def _owners(records: Iterable[_Recorded]) -> dict[str, str]:
    owners: dict[str, str] = {}
    for record in records:
        for row in record.rows:
            owners.setdefault(row.place, record.owner)
    return owners


def _collisions(records: Iterable[_Recorded], start: str, shipped: Collection[str]) -> tuple[Collision, ...]:
    """Paths that two distributions record with different hashes, sorted; equal files are none.

    Whichever was installed last is what lies there. What is left out collides with nothing.
    """
    seen: dict[str, tuple[str, str]] = {}
    found = []
    for record in records:
        for row in record.rows:
            owner, hash_ = seen.setdefault(row.place, (record.owner, row.hash))
            if owner != record.owner and hash_ != row.hash and start + row.place in shipped:
                found.append(Collision(path=start + row.place, owners=(owner, record.owner)))
    return tuple(sorted(found, key=lambda collision: (collision.path, collision.owners)))


def _entangled(records: Iterable[_Recorded]) -> frozenset[str]:
    owners: dict[str, str] = {}
    found: set[str] = set()
    for record in records:
        for row in record.rows:
            # On some file systems names of other case are the same.
            owner = owners.setdefault(row.place.casefold(), record.owner)
            if owner != record.owner:
                found |= {owner, record.owner}
    return frozenset(found)


def _is_note(path: str) -> bool:
    if not path.endswith(_NOTES):
        return False
    folder = dist_info(path)
    return folder is not None and path[len(folder) + 1 :] in _DROPPED


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
