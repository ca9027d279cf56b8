"""Checks over more than one key of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.settings.problems import Place, nearest, quoted
from lambda_backend.settings.resolve import SHORT_NAME, artifacts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from lambda_backend.settings.model import Settings
    from lambda_backend.settings.problems import Problems
    from lambda_backend.settings.resolve import ArtifactSettings

__all__ = ["check"]

_ROOT = Place("tool.lambda")


def check(settings: Settings, problems: Problems) -> None:
    """Adds what is wrong between the keys; a key with a problem already is passed over."""
    found = artifacts(settings)
    functions = [artifact for artifact in found if artifact.kind == "function"]
    layers = {artifact.name: artifact for artifact in found if artifact.kind == "layer"}
    _asks_for_something(found, problems)
    _has_runtimes(found, problems)
    _names_are_unique(settings, functions, layers.values(), problems)
    for function in functions:
        _has_handler(function, problems)
        _has_layers(function, layers, problems)
    for layer in layers.values():
        _has_few_runtimes(layer, problems)


def _asks_for_something(found: Iterable[ArtifactSettings], problems: Problems) -> None:
    asking = [_ROOT.key(name) for name in ("handler", "entry", "functions", "layers")]
    if not any(found) and not any(problems.at(place) for place in asking):
        problems.add(_ROOT, 'asks for no artifact; set "handler" or "entry", or add a table to "functions" or "layers"')


def _has_runtimes(found: Iterable[ArtifactSettings], problems: Problems) -> None:
    place = _ROOT.key("runtime")
    without = [
        artifact.name
        for artifact in found
        if not artifact.runtime and not problems.at(Place(artifact.key).key("runtime"))
    ]
    if without and not problems.at(place):
        problems.add(place, f"missing; {_listed(without)} would be built for no runtime")


def _names_are_unique(
    settings: Settings, functions: Iterable[ArtifactSettings], layers: Iterable[ArtifactSettings], problems: Problems
) -> None:
    if SHORT_NAME in settings.functions and (settings.handler or settings.entry):
        problems.add(
            _ROOT.key("functions").key(SHORT_NAME),
            f'clashes with top-level "handler" or "entry", which is short for a function called {quoted(SHORT_NAME)}',
        )
    # Not every file system tells names apart that differ in case only, and the names go into file names.
    taken: dict[str, ArtifactSettings] = {}
    for artifact in (*layers, *functions):
        other = taken.setdefault(artifact.name.casefold(), artifact)
        if other is not artifact:
            case = "" if other.name == artifact.name else ", but for case"
            what = f"the {artifact.kind} {quoted(artifact.name)}"
            problems.add(artifact.key, f"{what} has the name of the {other.kind} {quoted(other.name)}{case}")


def _has_handler(function: ArtifactSettings, problems: Problems) -> None:
    place = Place(function.key).key("handler")
    if function.handler is None and not problems.at(place) and not problems.at(Place(function.key).key("entry")):
        problems.add(place, 'missing; a function needs "handler" or "entry"')


def _has_layers(function: ArtifactSettings, layers: dict[str, ArtifactSettings], problems: Problems) -> None:
    from lambda_backend.targets import limits

    place = Place(function.key).key("layers")
    most = limits().layers_per_function
    if len(function.layers) > most:
        problems.add(place, f"{len(function.layers)} layers; Lambda takes {most} for a function")
    for number, name in enumerate(function.layers):
        if name in layers:
            _layer_fits(function, layers[name], place.index(number), problems)
        elif not problems.at(_ROOT.key("layers").key(name)):
            problems.add(place.index(number), f"unknown layer {quoted(name)}{nearest(name, layers)}")


def _layer_fits(function: ArtifactSettings, layer: ArtifactSettings, place: Place, problems: Problems) -> None:
    for key, wanted, built in (
        ("runtime", function.runtime, layer.runtime),
        ("architecture", function.architecture, layer.architecture),
    ):
        missing = [value for value in wanted if value not in built]
        if missing and built and not _either_is_broken(key, (function, layer), problems):
            problems.add(
                place,
                f"the layer {quoted(layer.name)} is not built for {_listed(missing)}, which the function is;"
                f" add to {layer.key}.{key}",
            )


def _either_is_broken(key: str, both: Iterable[ArtifactSettings], problems: Problems) -> bool:
    return any(problems.at(Place(artifact.key).key(key)) for artifact in both) or problems.at(_ROOT.key(key))


def _has_few_runtimes(layer: ArtifactSettings, problems: Problems) -> None:
    from lambda_backend.targets import limits

    most = limits().runtimes_per_layer
    if len(layer.runtime) > most:
        problems.add(Place(layer.key).key("runtime"), f"{len(layer.runtime)} runtimes; Lambda takes {most} for a layer")


def _listed(names: Collection[str]) -> str:
    return ", ".join(quoted(name) for name in names)
