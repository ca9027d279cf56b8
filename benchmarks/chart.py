"""Results as a picture: bars on a scale of powers of ten, in SVG, with no library."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from benchmarks.figures import spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.results import Result

__all__ = ["chart"]

_WIDTH = 900
_NAMES = 190
_VALUES = 90
_ROW = 20
_TITLE = 34
_COLOURS = {"ours": "#0b6e4f", "other": "#8a8f98"}


def chart(results: Sequence[Result], titles: Mapping[str, str], ours: frozenset[str]) -> str:
    """An SVG: a group of bars for each workload and scenario, the quickest first, and a whisker for each range.

    Args:
        results: at least one, each with zips.
        titles: of workloads and scenarios, by key.
        ours: contestants that are drawn in our colour.
    """
    least = min(min(one.seconds) for one in results)
    most = max(max(one.seconds) for one in results)
    scale = _Scale(math.floor(math.log10(least)), math.ceil(math.log10(most) + 1e-9))
    body: list[str] = []
    top = 0
    for workload, scenario in dict.fromkeys((one.workload, one.scenario) for one in results):
        group = [one for one in results if (one.workload, one.scenario) == (workload, scenario)]
        group.sort(key=lambda one: spread(one.seconds).median)
        title = f"{workload} ({titles[workload]}): {titles[scenario]}"
        body.append(f'<text x="0" y="{top + 22}" class="title">{escape(title)}</text>')
        top += _TITLE
        body += scale.lines(top, top + _ROW * len(group))
        for one in group:
            body += _bar(one, top, scale, "ours" if one.contestant in ours else "other")
            top += _ROW
        body += scale.labels(top + 12)
        top += _ROW
    style = (
        "text{font:12px sans-serif;fill:#222}.title{font-weight:bold;font-size:13px}.tick{fill:#666;font-size:10px}"
        "@media(prefers-color-scheme:dark){text{fill:#ddd}.tick{fill:#aaa}}"
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top + 10}" role="img">'
    return "\n".join([head, "<title>Seconds, on a scale of powers of ten; shorter is quicker</title>",
                      f"<style>{style}</style>", *body, "</svg>", ""])  # fmt: skip


class _Scale:
    """Seconds to places, by powers of ten."""

    def __init__(self, low: int, high: int) -> None:
        self._low, self._high = low, high

    def x(self, seconds: float) -> float:
        share = (math.log10(seconds) - self._low) / (self._high - self._low)
        return _NAMES + share * (_WIDTH - _NAMES - _VALUES)

    def lines(self, top: int, bottom: int) -> Iterator[str]:
        for x in map(self.x, self._ticks()):
            yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" stroke="#9995" stroke-width="1"/>'

    def labels(self, y: int) -> Iterator[str]:
        for tick in self._ticks():
            yield f'<text x="{self.x(tick):.1f}" y="{y}" text-anchor="middle" class="tick">{tick:g} s</text>'

    def _ticks(self) -> list[float]:
        return [10.0**power for power in range(self._low, self._high + 1)]


def _bar(one: Result, top: int, scale: _Scale, colour: str) -> Iterator[str]:
    found = spread(one.seconds)
    end, middle = scale.x(found.median), top + _ROW / 2
    yield f'<text x="{_NAMES - 8}" y="{middle + 4}" text-anchor="end">{escape(one.contestant)}</text>'
    box = f'x="{_NAMES}" y="{top + 3}" width="{end - _NAMES:.1f}" height="{_ROW - 6}"'
    yield f'<rect {box} fill="{_COLOURS[colour]}"/>'
    least, most = scale.x(found.least), scale.x(found.most)
    yield f'<line x1="{least:.1f}" x2="{most:.1f}" y1="{middle}" y2="{middle}" stroke="#d97706" stroke-width="2"/>'
    yield f'<text x="{max(end, most) + 6:.1f}" y="{middle + 4}">{found.median:.2f} s</text>'
