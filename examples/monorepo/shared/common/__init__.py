"""Money, in cents, as text."""

from __future__ import annotations


def money(cents: int) -> str:
    return f"£{cents // 100}.{cents % 100:02}"
