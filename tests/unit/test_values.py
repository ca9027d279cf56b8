from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from dataclasses import field as their_field
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from lambda_backend.values import Value, as_dict, field, fields, replace

if TYPE_CHECKING:
    from collections.abc import Mapping


class Ours(Value):
    """A value."""

    name: str
    count: int = 3
    """How many."""
    secret: str = field(default="", repr=False)
    table: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def double(self) -> int:
        return 2 * self.count


class Derived(Ours):
    """One field more, which has no default."""

    more: int


@dataclass(frozen=True, kw_only=True)
class Theirs:
    name: str
    count: int = 3
    secret: str = their_field(default="", repr=False)
    table: Mapping[str, int] = their_field(default_factory=dict, hash=False)


@pytest.mark.parametrize(
    "values",
    [{"name": "a"}, {"name": "a", "count": 1}, {"name": "a", "secret": "s", "table": {"x": 1}}],
)
def test_it_is_what_a_dataclass_is(values: dict[str, Any]) -> None:
    ours, theirs = Ours(**values), Theirs(**values)
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert hash(ours) == hash(theirs)
    assert [one.name for one in dataclasses.fields(ours)] == [one.name for one in dataclasses.fields(theirs)]
    assert dataclasses.asdict(dataclasses.replace(ours, count=9)) == dataclasses.asdict(
        dataclasses.replace(theirs, count=9)
    )
    assert list(fields(ours)) == list(fields(Ours)) == [one.name for one in dataclasses.fields(theirs)]
    assert as_dict(ours) == dataclasses.asdict(theirs)
    assert replace(ours, count=9) == Ours(**{**values, "count": 9})
    assert ours == Ours(**values)
    assert ours != Ours(**{**values, "name": "b"})
    assert ours != theirs
    assert ours.double == 2 * theirs.count


def test_values_differ_by_class() -> None:
    assert Derived(name="a", more=1) != Ours(name="a")
    assert Derived(name="a", more=1) == Derived(more=1, name="a")
    assert Derived(name="a", more=1).count == 3


def test_values_in_values() -> None:
    class Point(NamedTuple):
        x: object

    class Outer(Value):
        one: Ours
        more: tuple[Any, ...]

    inner = Ours(name="a", table={"x": 1})
    outer = Outer(one=inner, more=([inner], {"y": inner}, Point(inner), "z"))
    assert as_dict(outer) == dataclasses.asdict(outer)
    assert isinstance(as_dict(outer)["more"][2], Point)


def test_what_is_replaced_has_to_be_there() -> None:
    with pytest.raises(TypeError, match="unexpected 'other'"):
        replace(Ours(name="a"), other=1)


def test_a_field_of_dataclasses_is_none_of_ours() -> None:
    with pytest.raises(TypeError, match=r"Wrong.name is a field of dataclasses"):

        class Wrong(Value):
            name: str = their_field(default="")


def test_default_tables_are_not_shared() -> None:
    assert Ours(name="a").table is not Ours(name="a").table


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, r"Ours\(\): missing 'name'"),
        ({"name": "a", "other": 1}, r"Ours\(\): unexpected 'other'"),
        ({"count": 1, "other": 1}, r"Ours\(\): unexpected 'other', missing 'name'"),
        ({"name": "a", "count": 1, "secret": "", "other": {}}, r"Ours\(\): unexpected 'other'"),
    ],
)
def test_wrong_keywords(values: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Ours(**values)


def test_it_does_not_change() -> None:
    value = Ours(name="a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.name = "b"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del value.name
    assert value.name == "a"


def test_copies_are_equal() -> None:
    value = Ours(name="a", table={"x": 1})
    assert copy.deepcopy(value) == value
    assert copy.copy(value) == value
