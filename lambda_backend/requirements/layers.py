"""What a layer has, the function leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.errors import LockError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambda_backend.requirements.model import Pin

__all__ = ["without"]


def without(pins: Iterable[Pin], layer_pins: Mapping[str, Iterable[Pin]], *, function: str) -> tuple[Pin, ...]:
    """The function's pins that none of its layers has.

    Args:
        pins: the function's.
        layer_pins: by the layer's name.
        function: the function's name.

    Raises:
        LockError: for every package that function and layer, or two of the layers, have in two versions, or in two
            archives of one version.
    """
    by_name = {pin.name: pin for pin in pins}
    had = set()
    problems = _between(layer_pins)
    for layer, of_layer in layer_pins.items():
        for there in of_layer:
            here = by_name.get(there.name)
            if here is None:
                continue
            had.add(here.name)
            if not _same(here, there):
                problems.append(
                    f"{here.name}: {_words(here, there)} in function {function!r}, "
                    f"{_words(there, here)} in layer {layer!r}"
                )
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise LockError(
            f"A function and its layers need the same packages, but not the same versions:\n{lines}",
            hint="lock both from one file, or drop the layer from the function",
        )
    return tuple(pin for name, pin in by_name.items() if name not in had)


def _between(layer_pins: Mapping[str, Iterable[Pin]]) -> list[str]:
    """What two layers have in common and not alike: unpacked to one folder, the later one would win file by file."""
    first: dict[str, tuple[str, Pin]] = {}
    problems = []
    for layer, pins in layer_pins.items():
        for pin in pins:
            other, there = first.setdefault(pin.name, (layer, pin))
            if not _same(pin, there):
                problems.append(
                    f"{pin.name}: {_words(there, pin)} in layer {other!r}, {_words(pin, there)} in layer {layer!r}"
                )
    return problems


def _same(one: Pin, other: Pin) -> bool:
    if one.version != other.version:
        return False
    if one.sha256 is not None and other.sha256 is not None:
        return one.sha256 == other.sha256
    if "vcs" in {one.kind, other.kind} or "directory" in {one.kind, other.kind}:
        return _origin(one) == _origin(other)
    return True


def _origin(pin: Pin) -> tuple[str | None, ...]:
    return (pin.kind, pin.url, pin.path, pin.commit, pin.subdirectory)


def _words(pin: Pin, other: Pin) -> str:
    if pin.version is not None and pin.version != other.version:
        return pin.version
    proof = pin.sha256 and f"sha256 {pin.sha256[:12]}…"
    return " ".join(filter(None, [pin.version, proof or pin.commit or pin.path or pin.url]))
