"""Keeps a plain project's wheel with all that it was made from.

While that is as it was, the kept wheel is the wheel. Where only modules have changed that setuptools copies as they
are, they take their place in it. For all else setuptools runs.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
from typing import TYPE_CHECKING, Any

from lambda_backend import metadata
from lambda_backend.cache import key as cache_key
from lambda_backend.inputs.installed import folders
from lambda_backend.inputs.observation import Observation, observing
from lambda_backend.inputs.seen import changed, seen
from lambda_backend.metadata import ProjectMetadata
from lambda_backend.values import Value
from lambda_backend.wheels.plain import environment, is_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.cache import Cache
    from lambda_backend.wheel_backend import WheelBackend

__all__ = ["KeptWheels", "Made"]

_FORMAT = 2
_KIND = "own-wheels"
_RECORD = "record.json"
_WHEEL = "wheel.whl"


class Made(Value):
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
        told: the backend is told more than where to write, or is to be heard: it runs.
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
            # Of its text: TOML has dates, which a key has not.
            pyproject = hashlib.sha256((root / "pyproject.toml").read_bytes()).hexdigest()
            self._key = cache_key(_FORMAT, pyproject, backend.ways, met)

    @property
    def may_keep(self) -> bool:
        """All that the wheel depends on can be seen."""
        return self._key is not None

    def found(self, folder: Path) -> Made | None:
        """The wheel of the build before, brought up to date in a folder; None where it has to be made."""
        return None if self._key is None else self._found(self._key, folder)

    def make(self, folder: Path, build: Callable[[], str]) -> Made:
        """Make the wheel, and keep it where that may be.

        Args:
            folder: an empty one.
            build: makes it there in this thread, and gives its name.
        """
        if self._key is None:
            return _described(folder / build())
        apart = (folder.parent, *folders(self._root))
        # In other threads a kept archive may be copied meanwhile.
        observation = Observation(self._root, apart=apart, outputs=self._outputs, thread=threading.get_ident())
        with observing(observation):
            made = _described(folder / build())
        if observation.complete and made.path.name.endswith("-none-any.whl"):
            self._keep(self._key, made, observation)
        return made

    def _found(self, key: str, folder: Path) -> Made | None:
        entry = self._cache.get(_KIND, key)
        if entry is None:
            return None
        try:
            record = json.loads((entry / _RECORD).read_text("utf-8"))
            content = (entry / _WHEEL).read_bytes()
            modules = self._changed(record)
            project, name, digest = _project(record["project"]), record["name"], record["sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if modules is None or hashlib.sha256(content).hexdigest() != digest:
            return None
        path = folder / name
        path.write_bytes(content)
        if modules:
            from lambda_backend.wheels.patched import patch

            patch(path, modules, epoch=self._epoch)
        return Made(path=path, project=project)

    def _changed(self, record: Mapping[str, Any]) -> dict[str, Path] | None:
        """Modules of other contents than before, by their names in the wheel; None where more has changed."""
        found = {}
        for name, is_content in changed(record["seen"], self._root, self._outputs):
            if not is_content or name not in record["copied"]:
                return None
            found[record["copied"][name]] = self._root / name
        return found

    def _keep(self, key: str, made: Made, observation: Observation) -> None:
        from lambda_backend.wheels.patched import copied

        record = {
            "name": made.path.name,
            "sha256": hashlib.sha256(made.path.read_bytes()).hexdigest(),
            "project": dataclasses.asdict(made.project),
            "seen": seen(observation, self._root),
            "copied": copied(made.path, observation.files),
        }
        self._cache.discard(_KIND, key)
        with self._cache.make(_KIND, key) as entry:
            (entry / _WHEEL).write_bytes(made.path.read_bytes())
            (entry / _RECORD).write_text(json.dumps(record), "utf-8")


def _project(row: Mapping[str, Any]) -> ProjectMetadata:
    lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    return ProjectMetadata(**{**row, **lists})


def _described(wheel: Path) -> Made:
    return Made(path=wheel, project=metadata.read(wheel))
