from __future__ import annotations

import datetime as dt
import struct
import zipfile

import pytest

from lambda_backend.archive import format as zip_format
from lambda_backend.archive.model import ArchivedMember

GIB = 1 << 30
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def member(path: str = "a", *, size: int = 3, compressed_size: int = 2, offset: int = 0) -> ArchivedMember:
    return ArchivedMember(
        path=path,
        size=size,
        compressed_size=compressed_size,
        crc=7,
        method=zip_format.DEFLATED,
        offset=offset,
        sha256=EMPTY,
        executable=False,
        owner="",
        stripped=0,
    )


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [
        (None, (1980, 1, 1, 0, 0, 0)),
        (0, (1980, 1, 1, 0, 0, 0)),
        (-(10**18), (1980, 1, 1, 0, 0, 0)),
        (1_700_000_001, (2023, 11, 14, 22, 13, 20)),
        (4_354_819_198, (2107, 12, 31, 23, 59, 58)),
        (10**18, (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_timestamp_is_utc_and_clamped(epoch: int | None, expected: tuple[int, ...]) -> None:
    stamp = zip_format.timestamp(epoch)
    date, time = stamp >> 16, stamp & 0xFFFF
    found = (1980 + (date >> 9), date >> 5 & 15, date & 31, time >> 11, time >> 5 & 63, (time & 31) * 2)
    assert found == expected


def test_small_headers_have_no_extra_field() -> None:
    stamp = zip_format.timestamp(None)
    assert len(zip_format.local_header(member(), stamp)) == 30 + 1
    assert len(zip_format.central_header(member(), stamp)) == 46 + 1


def test_only_a_name_that_is_not_ascii_has_the_utf8_flag() -> None:
    for path, flags in (("a", 0), ("é", 0x800)):
        assert struct.unpack_from("<H", zip_format.local_header(member(path), 0), 6) == (flags,)
        assert struct.unpack_from("<H", zip_format.central_header(member(path), 0), 8) == (flags,)


def test_time_stamp_lies_where_it_is_patched() -> None:
    stamp = zip_format.timestamp(1_700_000_000)
    header = zip_format.local_header(member(), stamp)
    assert header[zip_format.TIMESTAMP_FIELD :][:4] == zip_format.pack_timestamp(stamp)


def test_local_header_of_a_large_file_holds_both_sizes() -> None:
    header = zip_format.local_header(member(size=5 * GIB, compressed_size=2), 0)
    assert struct.unpack_from("<H", header, 4) == (45,)
    assert struct.unpack_from("<2L", header, 18) == (0xFFFFFFFF, 0xFFFFFFFF)
    assert struct.unpack("<2H2Q", header[31:]) == (1, 16, 5 * GIB, 2)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"size": 5 * GIB}, (5 * GIB,)),
        ({"size": 5 * GIB, "compressed_size": 0xFFFFFFFF}, (5 * GIB, 0xFFFFFFFF)),
        ({"offset": 6 * GIB}, (6 * GIB,)),
        ({"size": 5 * GIB, "compressed_size": 4 * GIB, "offset": 6 * GIB}, (5 * GIB, 4 * GIB, 6 * GIB)),
    ],
)
def test_central_header_has_the_fields_that_do_not_fit(sizes: dict[str, int], expected: tuple[int, ...]) -> None:
    header = zip_format.central_header(member(**sizes), 0)
    assert struct.unpack(f"<2H{len(expected)}Q", header[47:]) == (1, 8 * len(expected), *expected)
    # zipfile agrees.
    entry = zipfile.ZipInfo("a")
    entry.extra = header[47:]
    entry.compress_size, entry.file_size = struct.unpack_from("<2L", header, 20)
    entry.header_offset = struct.unpack_from("<L", header, 42)[0]
    entry._decodeExtra(*([0] if entry._decodeExtra.__code__.co_argcount > 1 else []))
    wanted = {"size": 3, "compressed_size": 2, "offset": 0} | sizes
    found = {"size": entry.file_size, "compressed_size": entry.compress_size, "offset": entry.header_offset}
    assert found == wanted


@pytest.mark.parametrize(
    ("count", "size", "offset", "large"),
    [
        (0xFFFE, 10, 10, False),
        (0xFFFF, 10, 10, True),
        (1, 0xFFFFFFFF, 10, True),
        (1, 10, 0xFFFFFFFF, True),
        (70_000, 5 * GIB, 6 * GIB, True),
    ],
)
def test_end_of_directory(count: int, size: int, offset: int, *, large: bool) -> None:
    end = zip_format.end_of_directory(count=count, size=size, offset=offset)
    if not large:
        assert len(end) == 22
        return
    assert len(end) == 56 + 20 + 22
    assert struct.unpack_from("<4Q", end, 24) == (count, count, size, offset)
    assert struct.unpack_from("<Q", end, 56 + 8) == (offset + size,)


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [
        (None, None),
        (0, None),
        (1_700_000_001, dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=dt.timezone.utc)),
        (1 << 40, dt.datetime(2107, 12, 31, 23, 59, 58, tzinfo=dt.timezone.utc)),
    ],
)
def test_the_moment_of_a_time_stamp(epoch: int | None, expected: dt.datetime | None) -> None:
    assert zip_format.moment(zip_format.timestamp(epoch)) == expected
