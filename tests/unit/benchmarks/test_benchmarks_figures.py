from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import ratio, spread

seconds = st.floats(min_value=1e-3, max_value=1e3)


def test_spread() -> None:
    found = spread([3.0, 1.0, 2.0, 10.0])
    assert (found.median, found.least, found.most, found.runs) == (2.5, 1.0, 10.0, 4)


def test_ratio_is_of_medians_and_its_range_of_rounds() -> None:
    found = ratio([1.0, 2.0, 4.0], [10.0, 10.0, 10.0])
    assert (found.of_medians, found.least, found.most) == (5.0, 2.5, 10.0)


def test_rounds_that_do_not_match_are_no_ratio() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratio([1.0], [1.0, 2.0])


@given(st.lists(st.tuples(seconds, seconds), min_size=1))
def test_a_ratio_of_each_round_bounds_that_of_pairs(rounds: list[tuple[float, float]]) -> None:
    found = ratio([ours for ours, _ in rounds], [theirs for _, theirs in rounds])
    assert found.least <= found.most
    assert ratio([ours for ours, _ in rounds], [ours for ours, _ in rounds]).of_medians == 1
