"""What ``python -m benchmarks`` can do."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TypeVar

from benchmarks import results as kept
from benchmarks.chart import chart
from benchmarks.clock import BenchmarkError
from benchmarks.contestants import contestants
from benchmarks.contestants.ours import Ours
from benchmarks.curve import curve, fill
from benchmarks.profiles import profile_page
from benchmarks.scenarios import SCENARIOS
from benchmarks.suite import Suite
from benchmarks.table import curve_page, page
from benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchmarks.model import Contestant, Scenario, Workload
    from benchmarks.tools import Tools

    _T = TypeVar("_T", Contestant, Scenario, Workload)

__all__ = ["list_all", "profile", "run", "run_curve", "set_up", "show"]

AGAINST = "uv-zip"
"""Whom the others are compared with."""


def set_up(options: argparse.Namespace, tools: Tools) -> None:
    """Install what takes part."""
    tools.install_ours()
    if options.peers:
        tools.install_peers()
    if options.npm:
        tools.install_npm()


def run(options: argparse.Namespace, tools: Tools) -> None:
    """Run contestants side by side, and show what came of it."""
    results = _run(options, tools, _chosen(WORKLOADS, options.workloads))
    _show(results, options.out, tools)


def run_curve(options: argparse.Namespace, tools: Tools) -> None:
    """The same with ever more to do."""
    fillers = options.folder.resolve() / "fillers"
    points = _chosen(curve(), options.workloads)
    for point in points:
        fill(fillers, point)
    for name in ("UV_FIND_LINKS", "PIP_FIND_LINKS"):
        # As a person would, who has a folder of wheels.
        os.environ[name] = str(fillers)
    results = _run(options, tools, points)
    text = curve_page(results)
    options.out.with_suffix(".md").write_text(text, "utf-8")
    print(text)  # noqa: T201 - what was asked for


def show(options: argparse.Namespace, tools: Tools) -> None:
    """Table and chart of results that are there."""
    _show(kept.read(options.results), options.results, tools)


def profile(options: argparse.Namespace, tools: Tools) -> None:
    """Where the time of our hook goes."""
    _require(tools)
    suite = _suite(options, tools, runs=options.runs, memory=False)
    text = profile_page(suite, tools, _chosen(WORKLOADS, options.workloads), _chosen(SCENARIOS, options.scenarios))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text, "utf-8")
    print(text)  # noqa: T201 - what was asked for


def list_all(options: argparse.Namespace, tools: Tools) -> None:
    """What can be chosen."""
    del options
    for title, items in (("workloads", WORKLOADS), ("scenarios", SCENARIOS), ("contestants", contestants(tools))):
        print(f"{title}:")  # noqa: T201 - what was asked for
        for item in items:
            print(f"  {item.key:20} {item.title}")  # noqa: T201 - the same


def _run(options: argparse.Namespace, tools: Tools, workloads: Sequence[Workload]) -> kept.Results:
    _require(tools)
    scenarios = _chosen(SCENARIOS, options.scenarios)
    chosen = _chosen(contestants(tools), options.contestants)
    suite = _suite(options, tools, runs=options.runs, memory=options.memory)
    found: list[kept.Result] = []
    left_out = []
    results = kept.Results(machine=kept.machine(), titles=_titles((*workloads, *scenarios)), results=())
    for workload in workloads:
        reasons = {one.key: one.why_not(workload) for one in chosen}
        left_out += [(workload.key, key, why) for key, why in reasons.items() if why is not None]
        for result in suite.run(workload, scenarios, [one for one in chosen if reasons[one.key] is None]):
            found.append(result)
            # What there is by now is kept, whatever becomes of the rest.
            results = kept.Results(
                machine=results.machine, titles=results.titles, results=tuple(found), left_out=tuple(left_out)
            )
            kept.write(results, options.out.with_suffix(".json"))
    return results


def _suite(options: argparse.Namespace, tools: Tools, *, runs: int, memory: bool) -> Suite:
    return Suite(root=options.folder.resolve() / "work", tools=tools.root, runs=runs, memory=memory, say=say)


def _show(results: kept.Results, out: Path, tools: Tools) -> None:
    text = page(results, AGAINST)
    out.with_suffix(".md").write_text(text, "utf-8")
    with_zips = [result for result in results.results if result.size is not None]
    ours = frozenset(one.key for one in contestants(tools) if isinstance(one, Ours))
    if with_zips:
        out.with_suffix(".svg").write_text(chart(with_zips, results.titles, ours), "utf-8")
    print(text)  # noqa: T201 - what was asked for


def _require(tools: Tools) -> None:
    if not tools.python.exists():
        raise BenchmarkError("python -m benchmarks set-up comes first")


def _titles(items: Iterable[Workload | Scenario]) -> dict[str, str]:
    return {item.key: item.title for item in items}


def _chosen(items: Sequence[_T], keys: list[str]) -> list[_T]:
    by_key = {item.key: item for item in items}
    if keys == ["all"]:
        return list(items)
    if unknown := [key for key in keys if key not in by_key]:
        raise BenchmarkError(f"no {', '.join(unknown)}; there are {', '.join(by_key)}")
    return [by_key[key] for key in keys]


def say(line: str) -> None:
    """Progress."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress
