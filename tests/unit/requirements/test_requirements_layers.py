from __future__ import annotations

import pytest
from packaging.utils import canonicalize_name

from lambda_backend.errors import LockError
from lambda_backend.requirements.layers import without
from lambda_backend.requirements.model import Pin


def pin(name: str, version: str | None = "1", kind: str = "wheel", **more: object) -> Pin:
    return Pin(name=canonicalize_name(name), version=version, kind=kind, **more)


def test_what_a_layer_has_is_left_out() -> None:
    folder = pin("d", None, "directory", path="d")
    pins = [pin("a", sha256="x"), pin("b"), pin("c"), folder]
    left = without(pins, {"one": [pin("a", sha256="x"), pin("z")], "two": [pin("b", sha256="y"), folder]}, function="f")
    assert [one.name for one in left] == ["c"]


def test_other_versions_and_archives() -> None:
    pins = [pin("a", "1"), pin("b", sha256="x" * 64), pin("c", None, "vcs", commit="1" * 40)]
    with pytest.raises(LockError) as error:
        without(
            pins,
            {"deps": [pin("a", "2"), pin("b", sha256="y" * 64), pin("c", None, "vcs", commit="2" * 40)]},
            function="api",
        )
    assert error.value.message.splitlines()[1:] == [
        "  - a: 1 in function 'api', 2 in layer 'deps'",
        "  - b: 1 sha256 xxxxxxxxxxxx… in function 'api', 1 sha256 yyyyyyyyyyyy… in layer 'deps'",
        f"  - c: {'1' * 40} in function 'api', {'2' * 40} in layer 'deps'",
    ]


def test_two_layers_of_a_function() -> None:
    layers = {"one": [pin("a", "1"), pin("b")], "two": [pin("a", "2"), pin("b")]}
    with pytest.raises(LockError) as error:
        without([pin("c")], layers, function="api")
    assert error.value.message.splitlines()[1:] == ["  - a: 1 in layer 'one', 2 in layer 'two'"]
