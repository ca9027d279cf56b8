"""The scenarios: what has changed since the build before."""

from __future__ import annotations

from benchmarks.model import Scenario

__all__ = ["SCENARIOS"]

SCENARIOS = (
    Scenario(key="cold", title="nothing cached, all downloaded", forgets_packages=True, forgets_build=True),
    Scenario(key="new", title="dependencies new, package caches warm", forgets_build=True),
    Scenario(key="bump", title="one small dependency bumped", bumps=True),
    Scenario(key="edit", title="code edited", edits=True),
    Scenario(key="same", title="nothing changed"),
)
