"""What is made of the seconds that were measured."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Ratio", "Spread", "ratio", "spread"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """Median and range of seconds."""

    median: float
    least: float
    most: float
    runs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Ratio:
    """How many times one is as quick as the other."""

    of_medians: float
    least: float
    """Of the rounds, each with both side by side."""
    most: float


def spread(seconds: Sequence[float]) -> Spread:
    """The spread of at least one value."""
    return Spread(median=statistics.median(seconds), least=min(seconds), most=max(seconds), runs=len(seconds))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """How many times ours is as quick as theirs.

    Args:
        ours: seconds, round by round.
        theirs: of the same rounds.
    """
    rounds = [other / own for own, other in zip(ours, theirs, strict=True)]
    return Ratio(of_medians=statistics.median(theirs) / statistics.median(ours), least=min(rounds), most=max(rounds))
