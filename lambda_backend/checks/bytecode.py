"""Bytecode that Python does not use: it takes room, and every cold start compiles its sources all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.checks.model import Problem
from lambda_backend.patterns import pattern
from lambda_backend.units import human_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lambda_backend.checks.model import File, Subject

__all__ = ["check"]

_CACHED = pattern(r"(?P<folder>(?:.*/)?)__pycache__/(?P<name>[^/.]+)\.(?P<tag>[^/.]+)(?:\.opt-\w+)?\.pyc")
"""PEP 3147, PEP 488."""
_APART = 24 * 60 * 60
"""Seconds. A zip has local time, in steps of two seconds: what differs by less may be the same time."""


def check(subject: Subject) -> Iterator[Problem]:
    """What was compiled for another Python, or is checked by a time that its source no longer has."""
    runtime = subject.target.runtime
    tag = "cpython-{}{}".format(*runtime.version)
    others: dict[str, list[File]] = {}
    stale: list[File] = []
    for path, file in subject.files.items():
        found = _CACHED.fullmatch(path)
        if found is None:
            continue
        if found["tag"] != tag:
            others.setdefault(found["tag"], []).append(file)
        elif _is_stale(subject, path, f"{found['folder']}{found['name']}.py"):
            stale.append(file)
    for other, files in sorted(others.items()):
        yield Problem(
            message=f"{_counted(files)} of bytecode (.pyc) for {other}, which {runtime.name} never reads",
            hint=f"leave out __pycache__, or compile with Python {runtime.python_version}",
            warns=True,
        )
    if stale:
        yield Problem(
            message=f"{_counted(stale)} of bytecode (.pyc) that {runtime.name} reads and throws away: it is for "
            "sources of another time than the zip gives them, so that every cold start compiles them again",
            hint="leave out __pycache__, or compile by hash: "
            "python -m compileall --invalidation-mode unchecked-hash, or SOURCE_DATE_EPOCH=0 pip install",
            warns=True,
        )


def _is_stale(subject: Subject, path: str, source: str) -> bool:
    facts = subject.facts.get(path)
    if facts is None or facts.source_time is None or source not in subject.files:
        return False
    modified = subject.files[source].modified
    return modified is None or abs(modified - facts.source_time) > _APART


def _counted(files: Sequence[File]) -> str:
    size = human_size(sum(file.size for file in files))
    return f"1 file ({size})" if len(files) == 1 else f"{len(files):,} files ({size})"
