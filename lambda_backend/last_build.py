"""The last build of a project into a folder: where nothing has changed since, there is nothing to do.

A build that was made from the cache alone, of a project whose wheel is kept, has read nothing that is not seen: no
process was started, nothing was downloaded. What it read is kept with what it made and said. While all of that is as it
was, the same build would make the same files.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lambda_backend.cache import Cache
from lambda_backend.cache import key as cache_key
from lambda_backend.errors import LambdaBackendError
from lambda_backend.inputs.installed import distributions, folders, own_code
from lambda_backend.inputs.observation import Observation, observing
from lambda_backend.inputs.seen import changed, seen
from lambda_backend.inputs.variables import AskedVariables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lambda_backend.archive.beginning import Beginning
    from lambda_backend.archive.copying import Place
    from lambda_backend.report.words import Words

__all__ = ["Again", "LastBuild"]

_FORMAT = 2
_KIND = "builds"
_RECORD = "record.json"
_TABLE = re.compile(rb"^\s*\[\[?\s*tool\s*\.\s*lambda\b", re.MULTILINE)
"""Without such a table there is nothing that is kept."""


class Again(NamedTuple):
    """What a build made that need not be done again."""

    wheel: str
    """Name of the wheel."""
    made: tuple[Path, ...]
    """The wheel, the zips (each with its bill of materials, where one is asked for), the manifest."""


class LastBuild:
    """What a project's last build into a folder read, made and said.

    Args:
        root: the project's folder.
        directory: where the wheel goes.
        config_settings: the frontend's.
        environ: of the process.
    """

    def __init__(
        self, root: Path, directory: Path, config_settings: Mapping[str, Any], environ: Mapping[str, str]
    ) -> None:
        self.environ = AskedVariables(environ)
        """The environment, for the build to ask."""
        self._root = root
        self._directory = Path(os.path.abspath(directory))  # noqa: PTH100 - links stay
        self._asked = dict(config_settings)
        self.ahead: Beginning | None = None
        """The first of its zips, begun once more: what it was made on is copied while all else is looked at."""
        self._stack = contextlib.ExitStack()
        self._environ = environ
        self._read: bytes | None = None
        self._key = ""
        self._observation: Observation | None = None

    def again(self, words: Words) -> Again | None:
        """Say what the last build said, and give what it made; None where something has changed since."""
        try:
            if _TABLE.search(pyproject := self._pyproject()) is None:
                return None
            self._key, self._read = self._key_of(pyproject), pyproject
            if (entry := self._cache.get(_KIND, self._key)) is None:
                return None
            record = json.loads((entry / _RECORD).read_text("utf-8"))
            outputs, bases = [Path(output) for output in record["outputs"]], record["bases"]
            again = Again(wheel=record["wheel"], made=tuple(Path(path) for path, _ in record["made"]))
            said = record["said"]
            is_same = (
                time.time() < record["until"]
                and all(_state(Path(path)) == state for path, state in record["made"])
                and record["listed"] in (None, sorted(self._environ))
                and self._variables(record["variables"]) == record["variables"]
                and next(changed(record["seen"], self._root, outputs), None) is None
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not is_same:
            self._begin(bases)
            return None
        words.say("nothing has changed since the last build")
        words.block(said)
        return again

    def _begin(self, bases: Sequence[tuple[str, str, int, int]]) -> None:
        from lambda_backend.archive.beginning import Beginning
        from lambda_backend.archive.copying import Place

        # Whatever is wrong with it is told by whoever does it in earnest.
        with contextlib.suppress(OSError, LambdaBackendError):
            for name, path, *rest in bases[:1]:
                folder = self._stack.enter_context(self._cache.scratch(held=False))
                ahead = Beginning(folder / name, Place(Path(path), *rest))
                self.ahead = self._stack.enter_context(contextlib.closing(ahead))

    def __enter__(self) -> LastBuild:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def observed(self, outputs: Sequence[Path]) -> Iterator[None]:
        """Note what the build reads in a ``with`` block.

        Args:
            outputs: folders that builds write to.
        """
        apart = (self._cache.root, *folders(self._root))
        self._observation = Observation(self._root, apart=apart, outputs=outputs)
        with observing(self._observation):
            yield

    def keep(
        self,
        *,
        wheel: str,
        made: Sequence[Path],
        bases: Mapping[str, Place],
        said: str,
        until: float,
    ) -> None:
        """Keep what was done, where all that it depended on is known.

        Args:
            wheel: name of the wheel.
            made: as in ``Again``.
            bases: what zips were made on, by their name.
            said: what a person is told again.
            until: when it ends to be true; seconds since 1970.
        """
        observation = self._observation
        if observation is None or not observation.complete:
            return
        # The settings are what it held before the build looked.
        if self._read is None or self._read != self._pyproject():
            return
        record = {
            "until": min(until, _midnight()),
            "made": [(os.path.abspath(path), _state(path)) for path in made],  # noqa: PTH100 - links stay
            "bases": [[name, str(path), *rest] for name, (path, *rest) in bases.items()],
            "outputs": list(map(str, observation.outputs)),
            "listed": sorted(self._environ) if self.environ.listed else None,
            "variables": self._variables(self.environ.names),
            "seen": seen(observation, self._root),
            "said": said,
            "wheel": wheel,
        }
        self._cache.discard(_KIND, self._key)
        with self._cache.make(_KIND, self._key, held=False) as entry:
            (entry / _RECORD).write_text(json.dumps(record), "utf-8")

    @functools.cached_property
    def _cache(self) -> Cache:
        return Cache.default(self._environ)

    def _pyproject(self) -> bytes:
        return (self._root / "pyproject.toml").read_bytes()

    def _key_of(self, pyproject: bytes) -> str:
        installed = [own_code(), *distributions(self._root)]
        return cache_key(
            *(_FORMAT, hashlib.sha256(pyproject).hexdigest(), str(self._directory), self._asked),
            [[name, text] for name, text in installed],
        )

    def _variables(self, names: Mapping[str, str | None] | set[str]) -> dict[str, str | None]:
        """What variables are; passwords in URLs do not count, and are not kept."""
        from lambda_backend.settings.interpolate import redact_urls

        found = {name: self._environ.get(name) for name in sorted(names)}
        return {
            name: None if value is None else hashlib.sha256(redact_urls(value).encode()).hexdigest()
            for name, value in found.items()
        }


def _state(path: Path) -> list[int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def _midnight() -> float:
    """The end of this day in UTC: checks look at the date."""
    day = 24 * 60 * 60
    return (time.time() // day + 1) * day
