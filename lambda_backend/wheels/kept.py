"""Keeps a plain project's wheel with all that it was made from.

While that is as it was, the kept wheel is the wheel. Where only modules have changed that setuptools copies as they
are, they take their place in it. For all else setuptools runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING, Any

from lambda_backend import metadata
from lambda_backend.cache import key as cache_key
from lambda_backend.inputs.seen import changed, seen
from lambda_backend.metadata import ProjectMetadata
from lambda_backend.values import as_dict
from lambda_backend.wheels.own import Made, OwnWheel
from lambda_backend.wheels.plain import environment, is_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.cache import Cache
    from lambda_backend.inputs.observation import Observation
    from lambda_backend.wheel_backend import WheelBackend

__all__ = ["KeptWheels"]

_FORMAT = 2
_KIND = "own-wheels"
_RECORD = "record.json"
_WHEEL = "wheel.whl"


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
        self._backend = backend
        self._outputs = outputs
        self._epoch = environ.get("SOURCE_DATE_EPOCH")
        self._plain: tuple[str, ProjectMetadata] | None = None
        declared = metadata.declared_by(document)
        is_seen = declared is not None and not told and is_plain(root, document, backend.name)
        if declared is not None and is_seen and (met := environment(root, environ)) is not None:
            # Of its text: TOML has dates, which a key has not.
            pyproject = hashlib.sha256((root / "pyproject.toml").read_bytes()).hexdigest()
            # Where it works is another folder each time.
            ways = {**backend.described, "build_base": None}
            self._plain = cache_key(_FORMAT, pyproject, ways, met), declared

    @property
    def may_keep(self) -> bool:
        """All that the wheel depends on can be seen."""
        return self._plain is not None

    @contextlib.contextmanager
    def begun(self, folder: Path, make: Callable[[], str]) -> Iterator[OwnWheel]:
        """The wheel of the build before, brought up to date; else one that is made from now on, and kept if it may be.

        Args:
            folder: an empty one for the wheel, in a scratch folder of the cache.
            make: makes it there in this process, and gives its name; what is wrong is told by it.
        """
        with contextlib.ExitStack() as stack:
            wheel = self._found(folder)
            if wheel is None:
                wheel = self._in_the_making(folder, make, stack)
                self._cache.hold(folder.parent)
            if wheel is None:
                made = _described(folder / make())
                wheel = OwnWheel(lambda: made, project=made.project)
            yield wheel

    def _in_the_making(self, folder: Path, make: Callable[[], str], stack: contextlib.ExitStack) -> OwnWheel | None:
        """One that a process of its own makes; None where that may not be, or none can be started."""
        if self._plain is None:
            return None
        from lambda_backend.wheels.apart import Apart

        key, project = self._plain
        try:
            apart = Apart(self._backend, root=self._root, folder=folder, stage=folder.parent, outputs=self._outputs)
        except OSError:
            return None
        stack.enter_context(contextlib.closing(apart))

        def finish() -> Made:
            if (found := apart.result()) is None:
                return _described(folder / make())
            path, observation = found
            made = _described(path)
            if observation.complete and path.name.endswith("-none-any.whl"):
                self._keep(key, made, observation)
            return made

        return OwnWheel(finish, project=project, is_there=lambda: apart.has_ended)

    def _found(self, folder: Path) -> OwnWheel | None:
        """That of the build before, brought up to date."""
        if self._plain is None or (entry := self._cache.get(_KIND, self._plain[0])) is None:
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
        made = Made(path=path, project=project)
        return OwnWheel(lambda: made, project=self._plain[1])

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
            "project": as_dict(made.project),
            "seen": seen(observation, self._root),
            "copied": copied(made.path, observation.files),
        }
        self._cache.discard(_KIND, key)
        with self._cache.make(_KIND, key, held=False) as entry:
            (entry / _WHEEL).write_bytes(made.path.read_bytes())
            (entry / _RECORD).write_text(json.dumps(record), "utf-8")


def _project(row: Mapping[str, Any]) -> ProjectMetadata:
    lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    return ProjectMetadata(**{**row, **lists})


def _described(wheel: Path) -> Made:
    return Made(path=wheel, project=metadata.read(wheel))
