"""Proves that a zip does its work: it is unpacked, and its handler runs with nothing else on the path."""

from __future__ import annotations

import re
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.clock import BenchmarkError
from benchmarks.contestants.layout import handler
from benchmarks.model import PROJECT
from benchmarks.tools import interpreter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.model import Function, State, Workload

__all__ = ["Held", "held", "prove"]

_METADATA = re.compile(r"([^/]+)-([^/-]+)\.dist-info/METADATA")
_CALL = """\
import importlib, sys
sys.path.insert(0, sys.argv[1])
sys.stdout.write(str(importlib.import_module(sys.argv[2]).handler({}, None)))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What the zips of one build hold together."""

    size: int
    """Bytes of the zips."""
    unzipped: int
    files: int
    distributions: tuple[tuple[str, ...], ...]
    """``name==version`` of each zip's distributions, sorted; the project itself aside."""


def held(zips: Sequence[Path]) -> Held:
    """Look into zips.

    Raises:
        BenchmarkError: one is not there.
    """
    unzipped = files = 0
    distributions = []
    for path in zips:
        if not path.is_file():
            raise BenchmarkError(f"{path} was not made")
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        unzipped += sum(entry.file_size for entry in entries)
        files += len(entries)
        matches = filter(None, (_METADATA.fullmatch(entry.filename) for entry in entries))
        found = {f"{re.sub(r'[-_.]+', '-', match[1]).lower()}=={match[2]}" for match in matches}
        distributions.append(tuple(sorted(name for name in found if not name.startswith(f"{PROJECT}=="))))
    size = sum(path.stat().st_size for path in zips)
    return Held(size=size, unzipped=unzipped, files=files, distributions=tuple(distributions))


def prove(zips: Sequence[Path], workload: Workload, state: State, *, runs: bool) -> Held:
    """Hold zips against what was asked for.

    Args:
        zips: in the order of the functions.
        workload: what was asked for.
        state: how far the project had come.
        runs: unpack one for each lock and call its handler, too.

    Raises:
        BenchmarkError: other distributions than in the lock, an old handler, or one that does not run.
    """
    found = held(zips)
    ran: set[tuple[str, ...]] = set()
    for path, function, there in zip(zips, workload.functions, found.distributions, strict=True):
        pins = tuple(sorted(pin for pin in workload.pins(function, state)))
        if there != pins:
            lacking, more = sorted(set(pins) - set(there)), sorted(set(there) - set(pins))
            raise BenchmarkError(f"{path} lacks {lacking} of the lock, and holds {more} beside it")
        name = f"{handler(workload).replace('.', '/')}.py"
        with zipfile.ZipFile(path) as archive:
            if archive.read(name).decode() != workload.code(function, state):
                raise BenchmarkError(f"{path}: {name} is not as it was edited")
        if runs and pins not in ran:
            ran.add(pins)
            _call(path, function, workload, state)
    return found


def _call(path: Path, function: Function, workload: Workload, state: State) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        # No site-packages, no variables: the zip alone.
        argv = [str(interpreter(workload.python)), "-I", "-S", "-c", _CALL, folder, handler(workload)]
        answer = subprocess.run(argv, capture_output=True, text=True, check=False)
    if answer.returncode != 0 or answer.stdout != str(workload.edits(function, state)):
        raise BenchmarkError(f"{path}: {function.name} answers {answer.stdout!r}\n{answer.stderr}")
