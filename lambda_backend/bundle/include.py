"""The files that an ``include`` adds."""

from __future__ import annotations

import fnmatch
import os
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_backend.bundle.excludes import Excludes
from lambda_backend.bundle.model import Member
from lambda_backend.bundle.paths import normalised, path_problem
from lambda_backend.bundle.walk import Found, Problem, refuse, walk
from lambda_backend.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["include_members"]

_ANY_DEPTH = "**"


def include_members(
    from_pattern: str,
    to: str,
    *,
    root: Path,
    key: str,
    excludes: Excludes | None = None,
    outputs: Sequence[Path] = (),
) -> tuple[Member, ...]:
    """The files that a pattern matches, sorted by path.

    A file keeps its path below the first wildcard's folder: ``conf/*.json`` with ``to = "conf"`` gives
    ``conf/NAME``, ``data/**/*.csv`` with ``to = ""`` gives what lies below ``data``. A folder, written out or matched,
    brings its whole tree; one that is written out leaves its own name behind.

    Args:
        from_pattern: relative to the project; ``*``, ``?`` and ``[…]`` inside a name, ``**`` for any depth.
        to: folder in the zip; empty or ``.`` for its root.
        root: the project's folder.
        key: where the include is written, for errors (``tool.lambda.include[0]``).
        excludes: the artefact's; what they leave out may be a broken link, and ``!pattern`` takes a default back in.
        outputs: folders that builds write to; a pattern that starts above one does not look into it.

    Raises:
        BundleError: nothing matches, or a match leaves the project, also by a link.
    """
    anchor, wild = _split(from_pattern, key)
    prefix = normalised("/".join(segment for segment in to.split("/") if segment not in {"", "."}))
    if prefix and (problem := path_problem(prefix)):
        raise BundleError(f"{key}.to: {to!r} {problem}")
    start = root.joinpath(*anchor)
    _refuse_outside(start, root, from_pattern, key)
    if start.is_file() and not wild:
        state = start.stat()
        files: Sequence[Found] = (Found(normalised(start.name), start, bool(state.st_mode & 0o100), state.st_size),)
    elif start.is_dir():
        search = _Search(start, wild or [_ANY_DEPTH], prefix, root, outputs)
        files, problems = search.files(excludes or Excludes())
        refuse(f"{key}: {from_pattern!r}", problems)
        if not files and excludes and any(search.files(Excludes())):
            return ()
    else:
        files = ()
    if not files:
        raise BundleError(
            f"{key}.from: nothing matches {from_pattern!r}",
            hint="it is relative to pyproject.toml's folder; caches and virtual environments are left out",
        )
    return tuple(
        Member(
            path=f"{prefix}/{found.path}" if prefix else found.path,
            source=found.source,
            executable=found.executable,
            owner="include",
        )
        for found in files
    )


def _split(pattern: str, key: str) -> tuple[list[str], list[str]]:
    """The folders up to the first wildcard, and the segments from there."""
    segments = [segment for segment in pattern.split("/") if segment not in {"", "."}]
    if ".." in segments or pattern.startswith("/") or Path(pattern).is_absolute():
        raise BundleError(f"{key}.from: {pattern!r} leaves the project", hint="copy the files below pyproject.toml")
    wild = next((index for index, segment in enumerate(segments) if set(segment) & set("*?[")), len(segments))
    return segments[:wild], [normalised(segment) for segment in segments[wild:]]


def _refuse_outside(start: Path, root: Path, pattern: str, key: str) -> None:
    real_root = os.path.realpath(root)
    if os.path.commonpath([os.path.realpath(start), real_root]) != real_root:
        raise BundleError(
            f"{key}.from: {pattern!r} leaves the project by a link", hint="copy the files below pyproject.toml"
        )


class _Search:
    """What a pattern matches below the folder that it starts in."""

    def __init__(self, start: Path, wild: Sequence[str], prefix: str, root: Path, outputs: Sequence[Path]) -> None:
        self._start = start
        self._wild = wild
        self._prefix = prefix
        self._root = root
        # What builds leave in the project's folder would show in the next artefact.
        self._written = {os.path.realpath(path) for path in (root / "build", root / "dist", *outputs)}

    def files(self, excludes: Excludes) -> tuple[tuple[Found, ...], tuple[Problem, ...]]:
        is_project = self._start == self._root

        def skip(path: str, source: Path, *, is_dir: bool) -> bool:
            states = _states(self._wild, path)
            if not (states if is_dir else len(self._wild) in states):
                return True
            if is_dir and os.path.realpath(source) in self._written:
                return True
            place = f"{self._prefix}/{path}" if self._prefix else path
            return excludes.excluded_include(path, place, source, is_dir=is_dir, is_project=is_project)

        return walk(self._start, boundary=self._root, skip=skip)


def _states(wild: Sequence[str], path: str) -> set[int]:
    """How many segments of the pattern a path can use up; all of them means that it, or a folder above it, matches."""
    states = _skipping(wild, {0})
    for name in path.split("/"):
        if len(wild) in states:
            # The folder above matches; it brings its tree.
            return {len(wild)}
        stay = {state for state in states if wild[state] == _ANY_DEPTH}
        states = _skipping(wild, stay | {state + 1 for state in states if fnmatch.fnmatchcase(name, wild[state])})
    return states


def _skipping(wild: Sequence[str], states: set[int]) -> set[int]:
    """With the states that come of a ``**`` that stands for no folder; a last ``**`` stands for one name at least."""
    reached = set(states)
    for state in sorted(states):
        current = state
        while current < len(wild) - 1 and wild[current] == _ANY_DEPTH:
            current += 1
            reached.add(current)
    return reached
