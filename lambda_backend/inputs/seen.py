"""What was seen of files and folders, in words that JSON has, and whether that is as it was."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from lambda_backend.inputs.files import names_in, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.inputs.observation import Observation

__all__ = ["changed", "seen"]

_ROOT = "."


def seen(observation: Observation, root: Path) -> dict[str, Any]:
    """What was read: each file's mode and digest, each folder's names.

    Args:
        observation: a complete one.
        root: the project's folder.
    """
    files: dict[str, list[Any]] = {name: list(state) for name, state in observation.files.items()}
    # setuptools makes its list of sources of the one that it finds, and of its own one the same again.
    for name in (*observation.files, *observation.written):
        if name.endswith(".egg-info/SOURCES.txt") and (found := state_of(root / name)) is not None:
            files.setdefault(name, [found.mode]).append(found.sha256)
    # What lies outside is another thing for a copy of the project in another place.
    is_outside = any(PurePath(name).is_absolute() for name in (*files, *observation.folders))
    return {"files": files, "folders": observation.folders, "root": str(root) if is_outside else None}


def changed(record: Mapping[str, Any], root: Path, outputs: Sequence[Path]) -> Iterator[tuple[str, bool]]:
    """Files and folders that are not as they were seen, by their names, and whether contents are all that differs.

    Args:
        record: what ``seen`` gave.
        root: the project's folder.
        outputs: folders that builds write to.
    """
    if record["root"] not in {None, str(root)}:
        yield _ROOT, False
    for name, names in record["folders"].items():
        if names_in(root / name, root=root, outputs=outputs) != names:
            yield name, False
    for name, (mode, *digests) in record["files"].items():
        found = state_of(root / name)
        if found is None or found.mode != mode:
            yield name, False
        elif found.sha256 not in digests:
            yield name, True
