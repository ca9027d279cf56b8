"""Results as they are kept: plain data, in JSON."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Result", "Results", "machine", "read", "write"]

SCHEMA = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One contestant in one scenario of one workload."""

    workload: str
    scenario: str
    contestant: str
    title: str
    script: str
    """What was timed; the contestant's own folder is ``$PLACE``, that of the tools ``$TOOLS``."""
    seconds: tuple[float, ...]
    """Round by round, in the order of the rounds."""
    processor: tuple[float, ...]
    """Seconds of processors in the same rounds, without those of containers."""
    memory: int | None = None
    """Peak of all processes together, in bytes."""
    size: int | None = None
    """Of the zips, in bytes."""
    unzipped: int | None = None
    files: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """Everything of one run of the suite."""

    machine: dict[str, str]
    titles: dict[str, str]
    """Of workloads and scenarios, by key."""
    results: tuple[Result, ...]
    left_out: tuple[tuple[str, str, str], ...] = field(default=())
    """Workload, contestant, and why it took no part."""


def machine() -> dict[str, str]:
    """What the machine is, in words; nothing of who it belongs to."""
    return {
        "date": dt.datetime.now(dt.timezone.utc).date().isoformat(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "processors": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "python": platform.python_version(),
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def write(results: Results, path: Path) -> None:
    """Keep results."""
    document = {"schema": SCHEMA, **dataclasses.asdict(results)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def read(path: Path) -> Results:
    """Read what :func:`write` has kept.

    Raises:
        ValueError: it is of another schema.
    """
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if document.get("schema") != SCHEMA:
        raise ValueError(f"{path} is of schema {document.get('schema')}, and not {SCHEMA}")
    found = tuple(
        Result(**{**item, "seconds": tuple(item["seconds"]), "processor": tuple(item["processor"])})
        for item in document["results"]
    )
    left_out = tuple((one, two, three) for one, two, three in document["left_out"])
    return Results(machine=document["machine"], titles=document["titles"], results=found, left_out=left_out)
