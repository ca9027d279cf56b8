"""Puts changed modules into a wheel, as setuptools would have: which copies them as they are."""

from __future__ import annotations

import base64
import hashlib
import time
import zipfile
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lambda_backend.inputs.files import State

__all__ = ["copied", "patch"]

_FIRST_TIME = 315_532_800
"""1980-01-01, the first that a zip can hold."""
_PLAIN = frozenset('",\r\n')


def copied(wheel: Path, sources: Mapping[str, State]) -> dict[str, str]:
    """Modules in the project that are in a wheel as they are and nowhere else, with their names there.

    Args:
        wheel: the wheel.
        sources: what was read to make it, by paths from the project's root.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        digests = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in names}
    if any(PurePosixPath(name).parts[0].endswith(".data") for name in names):
        return {}  # a script has another first line than its source, and may be a module too
    inside = {name for name in names if not PurePosixPath(name).parts[0].endswith(".dist-info")}
    # A licence is there once more.
    described = {digest for name, digest in digests.items() if name not in inside}
    places: dict[str, list[str]] = defaultdict(list)
    for source in sources:
        parts = PurePosixPath(source).parts
        for start in range(len(parts)):
            places["/".join(parts[start:])].append(source)
    found = {}
    for name in inside:
        candidates = [source for source in places[name] if sources[source].sha256 == digests[name]]
        is_module = name.endswith(".py") and _PLAIN.isdisjoint(name)
        if is_module and len(candidates) == 1 and digests[name] not in described:
            found[candidates[0]] = name
    return found


def patch(wheel: Path, changed: Mapping[str, Path], *, epoch: str | None) -> None:
    """Replace members of a wheel by sources of other contents, in its RECORD too.

    Args:
        wheel: the wheel.
        changed: what takes their place, by their names.
        epoch: ``SOURCE_DATE_EPOCH``, which dates files for setuptools.
    """
    patched = wheel.with_suffix(".patched")
    with zipfile.ZipFile(wheel) as before, zipfile.ZipFile(patched, "w", zipfile.ZIP_DEFLATED) as after:
        lines = {}
        for info in before.infolist():
            content = before.read(info)
            if (source := changed.get(info.filename)) is not None:
                content = source.read_bytes()
                info.date_time = _date_time(int(epoch or source.stat().st_mtime))
                lines[info.filename] = _line(info.filename, content)
            elif info.filename.endswith(".dist-info/RECORD"):
                content = _with_lines(content.decode(), lines).encode()
            after.writestr(info, content)
    patched.replace(wheel)


def _with_lines(record: str, lines: Mapping[str, str]) -> str:
    """A RECORD, which comes last in a wheel, with other lines for some files."""
    return "".join(lines.get(line.rpartition(",sha256=")[0], line) for line in record.splitlines(keepends=True))


def _line(name: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}\n"


def _date_time(seconds: int) -> tuple[int, int, int, int, int, int]:
    year, month, day, hour, minute, second, *_ = time.gmtime(max(seconds, _FIRST_TIME))
    return year, month, day, hour, minute, second
