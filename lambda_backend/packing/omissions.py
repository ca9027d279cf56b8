"""What artefacts leave out because the runtime has it (``omit``), and what a person has to know of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.settings.problems import nearest, quoted
from lambda_backend.targets import runtime_distributions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lambda_backend.report.words import Words
    from lambda_backend.requirements.model import Pin
    from lambda_backend.settings.resolve import ArtifactSettings

__all__ = ["Omissions", "without"]


class _Key:
    """An ``omit`` of the settings, over all artefacts and targets that it counts for."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.artifacts: dict[str, None] = {}
        self.required: set[str] = set()


class Omissions:
    """Takes away what ``omit`` names, over all artefacts of a build.

    Only what is named is left out: what else needs a dependency of it, only an installation would tell.

    Args:
        words: gets each warning once.
    """

    def __init__(self, words: Words) -> None:
        self._words = words
        self._keys: dict[str, _Key] = {}
        self._said: set[str] = set()

    def split(
        self,
        artifact: ArtifactSettings,
        pins: Iterable[Pin],
        required: Iterable[Pin],
        layers: Iterable[ArtifactSettings],
    ) -> tuple[tuple[Pin, ...], tuple[Pin, ...]]:
        """What of an artefact's pins ships, and what is left out.

        Args:
            artifact: gives the names.
            pins: those that would ship.
            required: all of its requirements, its layers' too.
            layers: the artefact's.
        """
        names = _normalised(artifact.omit)
        key = self._keys.setdefault(artifact.omit_key, _Key(names=artifact.omit))
        key.artifacts[artifact.name] = None
        key.required |= {pin.name for pin in required}
        kept = tuple(pin for pin in pins if pin.name not in names)
        left_out = tuple(pin for pin in pins if pin.name in names)
        self._tell(artifact, kept, left_out)
        for layer in layers:
            if again := [pin.name for pin in kept if pin.name in _normalised(layer.omit)]:
                self._say(f"{artifact.name} has {_listed(again)} itself, since its layer {layer.name} omits it")
        return kept, left_out

    def nothing(self, artifact: ArtifactSettings) -> None:
        """Tell that nothing is left out of what a command of the user's installs."""
        if artifact.omit:
            self._say(f"warning: {artifact.omit_key} leaves nothing out of {artifact.name}, which a command installs")

    def tell_unknown(self) -> None:
        """Warn of names that are none of any artefact's requirements."""
        for path, key in self._keys.items():
            for name in key.names:
                if _normalised([name]).isdisjoint(key.required):
                    where = f"no requirement of {_listed(key.artifacts)}"
                    self._say(f"warning: {path}: {quoted(name)} is {where}{nearest(name, sorted(key.required))}")

    def _tell(self, artifact: ArtifactSettings, kept: Sequence[Pin], left_out: Sequence[Pin]) -> None:
        sdk = runtime_distributions()
        of_runtime = [_titled(pin) for pin in left_out if pin.name in sdk]
        others = [_titled(pin) for pin in left_out if pin.name not in sdk]
        if of_runtime:
            self._say(
                f"warning: {artifact.name} runs with the runtime's own version in place of {_listed(of_runtime)}: AWS "
                "changes it over time, and not in all regions at once"
            )
            if rest := [pin.name for pin in kept if pin.name in sdk]:
                self._say(
                    f"warning: {artifact.name} ships {_listed(rest)}, which the runtime's own SDK will then use: name "
                    f"what only the SDK needs in {artifact.omit_key} too"
                )
        if others:
            self._say(
                f"warning: {artifact.name} omits {_listed(others)}, which no runtime of Lambda has: something else, "
                "such as a layer of another project, must bring it"
            )

    def _say(self, text: str) -> None:
        # Once a build, whatever the number of targets.
        if text not in self._said:
            self._said.add(text)
            self._words.say(text)


def without(pins: Iterable[Pin], names: Iterable[str]) -> tuple[Pin, ...]:
    """The pins that none of the names means."""
    left_out = _normalised(names)
    return tuple(pin for pin in pins if pin.name not in left_out)


def _normalised(names: Iterable[str]) -> frozenset[str]:
    if not names:
        return frozenset()
    from packaging.utils import canonicalize_name

    return frozenset(map(canonicalize_name, names))


def _titled(pin: Pin) -> str:
    return f"{pin.name} {pin.version}" if pin.version is not None else pin.name


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
