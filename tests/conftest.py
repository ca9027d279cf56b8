"""For all tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    # A shell that starts a test run in the background has it ignore SIGINT, and what the tests start would inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
