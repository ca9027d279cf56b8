"""What one file's bytes tell."""

from __future__ import annotations

from lambda_backend.facts.binary import binary_facts
from lambda_backend.facts.bytecode import source_time
from lambda_backend.facts.model import Facts

__all__ = ["VERSION", "facts_of"]

VERSION = 3
"""Raised when the same bytes would give other facts than an older version of ours found."""


def facts_of(path: str, data: bytes) -> Facts | None:
    """What one file's bytes tell, or None.

    Args:
        path: in the artefact; some names tell what to expect.
        data: all of its bytes.
    """
    # Its patterns are compiled by its import, and a build that changes nothing reads no file.
    from lambda_backend.facts.credentials import credentials_in

    elf, foreign = binary_facts(data)
    secrets, time = credentials_in(path, data), source_time(path, data)
    if elf is None and foreign is None and not secrets and time is None:
        return None
    return Facts(elf=elf, foreign=foreign, secrets=secrets, source_time=time)
