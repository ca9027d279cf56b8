from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lambda_backend.requirements.model import Pin, Requirements
from lambda_backend.requirements.pins import digest, from_json, local, to_json

TEXT = st.text(st.characters())
PINS = st.builds(
    Pin,
    name=TEXT,
    version=st.none() | TEXT,
    kind=st.sampled_from(["wheel", "sdist", "vcs", "directory"]),
    url=st.none() | TEXT,
    path=st.none() | TEXT,
    sha256=st.none() | TEXT,
    hashes=st.lists(st.tuples(TEXT, TEXT)).map(tuple),
    vcs=st.none() | TEXT,
    commit=st.none() | TEXT,
    subdirectory=st.none() | TEXT,
    size=st.none() | st.integers(min_value=0),
)


@given(st.lists(PINS).map(tuple), st.none() | TEXT)
def test_round_trip(pins: tuple[Pin, ...], lock: str | None) -> None:
    requirements = Requirements(pins=pins, lock=lock)
    assert from_json(to_json(requirements)) == requirements


@given(st.lists(PINS, min_size=1).map(tuple))
def test_digest_and_local(pins: tuple[Pin, ...]) -> None:
    assert digest(pins) == digest(reversed(pins))
    assert len(digest(pins)) == 64
    assert digest(pins) != digest(pins[1:])
    assert all(pin.kind == "directory" for pin in local(pins))


def test_the_size_of_an_archive_decides_nothing() -> None:
    pins = [Pin(name="a", version="1", kind="wheel", size=size) for size in (None, 3)]  # type: ignore[arg-type]
    assert digest(pins[:1]) == digest(pins[1:])
