"""For all tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest


@pytest.hookimpl(tryfirst=True)  # ahead of pytest-xdist's own, which makes workers of these options
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Give every processor a part of the files, unless single files or tests were asked for, or ``-n``."""
    option = config.option
    asked = getattr(option, "numprocesses", 0)  # 0: without pytest-xdist
    if asked is None and "PYTEST_XDIST_WORKER" not in os.environ and all(Path(path).is_dir() for path in config.args):
        # A file stays with one worker, and its fixtures with it; the files in the order of testpaths, long ones first.
        option.numprocesses, option.dist, option.loadscopereorder = "logical", "loadfile", False


def pytest_configure() -> None:
    # A shell that runs the tests in the background lets them ignore SIGINT, and what they start would inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
