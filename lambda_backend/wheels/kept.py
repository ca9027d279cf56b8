"""Keeps a plain project's wheel with all that it was made from.

While that is as it was, the kept wheel is the wheel. Where only modules have changed that setuptools copies as they
are, they take their place in it. For all else setuptools runs.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_backend import metadata
from lambda_backend.cache import key as cache_key
from lambda_backend.metadata import ProjectMetadata
from lambda_backend.wheels.observed import Observation, names_in, observing, read
from lambda_backend.wheels.plain import environment, is_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lambda_backend.cache import Cache
    from lambda_backend.wheel_backend import WheelBackend
    from lambda_backend.wheels.observed import Read

__all__ = ["KeptWheels", "Made"]

_FORMAT = 1
_KIND = "own-wheels"
_RECORD = "record.json"
_WHEEL = "wheel.whl"
_Files = dict[str, tuple[int, list[str]]]
"""Mode and SHA-256 of files by their paths from the project's root; one or two for what the build itself writes."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """The project's wheel."""

    path: Path
    project: ProjectMetadata


class KeptWheels:
    """The wheel of one project, made or taken from the build before.

    Args:
        cache: where it is kept.
        root: the project's folder.
        document: its pyproject.toml.
        backend: makes the wheel.
        told: the backend is told more than where to write.
        outputs: folders that builds write to.
        environ: of the process.
    """

    def __init__(
        self,
        cache: Cache,
        *,
        root: Path,
        document: Mapping[str, Any],
        backend: WheelBackend,
        told: bool,
        outputs: Sequence[Path],
        environ: Mapping[str, str],
    ) -> None:
        self._cache = cache
        self._root = root
        self._outputs = outputs
        self._epoch = environ.get("SOURCE_DATE_EPOCH")
        self._key: str | None = None
        if not told and is_plain(root, document, backend.name) and (met := environment(root, environ)) is not None:
            self._key = cache_key(_FORMAT, document, backend.ways, met)

    def wheel(self, folder: Path, build: Callable[[], str]) -> Made:
        """The wheel, in a folder.

        Args:
            folder: an empty one.
            build: makes it there, and gives its name.
        """
        if self._key is None:
            return _described(folder / build())
        if (found := self._found(self._key, folder)) is not None:
            return found
        apart = (folder.parent, *self._apart())
        with observing(Observation(self._root, apart=apart, outputs=self._outputs)) as observation:
            made = _described(folder / build())
        if observation.complete and made.path.name.endswith("-none-any.whl"):
            self._keep(self._key, made, observation)
        return made

    def _apart(self) -> list[Path]:
        """What Python itself reads; the project may lie in one of these, and then all of it counts."""
        folders = [Path(entry) for entry in (sys.prefix, sys.base_prefix, *sys.path) if entry]
        return [entry for entry in folders if entry != self._root and entry not in self._root.parents]

    def _found(self, key: str, folder: Path) -> Made | None:
        entry = self._cache.get(_KIND, key)
        if entry is None:
            return None
        try:
            record = json.loads((entry / _RECORD).read_text("utf-8"))
            content = (entry / _WHEEL).read_bytes()
            changed = self._changed(record)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if changed is None or hashlib.sha256(content).hexdigest() != record["sha256"]:
            return None
        path = folder / record["name"]
        path.write_bytes(content)
        if changed:
            from lambda_backend.wheels.patched import patch

            patch(path, changed, epoch=self._epoch)
        return Made(path=path, project=_project(record["project"]))

    def _changed(self, record: Mapping[str, Any]) -> dict[str, Read] | None:
        """Sources of other contents than before, by their names in the wheel; None where more has changed."""
        if any(names_in(self._root / name, self._outputs) != names for name, names in record["folders"].items()):
            return None
        changed = {}
        for name, (mode, digests) in record["files"].items():
            found = read(self._root / name)
            if found is None or found.mode != mode:
                return None
            if found.sha256 not in digests:
                if name not in record["copied"]:
                    return None
                changed[record["copied"][name]] = found
        return changed

    def _keep(self, key: str, made: Made, observation: Observation) -> None:
        from lambda_backend.wheels.patched import copied

        files: _Files = {name: (mode, [digest]) for name, (mode, digest) in observation.files.items()}
        # setuptools makes its list of sources of the one that it finds, and of its own one the same again.
        lists = [name for name in (*files, *observation.written) if name.endswith(".egg-info/SOURCES.txt")]
        for name in lists:
            if (found := read(self._root / name)) is not None:
                files.setdefault(name, (found.mode, []))[1].append(found.sha256)
        record = {
            "name": made.path.name,
            "sha256": hashlib.sha256(made.path.read_bytes()).hexdigest(),
            "project": dataclasses.asdict(made.project),
            "files": files,
            "folders": observation.folders,
            "copied": copied(made.path, observation.files),
        }
        with self._cache.locked(_KIND, key):
            self._cache.discard(_KIND, key)
            with self._cache.make(_KIND, key) as entry:
                (entry / _WHEEL).write_bytes(made.path.read_bytes())
                (entry / _RECORD).write_text(json.dumps(record), "utf-8")


def _project(row: Mapping[str, Any]) -> ProjectMetadata:
    lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    return ProjectMetadata(**{**row, **lists})


def _described(wheel: Path) -> Made:
    return Made(path=wheel, project=metadata.read(wheel))
