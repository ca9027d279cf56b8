"""The sandbox's command line."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from . import jobs
from .process import adopt_orphans

if TYPE_CHECKING:
    from types import FrameType


def _main(path: str) -> None:
    job = json.loads(Path(path).read_text("utf-8"))
    signal.signal(signal.SIGTERM, _end)
    if job["leash"]:
        threading.Thread(target=_follow, daemon=True).start()
    adopt_orphans()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    document = {"invoke": jobs.invoke, "import": jobs.import_handler}[job["mode"]](job)
    sys.stdout.write(json.dumps(document))
    sys.stdout.flush()
    # Threads that a request of the function still keeps waiting have nothing left to do.
    os._exit(0)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + signal.SIGTERM)


def _follow() -> None:
    """End with whoever holds the other end of standard input, however that one ended."""
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    _main(sys.argv[1])
