"""The table at the end of a build."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lambda_backend.targets import limits
from lambda_backend.units import human_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lambda_backend.report.model import Artifact

__all__ = ["table"]

_LARGEST = 3


def table(artifacts: Sequence[Artifact]) -> str:
    """One row an artefact, and below it its largest packages and what was left out."""
    head = ("artefact", "size", "unzipped", "of 250 MiB", "time", "dependencies")
    rows = [head, *(_row(artifact) for artifact in artifacts)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = []
    for index, row in enumerate(rows):
        cells = (
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row[:-1], widths, strict=False))
        )
        lines.append("  ".join((*cells, row[-1])).rstrip())
        if index:
            lines += [f"  {line}" for line in _below(artifacts[index - 1])]
    return "\n".join(lines)


def _row(artifact: Artifact) -> tuple[str, ...]:
    archive = artifact.archive
    if artifact.builder is None:
        origin = "none"
    else:
        origin = "from cache" if artifact.from_cache else f"installed ({artifact.builder.engine})"
    return (
        artifact.file_name,
        human_size(archive.size),
        human_size(archive.unzipped_size),
        f"{archive.unzipped_size / limits().unzipped_bytes:.1%}",
        f"{artifact.seconds:.2f} s",
        origin,
    )


def _below(artifact: Artifact) -> Iterator[str]:
    yield _largest(artifact)
    if added := artifact.bytecode_size:
        yield f"bytecode: adds {human_size(added)}"
    if saved := artifact.stripped_size:
        yield f"stripped: saves {human_size(saved)}"
    if artifact.omitted:
        names = ", ".join(f"{pin.name} {pin.version or ''}".rstrip() for pin in artifact.omitted)
        sizes = [pin.size for pin in artifact.omitted if pin.size is not None]
        archives = f" (archives of {human_size(sum(sizes))})" if len(sizes) == len(artifact.omitted) else ""
        yield f"left out: {names}{archives}"


def _largest(artifact: Artifact) -> str:
    sizes: Counter[str] = Counter()
    for member in artifact.archive.members:
        sizes[member.owner or "other files"] += member.size
    return "largest: " + ", ".join(f"{name} {human_size(size)}" for name, size in sizes.most_common(_LARGEST))
