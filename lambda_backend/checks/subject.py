"""Makes subjects of zips: of our own, whose files are known, and of any other tool's."""

from __future__ import annotations

import contextlib
import functools
import zipfile
from typing import TYPE_CHECKING, Literal

from lambda_backend.bundle.record import dist_info, owner_of, read_record
from lambda_backend.checks.model import File, Subject, search_roots
from lambda_backend.errors import BundleError
from lambda_backend.facts.collect import facts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.archive.model import Archive
    from lambda_backend.facts.model import Facts
    from lambda_backend.targets import Target

__all__ = ["kind_of", "of_archive", "of_zip"]


def of_archive(
    archive: Archive,
    facts: Mapping[str, Facts],
    *,
    name: str,
    kind: Literal["function", "layer"],
    target: Target,
    handler: str | None,
    layers: Sequence[Subject] = (),
    max_size: int | None = None,
) -> Subject:
    """The subject of an archive that was written just now."""
    return Subject(
        name=name,
        kind=kind,
        target=target,
        handler=handler,
        files={
            member.path: File(
                path=member.path, size=member.size, compressed_size=member.compressed_size, owner=member.owner
            )
            for member in archive.members
        },
        facts=facts,
        read=_reader(archive.path),
        zip_size=archive.size,
        unzipped_size=archive.unzipped_size,
        layers=layers,
        max_size=max_size,
    )


def of_zip(
    path: Path,
    *,
    target: Target,
    handler: str | None = None,
    kind: Literal["function", "layer"] | None = None,
    layers: Sequence[Subject] = (),
    max_size: int | None = None,
) -> Subject:
    """The subject of any zip.

    Args:
        path: the zip.
        target: what it is for.
        handler: what Lambda is told to call.
        kind: by default what its folders look like.
        layers: of a function.
        max_size: the user's own limit, bytes.

    Raises:
        BundleError: it cannot be read as a zip.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            contents = ((entry, archive.read(entry)) for entry in entries)
            found = {entry.filename: facts_of(entry.filename, data) for entry, data in contents}
            size = path.stat().st_size
            kind = kind or kind_of(list(found))
            owners = _owners(archive, list(found), search_roots(kind, target))
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise BundleError(f"{path} cannot be read as a zip: {error}", hint="name one that Lambda would take") from error
    return Subject(
        name=path.name,
        kind=kind,
        target=target,
        handler=handler,
        files={
            entry.filename: File(
                path=entry.filename,
                size=entry.file_size,
                compressed_size=entry.compress_size,
                owner=owners.get(entry.filename, ""),
            )
            for entry in entries
        },
        facts={name: facts for name, facts in found.items() if facts is not None},
        read=_reader(path),
        zip_size=size,
        unzipped_size=sum(entry.file_size for entry in entries),
        layers=layers,
        max_size=max_size,
    )


def kind_of(paths: Sequence[str]) -> Literal["function", "layer"]:
    """A layer has nothing at its root but the folders that Lambda knows.

    Source: AWS documentation, "Packaging your layer content".
    """
    tops = {path.partition("/")[0] for path in paths if "/" in path}
    is_layer = "python" in tops and tops <= {"python", "bin", "lib"} and all("/" in path for path in paths)
    return "layer" if is_layer else "function"


def _reader(path: Path) -> Callable[[str], bytes]:
    @functools.lru_cache(maxsize=1)
    def opened() -> zipfile.ZipFile:
        return zipfile.ZipFile(path)

    def read(name: str) -> bytes:
        return opened().read(name)

    return read


def _owners(archive: zipfile.ZipFile, names: Sequence[str], roots: Sequence[str]) -> dict[str, str]:
    """Who brought each file, by the distributions that are where Python looks for them."""
    owners: dict[str, str] = {}
    for root in roots:
        for name in names:
            folder = dist_info(name.removeprefix(root)) if name.startswith(root) else None
            if folder is None:
                continue
            owners[name] = owner_of(folder)
            if name == f"{root}{folder}/RECORD":
                with contextlib.suppress(BundleError):  # another tool's, which need not be whole
                    rows = read_record(archive.read(name).decode("utf-8", "replace"), name)
                    owners |= {root + row.place: owner_of(folder) for row in rows}
    return owners
