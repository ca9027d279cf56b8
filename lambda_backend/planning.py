"""What each artefact asks for, read from the project and its wheel's metadata."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lambda_backend.documents import read_toml
from lambda_backend.errors import LockError
from lambda_backend.install.wanted import Wanted
from lambda_backend.metadata import ProjectMetadata, declared_by
from lambda_backend.requirements.exporters import Export, Exporter
from lambda_backend.requirements.find import find_lock
from lambda_backend.requirements.project import Offered, declared, poetry_dependencies
from lambda_backend.sources import local_metadata, locked
from lambda_backend.wheel_backend import SETUPTOOLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.requirements.model import Pin
    from lambda_backend.settings.resolve import ArtifactSettings
    from lambda_backend.sources import Locked
    from lambda_backend.targets import Target

__all__ = ["may_compile", "may_install", "wanted"]

_PURE = frozenset({"flit_core", "flit_scm", "hatchling", "pdm", "poetry", "uv_build"})
"""Backends, by their top module, whose wheels are pure Python unless a hook of the project's does something else."""


def may_install(artifact: ArtifactSettings, root: Path) -> bool:
    """Whether an artefact may have dependencies, told without a wheel."""
    folder = root / artifact.entry if artifact.entry else root
    if artifact.extras or artifact.groups:
        return True
    if find_lock(folder, artifact.lock, key=f"{artifact.key}.lock", root=root):
        return True
    document = read_toml(folder / "pyproject.toml")
    project = document.get("project", {})
    dynamic = "dependencies" in project.get("dynamic", ())
    return dynamic or bool(project.get("dependencies")) or bool(poetry_dependencies(document))


def may_compile(root: Path, wheel_backend: str) -> bool:
    """Whether the project's own wheel may hold compiled code, told without a wheel."""
    if wheel_backend.startswith(SETUPTOOLS):
        table = read_toml(root / "pyproject.toml").get("tool", {}).get("setuptools", {})
        return (root / "setup.py").is_file() or "ext-modules" in table
    return wheel_backend.partition(".")[0] not in _PURE


def wanted(
    artifact: ArtifactSettings,
    target: Target,
    project: ProjectMetadata,
    root: Path,
    *,
    base: Path,
    layer_pins: Iterable[Pin] = (),
    found: Locked | None = None,
) -> Wanted:
    """What an artefact asks for.

    Args:
        artifact: a function or layer.
        target: its markers decide which dependencies count.
        project: the wheel's metadata.
        root: the project's folder.
        base: see ``Wanted.base``.
        layer_pins: what the function's layers have.
        found: the artefact's lock, where it is known already.

    Raises:
        LockError: an unknown extra or group, a lock that is missing or unreadable.
    """
    found = found or locked(artifact, root)
    document = read_toml(found.folder / "pyproject.toml")
    if artifact.entry:
        poetry = document.get("tool", {}).get("poetry", {}).get("name", "")
        project = declared_by(document) or ProjectMetadata(name=poetry)
    requires = project.requires_dist
    if found.lock is None:
        _refuse_unlocked_poetry(artifact, document, requires)
    asked = declared(
        requires,
        project.provides_extra,
        project=project.name,
        extras=artifact.extras,
        groups=artifact.groups,
        dependency_groups=document.get("dependency-groups", {}),
        target=target,
        key=artifact.key,
        of_lock=_offered(found),
    )
    if found.lock is None:
        _refuse_sources(asked, document)
    return Wanted(
        key=artifact.key,
        project=project.name,
        base=base,
        root=root,
        folder=found.folder,
        lock=found.lock,
        requirements=found.requirements,
        export=_export(artifact, found),
        declared=asked,
        extras=artifact.extras,
        groups=artifact.groups,
        constraints=tuple(sorted(f"{pin.name}=={pin.version}" for pin in layer_pins if pin.version)),
        metadata=tuple(
            (path.relative_to(root).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
            for path in local_metadata(found)
        ),
    )


def _export(artifact: ArtifactSettings, found: Locked) -> Export | None:
    """How the lock is exported by its own tool; None for a lock that is read as it is."""
    if found.lock is None or found.tool_lock is None:
        return None
    bundling, lock = artifact.bundling, found.tool_lock
    is_poetry = lock.tool == "poetry"
    exporter = Exporter(
        tool=lock.tool,
        version=(bundling.tools.poetry if is_poetry else bundling.tools.pipenv) or lock.version,
        hashes=bundling.poetry.hashes if is_poetry else True,
        urls=bundling.poetry.urls if is_poetry else True,
    )
    return Export(
        lock=lock,
        path=found.lock.path,
        exporter=exporter,
        extras=artifact.extras if is_poetry else (),
        groups=found.groups,
    )


def _offered(found: Locked) -> Offered:
    """Extras and groups that are the lock's own."""
    if found.tool_lock is not None:
        return Offered(extras=found.tool_lock.extras, groups=found.tool_lock.group_names)
    if found.lock is None or found.lock.kind != "pylock":
        return Offered()
    document = read_toml(found.lock.path)
    # What is of another type there is told by whoever reads the lock.
    extras, groups, default = (document.get(key) for key in ("extras", "dependency-groups", "default-groups"))
    return Offered(extras=_names(extras), groups=(*_names(groups), *_names(default)))


def _names(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _refuse_unlocked_poetry(artifact: ArtifactSettings, document: Mapping[str, Any], requires: Sequence[str]) -> None:
    """Refuse to go on without what only a poetry.lock says.

    Raises:
        LockError: dependencies or groups in Poetry's own tables would be left out, or be taken from other places.
    """
    poetry = document.get("tool", {}).get("poetry", {})
    dependencies = poetry_dependencies(document)
    missing = []
    if dependencies and not requires:
        missing.append(f"that it depends on {', '.join(dependencies)}")
    elif dependencies and poetry.get("source"):
        missing.append("that dependencies come from [[tool.poetry.source]]")
    elif placed := [name for name, asked in dependencies.items() if _is_placed(asked)]:
        missing.append(f"where {', '.join(placed)} comes from")
    named = set(map(canonicalize_name, poetry.get("group", ())))
    missing += [f"the group {group!r}" for group in artifact.groups if canonicalize_name(group) in named]
    if missing:
        raise LockError(
            f"{artifact.key}: there is no poetry.lock, and only Poetry knows {', and '.join(missing)}",
            hint="write one with `poetry lock`",
        )


def _is_placed(asked: object) -> bool:
    """Whether a dependency in Poetry's words comes from a folder or a certain index."""
    tables = asked if isinstance(asked, list) else [asked]
    return any(isinstance(table, dict) and not {"path", "source"}.isdisjoint(table) for table in tables)


def _refuse_sources(asked: Iterable[str], document: Mapping[str, Any]) -> None:
    """Refuse to resolve what ``[tool.uv.sources]`` places elsewhere.

    uv takes such a dependency from a folder, a repository or another index. Resolving without a lock would take the one
    of that name from the index, which may be somebody else's.

    Raises:
        LockError: naming them.
    """
    table = document.get("tool", {}).get("uv", {}).get("sources", {})
    sourced = {canonicalize_name(name) for name in table}
    names = [Requirement(line).name for line in asked]
    if hit := [name for name in names if canonicalize_name(name) in sourced]:
        raise LockError(
            f"tool.uv.sources says where {', '.join(hit)} comes from, and uv heeds it only when it locks",
            hint='write a uv.lock with `uv lock`; an entry in a workspace also needs lock = "uv.lock"',
        )
