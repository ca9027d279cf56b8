"""Where a build's time goes: the hook under cProfile, put together by what the time is spent on."""

from __future__ import annotations

import dataclasses
import pstats
import re
import shlex
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import clock
from benchmarks.contestants.floor import Floor
from benchmarks.contestants.ours import Ours, Setuptools
from benchmarks.figures import spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.model import Place, Scenario, Workload
    from benchmarks.suite import Suite
    from benchmarks.tools import Tools

__all__ = ["Profile", "profile_page", "profiled", "spent_on"]

_LEAST = 0.005
"""The share that a row of the table has at least."""
_FUNCTIONS = 25
"""Rows of the other table."""

_Function = tuple[str, int, str]

_KINDS = (
    # In this order; the first that matches counts.
    (
        "waiting for uv or an engine",
        re.compile(r"read1|\bselect\.|\bpoll\b|waitpid|recv|\bread' of '_io\.(?:Buffered|File)"),
    ),
    ("waiting for compressing threads", re.compile(r"_thread\.(?:lock|RLock)|\bacquire\b")),
    ("hashing", re.compile(r"_hashlib|_sha2|crc32")),
    (
        "imports",
        re.compile(r"importlib|marshal|<module>|__build_class__|open_code|create_dynamic|exec_dynamic|builtins\.exec"),
    ),
    ("imports: dataclasses being made", re.compile(r"dataclasses\.py|inspect\.py")),
    ("imports: regular expressions being compiled", re.compile(r"/re/_|/sre_|/re/__init__\.py.*compile")),
    ("the file system", re.compile(r"posix\.|io\.open|shutil\.py|pathlib|posixpath|genericpath|/os\.py|_io\.")),
    ("setuptools", re.compile(r"setuptools|distutils|jaraco|wheel/")),
    ("lambda-backend's own code", re.compile(r"lambda_backend")),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """One hook's seconds, of its main thread."""

    total: float
    kinds: Mapping[str, float]
    """By what they are spent on, the most first."""
    functions: tuple[tuple[str, int, float], ...]
    """lambda-backend's own with all that they call: place and name, calls, seconds; the most first."""


def profiled(ours: Ours, place: Place, workload: Workload) -> Profile:
    """Build once with the hook under cProfile.

    Raises:
        BenchmarkError: the build failed.
    """
    stats = place.root / "profile.pstats"
    probe = Path(__file__).with_name("probe.py")
    words = (ours.tools.python, probe, place.out, stats)
    command = dataclasses.replace(
        ours.command(place, workload), script=" ".join(shlex.quote(str(word)) for word in words)
    )
    clock.timed(command, place.root / "log.txt")
    return _read(stats)


def _read(path: Path) -> Profile:
    found: Mapping[_Function, tuple[int, int, float, float, object]] = pstats.Stats(str(path)).stats  # type: ignore[attr-defined]
    kinds: Counter[str] = Counter()
    own = []
    for function, (_, calls, itself, together, _) in found.items():
        kinds[spent_on(function)] += itself  # type: ignore[assignment] # counters count seconds as well
        file, line, name = function
        if "lambda_backend/" in file and name != "<module>":
            own.append((f"{file.rpartition('lambda_backend/')[2]}:{line} {name}", calls, together))
    own.sort(key=lambda one: -one[2])
    return Profile(total=sum(kinds.values()), kinds=dict(kinds.most_common()), functions=tuple(own))


def spent_on(function: tuple[str, int, str]) -> str:
    """What a function's own time is spent on.

    Args:
        function: file, line and name, as pstats has them.
    """
    text = f"{function[0].replace(chr(92), '/')} {function[2]}"
    return next((kind for kind, pattern in _KINDS if pattern.search(text)), "the standard library and other packages")


def profile_page(suite: Suite, tools: Tools, workloads: Sequence[Workload], scenarios: Sequence[Scenario]) -> str:
    """A Markdown page: for each workload and scenario what our hook's time is spent on, beside the floor.

    A profiled build is slower than one that is not, so what counts of it are shares; they are put on the median of
    builds that were only timed.

    Raises:
        BenchmarkError: a build failed.
    """
    ours = Ours(tools=tools, start="hooks")
    beside = (
        Setuptools(tools=tools, start="hooks"),
        Floor(tools=tools, what="start"),
        Floor(tools=tools, what="install"),
    )
    lines = ["# Where the time goes", ""]
    for workload in workloads:
        able = [one for one in beside if one.why_not(workload) is None]
        for scenario in scenarios:
            results = list(suite.run(workload, [scenario], [ours, *able]))
            median = spread(results[0].seconds).median
            lines += [f"## {workload.key} ({workload.title}): {scenario.title}", ""]
            lines += [f"The hook takes {median * 1000:.0f} ms."]
            lines += [f"{one.title}: {spread(one.seconds).median * 1000:.0f} ms." for one in results[1:]]
            # The least disturbed of them.
            tries = (profiled(ours, suite.prepared(ours, workload, scenario), workload) for _ in range(suite.runs))
            found = min(tries, key=lambda one: one.total)
            lines += ["", *_profile_tables(found, median), ""]
    return "\n".join(lines)


def _profile_tables(found: Profile, median: float) -> Iterator[str]:
    scale = median / found.total
    yield "| spent on | ms | share |"
    yield "|---|---:|---:|"
    for kind, seconds in found.kinds.items():
        if seconds / found.total >= _LEAST:
            yield f"| {kind} | {seconds * scale * 1000:.0f} | {seconds / found.total:.0%} |"
    yield ""
    yield "| lambda-backend's functions, with all that they call | calls | ms |"
    yield "|---|---:|---:|"
    for name, calls, seconds in found.functions[:_FUNCTIONS]:
        yield f"| `{name}` | {calls} | {seconds * scale * 1000:.0f} |"
