"""Workloads for the cost curve: more functions, more bytes, more files."""

from __future__ import annotations

import base64
import hashlib
import random
import zipfile
from typing import TYPE_CHECKING

from benchmarks.model import Bump, Function, Workload
from benchmarks.workloads import shared

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FILES", "FUNCTIONS", "MEGABYTES", "curve", "fill", "filler"]

FUNCTIONS = (1, 10, 50, 200)
MEGABYTES = (10, 50, 100, 250)
FILES = (100, 1_000, 10_000, 30_000)
_MB = 1_000_000
_NO_BUMP = Bump(name="none", versions=("0",))


def curve() -> tuple[Workload, ...]:
    """The points of the curve, axis by axis; :func:`fill` makes what those that are run install."""
    return (
        *(
            Workload(
                key=f"functions-{count}",
                title=f"{count} function{'s' * (count > 1)} over five dependency sets",
                functions=shared(count),
                bump=_NO_BUMP,
            )
            for count in FUNCTIONS
        ),
        *(_filled(f"size-{megabytes}", f"{megabytes} MB in 1,000 files") for megabytes in MEGABYTES),
        *(_filled(f"files-{files}", f"{files:,} files of 1 kB") for files in FILES),
    )


def fill(folder: Path, workload: Workload) -> None:
    """Make the wheel that a point installs, where it is one of ours."""
    axis, _, amount = workload.key.partition("-")
    if axis == "size":
        filler(folder, f"filler-{workload.key}", size=int(amount) * _MB, files=1_000)
    elif axis == "files":
        filler(folder, f"filler-{workload.key}", size=int(amount) * 1_000, files=int(amount))


def _filled(key: str, title: str) -> Workload:
    name = f"filler-{key}"
    return Workload(
        key=key,
        title=title,
        functions=(Function(name="function", imports=(name.replace("-", "_"),), pins=(f"{name}==1.0",)),),
        bump=_NO_BUMP,
    )


def filler(folder: Path, name: str, *, size: int, files: int) -> Path:
    """A wheel of modules and data that compresses to about a third, as libraries do; made once.

    Args:
        folder: where to.
        name: of the distribution.
        size: bytes of all its files together.
        files: how many.
    """
    package = name.replace("-", "_")
    path = folder / f"{package}-1.0-py3-none-any.whl"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(name)  # noqa: S311 - the same bytes each time are what is wanted
    record = []
    partial = path.with_suffix(".part")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(inside: str, content: bytes) -> None:
            archive.writestr(inside, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{inside},sha256={digest},{len(content)}\n")

        add(f"{package}/__init__.py", b"")
        each = size // files
        for number in range(files - 1):
            noise = chance.randbytes(each // 3)
            add(f"{package}/d{number // 500:03}/f{number:05}.dat", (noise + b"lambda " * each)[:each])
        info = f"{package}-1.0.dist-info"
        add(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode())
        add(f"{info}/WHEEL", b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "".join([*record, f"{info}/RECORD,,\n"]))
    partial.rename(path)
    return path
