"""The facts of many files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lambda_backend.facts.collect import facts_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambda_backend.facts.model import Facts

__all__ = ["collect"]


def collect(files: Iterable[tuple[str, Path | bytes]]) -> dict[str, Facts]:
    """By path in an artefact, as an archive has them: files with nothing to tell are left out."""
    found = ((path, facts_of(path, _bytes(source))) for path, source in files)
    return {path: facts for path, facts in found if facts is not None}


def _bytes(source: Path | bytes) -> bytes:
    return source.read_bytes() if isinstance(source, Path) else source
