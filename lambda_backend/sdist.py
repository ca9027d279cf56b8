"""The sdist holds everything that the Lambda step reads, so that sdist-then-wheel gives the same artefacts."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["complete"]


def complete(sdist: Path, sources: Mapping[str, Path]) -> tuple[str, ...]:
    """Add the files that a ``.tar.gz`` sdist lacks; gives their paths.

    What is there stays as the wheel backend made it. Links are added as the files they lead to. The time stamps of what
    is added are the sdist's newest, so they depend on nothing but the sdist itself.

    Args:
        sdist: rewritten in place when something is missing.
        sources: files by their path relative to the project.
    """
    with tarfile.open(sdist, "r:gz") as archive:
        members = archive.getmembers()
        top = members[0].name.split("/", 1)[0] if members else sdist.name.removesuffix(".tar.gz")
        present = {member.name for member in members}
        missing = {path: source for path, source in sources.items() if f"{top}/{path}" not in present}
        if not missing:
            return ()
        rewritten = sdist.with_name(f"{sdist.name}.new")
        newest = int(max((member.mtime for member in members), default=0))
        # The time in gzip's header would make two builds differ.
        with (
            rewritten.open("wb") as raw,
            gzip.GzipFile("", "wb", fileobj=raw, mtime=newest) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as target,
        ):
            for member in members:
                target.addfile(member, archive.extractfile(member) if member.isreg() else None)
            for path, source in sorted(missing.items()):
                content = source.read_bytes()
                added = tarfile.TarInfo(f"{top}/{path}")
                added.size = len(content)
                added.mtime = newest
                added.mode = 0o755 if source.stat().st_mode & 0o100 else 0o644
                target.addfile(added, io.BytesIO(content))
    rewritten.replace(sdist)
    return tuple(sorted(missing))
