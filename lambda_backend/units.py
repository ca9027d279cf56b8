"""Figures in words."""

from __future__ import annotations

__all__ = ["human_size"]


def human_size(size: int) -> str:
    """Bytes in words, binary units: ``512 B``, ``1.5 KiB``, ``98.2 MiB``."""
    value = float(size)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:  # noqa: PLR2004 - the unit's own number
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
