"""The index beside a kept archive: what its zip holds, without reading the zip."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lambda_backend.archive.model import Archive, ArchivedMember, Part
from lambda_backend.errors import OutputError
from lambda_backend.facts.collect import VERSION
from lambda_backend.facts.model import from_document, to_document
from lambda_backend.values import fields

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load_index", "save_index"]

_SCHEMA = [5, VERSION]
_ARCHIVE_FIELDS = tuple(
    name for name in fields(Archive) if name not in {"path", "members", "facts", "parts", "entries"}
)


def save_index(archive: Archive, path: Path) -> None:
    """Write an archive's index.

    Raises:
        OutputError: the file cannot be written.
    """
    index: dict[str, Any] = {"schema": _SCHEMA} | {name: getattr(archive, name) for name in _ARCHIVE_FIELDS}
    index["parts"] = archive.parts
    index["facts"] = to_document(archive.facts)
    # By columns, which are read in half the time that rows take.
    columns = zip(*archive.members, strict=True) if archive.members else [()] * len(ArchivedMember._fields)
    index["members"] = dict(zip(ArchivedMember._fields, columns, strict=True))
    try:
        path.write_text(json.dumps(index, separators=(",", ":")), "utf-8")
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error


def load_index(path: Path, archive_path: Path) -> Archive | None:
    """Read the index of a kept zip; None when it is not there, not whole, or the zip has another size."""
    try:
        index = json.loads(path.read_text("utf-8"))
        if index["schema"] != _SCHEMA or archive_path.stat().st_size != index["size"]:
            return None
        columns = [index["members"][name] for name in ArchivedMember._fields]
        return Archive(
            path=archive_path,
            members=tuple(map(ArchivedMember._make, zip(*columns, strict=True))),
            facts=from_document(index["facts"]),
            parts=tuple(map(Part._make, index["parts"])),
            **{name: index[name] for name in _ARCHIVE_FIELDS},
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
