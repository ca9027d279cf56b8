"""The records of a zip file, after PKWARE's APPNOTE 6.3.10 (its section numbers are in the comments)."""

from __future__ import annotations

import datetime as dt
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambda_backend.archive.model import ArchivedMember

__all__ = [
    "DEFLATED",
    "STORED",
    "TIMESTAMP_FIELD",
    "central_header",
    "end_of_directory",
    "local_header",
    "moment",
    "pack_timestamp",
    "timestamp",
]

STORED = 0
DEFLATED = 8

TIMESTAMP_FIELD = 10
"""Where the time stamp lies in a local header (4.3.7)."""

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_STAMP = struct.Struct("<L")

_UNIX = 3 << 8
_VERSION = 20
_VERSION_64 = 45
_UTF8 = 1 << 11
_MAX_16 = 0xFFFF
_MAX_32 = 0xFFFFFFFF
_EXTRA_64 = 1
_REGULAR = 0o100000

_FIRST = dt.datetime(1980, 1, 1, tzinfo=dt.timezone.utc)
_LAST = dt.datetime(2107, 12, 31, 23, 59, 58, tzinfo=dt.timezone.utc)


def timestamp(epoch: int | None) -> int:
    """MS-DOS date and time (4.4.6) of seconds since 1970 in UTC; 1980-01-01 for None; clamped to 1980…2107."""
    if epoch is None or epoch < _FIRST.timestamp():
        moment = _FIRST
    elif epoch > _LAST.timestamp():
        moment = _LAST
    else:
        moment = dt.datetime.fromtimestamp(epoch, tz=dt.timezone.utc)
    date = (moment.year - 1980) << 9 | moment.month << 5 | moment.day
    time = moment.hour << 11 | moment.minute << 5 | moment.second // 2
    return date << 16 | time


def moment(stamp: int) -> dt.datetime | None:
    """The time, in UTC, of a time stamp; None for 1980-01-01, which stands for no time."""
    date, time = stamp >> 16, stamp & _MAX_16
    found = dt.datetime(
        (date >> 9) + 1980,
        date >> 5 & 0xF,
        date & 0x1F,
        time >> 11,
        time >> 5 & 0x3F,
        (time & 0x1F) * 2,
        tzinfo=dt.timezone.utc,
    )
    return None if found == _FIRST else found


def pack_timestamp(stamp: int) -> bytes:
    """The four bytes of a time stamp as they lie in a header."""
    return _STAMP.pack(stamp)


def _name(path: str) -> tuple[bytes, int]:
    """A name as it lies in a header, and the flags that tell how."""
    # Appendix D: without the flag a name is CP437, which agrees with ASCII.
    return path.encode(), 0 if path.isascii() else _UTF8


def _extra_64(*values: int) -> bytes:
    """The zip64 extra field (4.5.3) with the values given, or nothing."""
    if not values:
        return b""
    return struct.pack(f"<2H{len(values)}Q", _EXTRA_64, 8 * len(values), *values)


def local_header(member: ArchivedMember, stamp: int) -> bytes:
    """What comes before a member's data (4.3.7)."""
    name, flags = _name(member.path)
    large = member.size >= _MAX_32 or member.compressed_size >= _MAX_32
    # 4.5.3: in a local header the extra field must hold both sizes.
    extra = _extra_64(member.size, member.compressed_size) if large else b""
    fixed = _LOCAL.pack(
        b"PK\3\4",
        _VERSION_64 if large else _VERSION,
        flags,
        member.method,
        stamp & _MAX_16,
        stamp >> 16,
        member.crc,
        _MAX_32 if large else member.compressed_size,
        _MAX_32 if large else member.size,
        len(name),
        len(extra),
    )
    return fixed + name + extra


def central_header(member: ArchivedMember, stamp: int) -> bytes:
    """A member's row in the central directory (4.3.12)."""
    name, flags = _name(member.path)
    size, compressed_size, offset = member.size, member.compressed_size, member.offset
    extra, version = b"", _VERSION
    if max(size, compressed_size, offset) >= _MAX_32:
        # 4.5.3: in this order, and only those whose own field is full.
        extra = _extra_64(*(field for field in (size, compressed_size, offset) if field >= _MAX_32))
        version = _VERSION_64
        size, compressed_size, offset = (min(field, _MAX_32) for field in (size, compressed_size, offset))
    fixed = _CENTRAL.pack(
        b"PK\1\2",
        _UNIX | version,
        version,
        flags,
        member.method,
        stamp & _MAX_16,
        stamp >> 16,
        member.crc,
        compressed_size,
        size,
        len(name),
        len(extra),
        0,  # comment
        0,  # disk
        0,  # internal attributes
        (_REGULAR | (0o755 if member.executable else 0o644)) << 16,
        offset,
    )
    return fixed + name + extra


def end_of_directory(*, count: int, size: int, offset: int) -> bytes:
    """What comes after the central directory of ``count`` rows and ``size`` bytes, which starts at ``offset``."""
    end = _END.pack(
        b"PK\5\6", 0, 0, min(count, _MAX_16), min(count, _MAX_16), min(size, _MAX_32), min(offset, _MAX_32), 0
    )
    # 4.4.1.4: a full field means that the zip64 record holds the value, so a value that just fills it needs one too.
    if count < _MAX_16 and size < _MAX_32 and offset < _MAX_32:
        return end
    # 4.3.14: the size of the record leaves out its first 12 bytes.
    remaining = _END_64.size - 12
    end_64 = _END_64.pack(b"PK\6\6", remaining, _UNIX | _VERSION_64, _VERSION_64, 0, 0, count, count, size, offset)
    return end_64 + _LOCATOR_64.pack(b"PK\6\7", 0, offset + size, 1) + end
