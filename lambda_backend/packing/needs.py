"""What artefacts need, remembered as long as all that was read for the answer is as it was.

An answer takes little time by itself. But whoever reads locks and holds them against a project's dependencies has much
to import.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from lambda_backend.cache import key as cache_key
from lambda_backend.inputs.installed import folders, own_code
from lambda_backend.inputs.observation import Observation, observing
from lambda_backend.inputs.seen import changed, seen
from lambda_backend.requirements import pins as pinned
from lambda_backend.requirements.model import Requirements
from lambda_backend.values import as_dict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lambda_backend.cache import Cache
    from lambda_backend.install.installer import Installer
    from lambda_backend.packing.order import Order
    from lambda_backend.report.words import Words
    from lambda_backend.requirements.model import Pin
    from lambda_backend.settings.resolve import ArtifactSettings

__all__ = ["Needs"]

_FORMAT = 2
_KIND = "needs"
_RECORD = "record.json"


class Needs:
    """The pins of artefacts.

    Args:
        order: what the build asks for.
        cache: where answers are kept.
        words: what is said while an answer is found is said each time, so such an answer is not kept.
    """

    def __init__(self, order: Order, *, cache: Cache, words: Words) -> None:
        self._order = order
        self._cache = cache
        self._words = words
        self._found: dict[str, dict[str, Any]] = {}

    def keep(self) -> None:
        """Keep the answers that were found. For the end of a build that went well: one that failed leaves nothing."""
        for key, record in self._found.items():
            self._cache.discard(_KIND, key)
            with self._cache.make(_KIND, key, held=False) as entry:
                (entry / _RECORD).write_text(json.dumps(record), "utf-8")
        self._found.clear()

    def pins(
        self,
        artifact: ArtifactSettings,
        installer: Installer,
        place: Mapping[str, object],
        ask: Callable[[], tuple[tuple[Pin, ...], str | None]],
    ) -> tuple[tuple[Pin, ...], str | None]:
        """An artefact's pins and the name of its lock.

        Args:
            artifact: a function or layer.
            installer: of the artefact; what it has to know to install the pins it asks itself, if it comes to that.
            place: how things are made there, without secrets.
            ask: finds the answer.
        """
        described = [_described(item) for item in (artifact, *(self._order.layers[name] for name in artifact.layers))]
        project = self._order.own.project
        key = cache_key(
            *(_FORMAT, own_code(), installer.target.name, described, dict(place), dict(installer.index)),
            *(project.name, project.requires_dist, project.provides_extra),
        )
        if (entry := self._cache.get(_KIND, key)) is not None and (found := self._read(entry)) is not None:
            requirements, until = found
            installer.answered(ask, until=until)
            return requirements.pins, requirements.lock
        observation = Observation(
            self._order.root, apart=(self._cache.root, *folders(self._order.root)), outputs=self._order.outputs
        )
        said = len(self._words.lines)
        with observing(observation), installer.until_of() as until_of:
            pins, lock = ask()
        if observation.complete and len(self._words.lines) == said:
            self._found[key] = {
                "until": until_of(),
                "seen": seen(observation, self._order.root),
                "requirements": pinned.to_json(Requirements(pins=pins, lock=lock)),
            }
        return pins, lock

    def _read(self, entry: Path) -> tuple[Requirements, float] | None:
        try:
            record = json.loads((entry / _RECORD).read_text("utf-8"))
            if time.time() > record["until"]:
                return None
            if next(changed(record["seen"], self._order.root, self._order.outputs), None) is not None:
                return None
            return pinned.from_json(record["requirements"]), record["until"]
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _described(artifact: ArtifactSettings) -> dict[str, Any]:
    # As they are written: what may be secret is filled in later.
    found = as_dict(artifact)
    found["bundling"]["given"] = sorted(found["bundling"]["given"])
    return found
