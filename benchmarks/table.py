"""Results as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.figures import ratio, spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmarks.results import Result, Results

__all__ = ["curve_page", "page"]

_MIB = 2**20
_FEW, _MANY = 10, 200
"""Points of the curve between which a further function is counted."""


def page(results: Results, against: str) -> str:
    """A Markdown page: the machine, a table for each workload and scenario, and what was run.

    Args:
        results: to show.
        against: the contestant that the others are compared with.
    """
    lines = ["# Measured", "", _machine(results), ""]
    lines += [
        f"`times` says how many times as quick as `{against}` it is: the ratio of medians, and the range over the",
        "rounds, each of which has both side by side. Memory is the peak of all processes together; sizes are those of",
        "the zips. Seconds of processors leave out what runs in containers.",
    ]
    for workload, scenario in dict.fromkeys((result.workload, result.scenario) for result in results.results):
        found = [one for one in results.results if (one.workload, one.scenario) == (workload, scenario)]
        lines += [
            "",
            f"## {workload} ({results.titles[workload]}): {results.titles[scenario]}",
            "",
            *_table(found, against),
        ]
    lines += ["", "## What was run", "", *_scripts(results.results)]
    if results.left_out:
        lines += ["", "## Who took no part", ""]
        lines += [f"- {contestant} in {workload}: {why}" for workload, contestant, why in results.left_out]
    return "\n".join([*lines, ""])


def curve_page(results: Results) -> str:
    """A Markdown page with a row for each workload and a column for each contestant and scenario: seconds, memory."""
    columns = list(dict.fromkeys((one.contestant, one.scenario) for one in results.results))
    found = {(one.workload, one.contestant, one.scenario): one for one in results.results}
    lines = ["# Cost curve", "", _machine(results), ""]
    lines += [f"| | {' | '.join(f'{who}: {results.titles[scenario]}' for who, scenario in columns)} |"]
    lines += ["|---|" + "---:|" * len(columns)]
    for workload in dict.fromkeys(one.workload for one in results.results):
        cells = [_point(found.get((workload, *column))) for column in columns]
        lines.append(f"| {results.titles[workload]} | {' | '.join(cells)} |")
    for who, scenario in columns:
        few, many = (found.get((f"functions-{count}", who, scenario)) for count in (_FEW, _MANY))
        if few is not None and many is not None:
            each = (spread(many.seconds).median - spread(few.seconds).median) / (_MANY - _FEW)
            lines += ["", f"{who}, {results.titles[scenario]}: {each * 1000:.0f} ms for each further function."]
    return "\n".join([*lines, ""])


def _point(one: Result | None) -> str:
    if one is None:
        return "–"
    memory = "" if one.memory is None else f", {one.memory / _MIB:.0f} MiB"
    return f"{spread(one.seconds).median:.2f} s{memory}"


def _machine(results: Results) -> str:
    return ", ".join(f"{name}: {value}" for name, value in results.machine.items())


def _table(found: Sequence[Result], against: str) -> Iterator[str]:
    yield "| | median | range | processor | times | memory | zips | unzipped | files |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    other = next((one for one in found if one.contestant == against), None)
    for one in found:
        seconds, processor = spread(one.seconds), spread(one.processor)
        cells = [
            f"{one.contestant}",
            f"{seconds.median:.2f} s",
            f"{seconds.least:.2f}–{seconds.most:.2f}",
            f"{processor.median:.2f} s",
            _times(one, other),
            "–" if one.memory is None else f"{one.memory / _MIB:.0f} MiB",
            "–" if one.size is None else f"{one.size / _MIB:.2f} MiB",
            "–" if one.unzipped is None else f"{one.unzipped / _MIB:.1f} MiB",
            "–" if one.files is None else f"{one.files:,}",
        ]
        yield f"| {' | '.join(cells)} |"


def _times(one: Result, other: Result | None) -> str:
    if other is None or one is other or one.size is None:
        return "–"
    found = ratio(one.seconds, other.seconds)
    return f"{found.of_medians:.2f} ({found.least:.2f}–{found.most:.2f})"


def _scripts(results: Iterable[Result]) -> Iterator[str]:
    """Each contestant's script, of its first workload."""
    seen: set[str] = set()
    for result in results:
        if result.contestant not in seen:
            seen.add(result.contestant)
            yield from (f"{result.contestant} — {result.title}:", "", "```sh", result.script, "```", "")
