"""What compiled bytecode (``.pyc``) asks of its source."""

from __future__ import annotations

import struct

__all__ = ["source_time"]

_BY_TIME = 0


def source_time(path: str, data: bytes) -> int | None:
    """The time that bytecode's source must have to be used; None for any other file, and where hashes decide.

    Args:
        path: in the artefact.
        data: all of its bytes.
    """
    # PEP 552: magic number, flags, and with no flag the source's modification time and size.
    if not path.endswith(".pyc") or len(data) < struct.calcsize("<4xIII"):
        return None
    flags, time, _ = struct.unpack_from("<4xIII", data)
    return int(time) if flags == _BY_TIME else None
