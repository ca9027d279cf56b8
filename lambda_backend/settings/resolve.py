"""What the pipeline builds: one flat record for each function and layer, with the top-level values filled in."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal, TypeVar

from lambda_backend.errors import SettingsError
from lambda_backend.settings.model import FunctionSettings
from lambda_backend.settings.problems import Place, nearest, quoted
from lambda_backend.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lambda_backend.settings.model import BundlingSettings, Include, LayerSettings, Settings

__all__ = ["DEFAULT_HANDLER", "SHORT_NAME", "ArtifactSettings", "artifacts", "functions_by_name"]

_Item = TypeVar("_Item")

SHORT_NAME = "function"
"""Name of the function that top-level ``handler`` and ``entry`` are short for."""
DEFAULT_HANDLER = "index.handler"
"""Handler of a function with an ``entry`` and no handler."""


class ArtifactSettings(Value):
    """A function or layer with all that was said about it, above and below."""

    name: str
    kind: Literal["function", "layer"]
    key: str
    """Its path in the table, such as ``tool.lambda.functions.api``; ``tool.lambda`` for the short form."""
    runtime: tuple[str, ...]
    architecture: tuple[str, ...]
    handler: str | None
    """None for layers."""
    entry: str | None
    layers: tuple[str, ...]
    lock: str | None
    extras: tuple[str, ...]
    groups: tuple[str, ...]
    include: tuple[Include, ...]
    exclude: tuple[str, ...]
    omit: tuple[str, ...]
    omit_key: str
    """Path of the key that it is from."""
    bytecode: bool
    strip: bool
    project: bool
    """Whether the project's wheel goes in."""
    path_prefix: str
    """Folder in the zip for the packages, without a slash at its end; empty for the root."""
    bundling: BundlingSettings
    """Merged key by key."""


def artifacts(settings: Settings, only: Collection[str] = ()) -> tuple[ArtifactSettings, ...]:
    """Layers, then functions, each by name.

    Args:
        settings: the table.
        only: names to keep; empty for all.

    Raises:
        SettingsError: for a name in ``only`` that is none.
    """
    layers = [_layer(settings, name, layer) for name, layer in sorted(settings.layers.items())]
    functions = [_function(settings, name, *found) for name, found in sorted(functions_by_name(settings).items())]
    found = (*layers, *functions)
    names = [artifact.name for artifact in found]
    unknown = [name for name in dict.fromkeys(only) if name not in names]
    if unknown:
        listed = ", ".join(quoted(name) for name in names)
        raise SettingsError(
            [f"lambda.only: no function or layer {quoted(name)}{nearest(name, names)}" for name in unknown],
            hint=f"The project has {listed}." if names else None,
        )
    return tuple(artifact for artifact in found if not only or artifact.name in only)


def functions_by_name(settings: Settings) -> Mapping[str, tuple[str, FunctionSettings]]:
    """Every function with its path in the table, the short form among them."""
    root = Place("tool.lambda")
    functions = {name: (root.key("functions").key(name).path, own) for name, own in settings.functions.items()}
    if settings.handler is None and settings.entry is None:
        return functions
    # Values of the short form are the top-level ones, but for those that an entry of its own would not inherit.
    short = FunctionSettings(handler=settings.handler, entry=settings.entry)
    return {SHORT_NAME: (root.path, short), **functions}


def _function(settings: Settings, name: str, key: str, own: FunctionSettings) -> ArtifactSettings:
    # An entry has its own lock; what the table says about the project's does not reach it.
    alone = own.entry is not None
    return ArtifactSettings(
        name=name,
        kind="function",
        key=key,
        handler=own.handler if own.handler or not alone else DEFAULT_HANDLER,
        entry=own.entry,
        layers=own.layers,
        lock=own.lock or (None if alone else settings.lock),
        extras=_first(own.extras, () if alone else settings.extras),
        groups=_first(own.groups, () if alone else settings.groups),
        runtime=_first(own.runtime, settings.runtime),
        architecture=_first(own.architecture, settings.architecture),
        include=_first(own.include, settings.include),
        exclude=_first(own.exclude, settings.exclude),
        omit=_first(own.omit, settings.omit),
        omit_key="tool.lambda.omit" if own.omit is None else f"{key}.omit",
        bytecode=settings.bytecode if own.bytecode is None else own.bytecode,
        strip=settings.strip if own.strip is None else own.strip,
        project=not alone,
        path_prefix="",
        bundling=_merged(settings.bundling, own.bundling),
    )


def _layer(settings: Settings, name: str, own: LayerSettings) -> ArtifactSettings:
    prefix = PurePosixPath(own.path_prefix.replace("\\", "/")).as_posix()
    key = Place("tool.lambda.layers").key(name).path
    return ArtifactSettings(
        name=name,
        kind="layer",
        key=key,
        handler=None,
        entry=None,
        layers=(),
        lock=own.lock or settings.lock,
        extras=_first(own.extras, settings.extras),
        groups=_first(own.groups, settings.groups),
        runtime=_first(own.runtime, settings.runtime),
        architecture=_first(own.architecture, settings.architecture),
        include=_first(own.include, settings.include),
        exclude=_first(own.exclude, settings.exclude),
        omit=_first(own.omit, settings.omit),
        omit_key="tool.lambda.omit" if own.omit is None else f"{key}.omit",
        bytecode=settings.bytecode if own.bytecode is None else own.bytecode,
        strip=settings.strip if own.strip is None else own.strip,
        project=own.project,
        path_prefix="" if prefix == "." else prefix,
        bundling=_merged(settings.bundling, own.bundling),
    )


def _first(own: tuple[_Item, ...] | None, above: tuple[_Item, ...]) -> tuple[_Item, ...]:
    return above if own is None else own


def _merged(above: BundlingSettings, own: BundlingSettings) -> BundlingSettings:
    values = {field: getattr(own, field) for field in own.given}
    return replace(above, **values, given=above.given | own.given)
