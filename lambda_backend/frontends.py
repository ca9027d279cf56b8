"""What calls the hooks, where that matters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["keeps_only_the_wheel"]


def keeps_only_the_wheel(environ: Mapping[str, str], wheel_directory: Path | None) -> str | None:
    """The frontend that throws away what lies beside the wheel, or None.

    pip calls the same hook for ``pip install`` and ``pip wheel``, builds into a temporary folder and keeps only the
    wheel; it sets PIP_BUILD_TRACKER for everything it builds. ``uv pip install`` and ``uv sync`` build into uv's
    cache, which is marked with a CACHEDIR.TAG as all caches are; ``uv build`` names the user's own folder.
    """
    if "PIP_BUILD_TRACKER" in environ:
        return "pip"
    if wheel_directory is not None:
        folder = Path(wheel_directory).absolute()
        if "UV" in environ and any((parent / "CACHEDIR.TAG").is_file() for parent in (folder, *folder.parents)):
            return "uv"
    return None
