"""Pins in, what ships of them out: installed as one artefact wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.bundle.tree import altered, digests, installed_bundle
from lambda_backend.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lambda_backend.bundle.excludes import Excludes
    from lambda_backend.bundle.finish import Finish
    from lambda_backend.bundle.model import Bundle
    from lambda_backend.install.finisher import Finisher
    from lambda_backend.report.words import Words
    from lambda_backend.requirements.model import Pin
    from lambda_backend.targets import Target

__all__ = ["Bundles"]


class Bundles(Value):
    """What ships of installed pins."""

    target: Target
    count: int
    """Of all the artefact's pins."""
    prefix: str
    excludes: Excludes
    finish: Finish
    finisher: Callable[[], Finisher]
    tree: Callable[[Sequence[Pin], bool], Path]
    """Installs pins; ``True`` for taking nothing from uv's cache."""
    words: Words

    def installed(self, pins: Sequence[Pin]) -> Bundle:
        """What some of the pins are, by uv's cache. Whether that is what was published is for those who read it."""
        count = f"{len(pins)} distribution{'' if len(pins) == 1 else 's'}"
        rest = f", the other {self.count - len(pins)} as before" if len(pins) < self.count else ""
        self.words.say(f"installing {count} for {self.target.name}{rest}")
        bundle = self._bundle(pins, fresh=False)
        # Their files will be other ones, which no RECORD knows.
        if self.finish and (names := altered(bundle, digests(bundle.members))):
            return self.anew(pins, names)
        return self._finished(bundle)

    def anew(self, pins: Sequence[Pin], names: Sequence[str]) -> Bundle:
        """The same past uv's cache, where these distributions are not as they were published."""
        self.words.say(f"{', '.join(names)} in uv's cache: not as published, so all is fetched anew")
        return replace(self._finished(self._bundle(pins, fresh=True)), published={})

    def _bundle(self, pins: Sequence[Pin], *, fresh: bool) -> Bundle:
        tree = self.tree(pins, fresh)
        return installed_bundle(tree, self.prefix, self.excludes, target_python=self.target.python)

    def _finished(self, bundle: Bundle) -> Bundle:
        if not self.finish:
            return bundle
        return replace(self.finisher().bundle(bundle, self.finish, self.excludes), published={})
