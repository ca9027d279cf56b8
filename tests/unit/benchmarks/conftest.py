from __future__ import annotations

import sys

import pytest

from benchmarks import proof, suite


@pytest.fixture(autouse=True)
def any_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof runs in this Python, and in the runtime's own in tests/integration."""
    for module in (proof, suite):
        monkeypatch.setattr(module, "interpreter", lambda _: sys.executable)
