"""Makes subjects of zips, whichever tool made them."""

from __future__ import annotations

import calendar
import functools
import zipfile
from typing import TYPE_CHECKING, Literal

from lambda_backend.checks.model import ForeignFile, Subject
from lambda_backend.errors import BundleError
from lambda_backend.facts.collect import facts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lambda_backend.targets import Target

__all__ = ["kind_of", "of_zip"]


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
    from lambda_backend.archive.contents import contents
    from lambda_backend.archive.unreadable import UNREADABLE

    found = contents(path)
    try:
        with zipfile.ZipFile(path) as archive:
            facts = {file.path: facts_of(file.path, archive.read(file.path)) for file in found.files}
            times = {entry.filename: _modified(entry) for entry in archive.infolist()}
    except UNREADABLE as error:
        raise BundleError(f"{path} cannot be read as a zip: {error}") from error
    return Subject(
        name=path.name,
        kind=kind or kind_of([file.path for file in found.files]),
        target=target,
        handler=handler,
        files={
            file.path: ForeignFile(
                path=file.path,
                size=file.size,
                compressed_size=file.compressed_size,
                owner=file.owner,
                modified=times[file.path],
            )
            for file in found.files
        },
        facts={name: fact for name, fact in facts.items() if fact is not None},
        read=_reader(path),
        zip_size=path.stat().st_size,
        unzipped_size=sum(file.size for file in found.files),
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


def _modified(entry: zipfile.ZipInfo) -> int:
    # Some tools write no time at all, which reads as month and day 0.
    year, month, day, *clock = entry.date_time
    return calendar.timegm((year, min(max(month, 1), 12), max(day, 1), *clock))


def _reader(path: Path) -> Callable[[str], bytes]:
    @functools.lru_cache(maxsize=1)
    def opened() -> zipfile.ZipFile:
        return zipfile.ZipFile(path)

    def read(name: str) -> bytes:
        return opened().read(name)

    return read
