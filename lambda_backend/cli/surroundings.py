"""What running a function by a command needs to know of this process."""

from __future__ import annotations

import os

from lambda_backend.cache import Cache
from lambda_backend.report.words import Words
from lambda_backend.running.model import Surroundings

__all__ = ["surroundings"]


def surroundings(network: str | None) -> Surroundings:
    """Of this process; what is said goes to standard error.

    Args:
        network: of containers; None for the engine's default.
    """
    words = Words(verbose=bool(os.environ.get("LAMBDA_BACKEND_VERBOSE")))
    return Surroundings(
        environ=os.environ,
        cache=Cache.default(os.environ),
        say=words.say,
        detail=words.detail,
        log=words.block,
        network=network,
    )
