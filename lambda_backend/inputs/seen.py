"""What was seen of files and folders, in words that JSON has, and whether that is as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambda_backend.inputs.files import names_in, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.inputs.files import Read
    from lambda_backend.inputs.observation import Observation

__all__ = ["changed", "seen"]


def seen(observation: Observation, root: Path) -> dict[str, Any]:
    """What was read: each file's mode and digest, each folder's names.

    Args:
        observation: a complete one.
        root: the project's folder.
    """
    files = {name: [mode, digest] for name, (mode, digest) in observation.files.items()}
    # setuptools makes its list of sources of the one that it finds, and of its own one the same again.
    for name in (*observation.files, *observation.written):
        if name.endswith(".egg-info/SOURCES.txt") and (found := read(root / name)) is not None:
            files.setdefault(name, [found.mode]).append(found.sha256)
    return {"files": files, "folders": observation.folders}


def changed(record: Mapping[str, Any], root: Path, outputs: Sequence[Path]) -> Iterator[tuple[str, Read | None]]:
    """Files and folders that are not as they were seen, by their names; a file's new contents where that is all.

    Args:
        record: what ``seen`` gave.
        root: the project's folder.
        outputs: folders that builds write to.
    """
    for name, names in record["folders"].items():
        if names_in(root / name, outputs) != names:
            yield name, None
    for name, (mode, *digests) in record["files"].items():
        found = read(root / name)
        if found is None or found.mode != mode:
            yield name, None
        elif found.sha256 not in digests:
            yield name, found
