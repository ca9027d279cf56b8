"""What the Lambda step reads of a project: the sdist has to hold it, and a workbench has to see it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_backend.bundle.entry import entry_members
from lambda_backend.bundle.excludes import Excludes
from lambda_backend.bundle.folder import folder_files
from lambda_backend.bundle.include import include_members
from lambda_backend.bundle.sources import NO_CODE, start
from lambda_backend.documents import read_toml
from lambda_backend.errors import LockError
from lambda_backend.requirements.find import find_lock
from lambda_backend.settings.model import ImageSettings
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lambda_backend.requirements.model import LockFile
    from lambda_backend.requirements.requirements_txt import RequirementsFile
    from lambda_backend.requirements.tool_lock import ToolLock
    from lambda_backend.settings.resolve import ArtifactSettings

__all__ = [
    "Locked",
    "common_base",
    "has_compiled_code",
    "local_metadata",
    "local_sources",
    "lock_sources",
    "locked",
    "project_sources",
    "refuse_outside",
]

_CONFIGURATION = ("pyproject.toml", "uv.toml", ".python-version")
_LOCKED_FROM = {"poetry": "pyproject.toml", "pipenv": "Pipfile"}
"""What a lock is of: its tool wants the file beside it."""
_METADATA = ("pyproject.toml", "setup.py", "setup.cfg")


class Locked(Value):
    """Where an artefact's dependencies are written down."""

    folder: Path
    """The project's root or the entry."""
    lock: LockFile | None
    requirements: RequirementsFile | None
    """The lock, parsed, where it is a requirements file."""
    tool_lock: ToolLock | None = None
    """What the lock says, where it is of Poetry or Pipenv."""
    groups: tuple[str, ...] = ()
    """The chosen ones, as that tool calls them."""


def locked(artifact: ArtifactSettings, root: Path, *, passed_over: str | None = None) -> Locked:
    """Find an artefact's lock.

    Args:
        artifact: a function or layer.
        root: the project's folder.
        passed_over: see ``find_lock``.

    Raises:
        LockError: the named one is missing, or one cannot be read.
    """
    folder = root / artifact.entry if artifact.entry else root
    lock = find_lock(folder, artifact.lock, key=f"{artifact.key}.lock", root=root, passed_over=passed_over)
    if lock is not None and lock.kind == "requirements":
        from lambda_backend.requirements.requirements_txt import parse

        return Locked(folder=folder, lock=lock, requirements=parse(lock.path, root))
    if lock is None or lock.kind not in _LOCKED_FROM:
        return Locked(folder=folder, lock=lock, requirements=None)
    tool_lock = _tool_lock(lock, f"{artifact.key}.lock")
    groups = tool_lock.chosen_groups(artifact.groups)
    return Locked(folder=folder, lock=lock, requirements=None, tool_lock=tool_lock, groups=groups)


def _tool_lock(lock: LockFile, key: str) -> ToolLock:
    from lambda_backend.requirements.tool_lock import pipenv_lock, poetry_lock

    beside = lock.path.parent / _LOCKED_FROM[lock.kind]
    if not beside.is_file():
        raise LockError(
            f"{key}: {lock.path.name} has no {beside.name} beside it, which it was made of",
            hint=f"copy it there, or run `{lock.kind} lock` where it is",
        )
    locked_from = read_toml(beside)
    try:
        if lock.kind == "poetry":
            return poetry_lock(read_toml(lock.path), locked_from)
        return pipenv_lock(_read_json(lock.path), locked_from, _text(beside))
    except LockError as error:
        raise LockError(f"{key}: {error.message}", hint=f"write it anew with `{lock.kind} lock`") from None


def has_compiled_code(folder: Path) -> bool:
    """Whether a file of a folder of sources, not counting environments and what builds leave, is an ELF file."""
    from lambda_backend.bundle.strip import is_elf

    files = folder_files(folder, Excludes(), root=folder)
    return any(is_elf(start(file)) for file in files if not file.name.endswith(NO_CODE))


def common_base(artifacts: Iterable[ArtifactSettings], root: Path, *, passed_over: str | None = None) -> Path:
    """The innermost folder that holds the project and every path dependency that its locks name.

    Args:
        artifacts: the functions and layers.
        root: the project's folder.
        passed_over: see ``find_lock``.

    Raises:
        LockError: a path dependency is not there, as one outside the project is not when the wheel is built from the
            sdist.
    """
    base = root.resolve()
    for artifact in artifacts:
        found = locked(artifact, root, passed_over=passed_over)
        lock = found.lock
        for path in _local_paths(found, root):
            real = path.resolve()
            if not real.exists():
                raise LockError(
                    f"{artifact.key}: {lock.path.name if lock else ''} names the path dependency "
                    f"{_relative(path, root)}, which is not there",
                    hint="an sdist cannot hold what lies outside the project: build with `python -m build --wheel`",
                )
            if not real.is_relative_to(base):
                base = Path(os.path.commonpath([base, real]))
    return base


def refuse_outside(artifacts: Iterable[ArtifactSettings], root: Path) -> None:
    """What an sdist has to hold must lie in the project.

    Raises:
        LockError: a path dependency lies outside.
    """
    for artifact in artifacts:
        found = locked(artifact, root)
        lock = found.lock
        for path in _local_paths(found, root):
            if not path.resolve().is_relative_to(root.resolve()):
                raise LockError(
                    f"{artifact.key}: {lock.path.name if lock else ''} names the path dependency "
                    f"{_relative(path, root)}, which lies outside the project: the sdist cannot hold it",
                    hint="build the wheel from the source tree with `python -m build --wheel`, or move it in",
                )


def lock_sources(found: Locked, root: Path) -> dict[str, Path]:
    """Files that a resolution or installation reads, by their path relative to the root (or with ``..`` beside it)."""
    files = [found.folder / name for name in _CONFIGURATION] + [root / name for name in _CONFIGURATION]
    local: list[Path] = []
    if found.requirements is not None:
        files += found.requirements.files
        local += found.requirements.local_paths
    elif found.lock is not None:
        files.append(found.lock.path)
        if found.lock.kind in _LOCKED_FROM:
            files.append(found.lock.path.parent / _LOCKED_FROM[found.lock.kind])
        local += _local_paths(found, root)
    sources = {_relative(path, root): path for path in files if path.is_file()}
    for path in local:
        sources |= local_sources(path, root)
    return sources


def local_sources(path: Path, root: Path) -> dict[str, Path]:
    """A local archive, or all files of a local folder that are not left out by default."""
    if path.is_file():
        return {_relative(path, root): path}
    inside = path.resolve().is_relative_to(root.resolve())
    return {_relative(file, root): file for file in folder_files(path, Excludes(), root=root if inside else path)}


def local_metadata(found: Locked) -> Iterable[Path]:
    """Files that decide what local archives and folders bring: the archives, and what says on what folders depend."""
    for path in found.requirements.local_paths if found.requirements is not None else ():
        if path.is_file():
            yield path
        else:
            metadata = [path / name for name in _METADATA if (path / name).is_file()]
            # A folder of --find-links has archives and no metadata.
            yield from metadata or sorted(file for file in path.glob("*") if file.is_file())


def project_sources(
    artifacts: Iterable[ArtifactSettings], root: Path, outputs: Sequence[Path] = ()
) -> Mapping[str, Path]:
    """Everything that the Lambda step will read, by its path relative to the root, sorted.

    Args:
        artifacts: the functions and layers.
        root: the project's folder.
        outputs: folders that builds write to, which are no sources.
    """
    sources: dict[str, Path] = {}
    for artifact in artifacts:
        excludes = Excludes(artifact.exclude)
        found = locked(artifact, root)
        sources |= lock_sources(found, root)
        if artifact.entry:
            for member in entry_members(found.folder, excludes, root=root, outputs=outputs):
                if not isinstance(member.source, bytes):
                    sources[_relative(found.folder / member.path, root)] = member.source
        for index, include in enumerate(artifact.include):
            key = f"{artifact.key}.include[{index}]"
            for member in include_members(
                include.from_, include.to, root=root, key=key, excludes=excludes, outputs=outputs
            ):
                if not isinstance(member.source, bytes):
                    sources[_relative(member.source, root)] = member.source
        if isinstance(image := artifact.bundling.image, ImageSettings):
            key = f"{artifact.key}.bundling.image"
            from lambda_backend.bundle.context import build_context

            context = build_context(root, image.context, image.file, key=key, outputs=outputs)
            sources |= {_relative(path, root): path for path in context.read}
    return dict(sorted(sources.items()))


def _read_json(path: Path) -> Mapping[str, Any]:
    """A JSON object of a lock.

    Raises:
        LockError: it is none.
    """
    try:
        document = json.loads(_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise LockError(f"{path.name} is no valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise LockError(f"{path.name} is no JSON object")
    return document


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise LockError(f"{path.name} is not UTF-8") from None


def _local_paths(found: Locked, root: Path) -> list[Path]:
    """Folders and archives that a lock names by path; those of a requirements file are in what was parsed of it."""
    if found.lock is None or found.requirements is not None:
        return []
    folder = found.lock.path.parent
    own = {root.resolve()}
    if found.tool_lock is not None:
        own.add(folder.resolve())
        named = [one.path for one in found.tool_lock.packages_of(found.groups) if one.path is not None]
    else:
        named = _named_paths(found.lock)
    return [folder / name for name in dict.fromkeys(named) if (folder / name).resolve() not in own]


def _named_paths(lock: LockFile) -> list[str]:
    """Paths in a uv.lock or pylock.toml."""
    named = []
    for package in _tables(read_toml(lock.path).get("packages" if lock.kind == "pylock" else "package")):
        places = [package.get(key) for key in ("source", "directory", "archive", "sdist")]
        for place in _tables([*places, *_tables(package.get("wheels"))]):
            named += [place[key] for key in ("editable", "directory", "virtual", "path") if _is_path(place, key)]
    return named


def _tables(value: object) -> list[Mapping[str, Any]]:
    """The tables of an array; what else a broken lock has there is told by whoever reads it for its packages."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _is_path(place: Mapping[str, Any], key: str) -> bool:
    return isinstance(place.get(key), str)


def _relative(path: Path, root: Path) -> str:
    return os.path.relpath(path, root).replace(os.sep, "/")
