from __future__ import annotations

import functools
import io
import struct
import sys
from pathlib import Path

import deflate
import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_backend.facts.binary import BROKEN, MACHO, PE, binary_facts
from tests.helpers import compiled

LIBC = ("libc.so.6", "GLIBC_2.17")
NEEDY = (LIBC, ("libstdc++.so.6", "GLIBCXX_3.4.29"), ("libplain.so.1", None))


def needy() -> bytes:
    return compiled.library(needs=NEEDY, soname="libneedy.so.3", search="$ORIGIN/../x.libs:/opt/lib")


def test_what_an_elf_file_needs() -> None:
    elf, foreign = binary_facts(needy())
    assert foreign is None
    assert elf is not None
    assert elf.machine == compiled.MACHINES[compiled.HERE]
    assert elf.bits == 64
    assert elf.soname == "libneedy.so.3"
    assert elf.needed == ("libc.so.6", "libstdc++.so.6", "libplain.so.1")
    assert elf.search == ("$ORIGIN/../x.libs", "/opt/lib")
    assert sorted(elf.versions) == [LIBC, ("libstdc++.so.6", "GLIBCXX_3.4.29")]
    assert elf.dynamic


def test_the_older_kind_of_search_path() -> None:
    elf, _ = binary_facts(compiled.library(search="$ORIGIN", old_search=True))
    assert elf is not None
    assert elf.search == ("$ORIGIN",)


def test_versions_that_the_loader_does_without_are_not_needed() -> None:
    elf, _ = binary_facts(compiled.library(needs=(LIBC,), weak=True))
    assert elf is not None
    assert elf.needed == ("libc.so.6",)
    assert elf.versions == ()


def test_sections_are_not_read() -> None:
    data = bytearray(needy())
    data[0x28:0x30] = bytes(8)  # e_shoff
    data[0x3C:0x40] = bytes(4)  # e_shnum, e_shstrndx
    assert binary_facts(bytes(data)) == binary_facts(needy())


@pytest.mark.parametrize("kind", ["static", "object"])
def test_what_is_linked_to_nothing(kind: str) -> None:
    elf, foreign = binary_facts(compiled.program(kind))
    assert foreign is None
    assert elf is not None
    assert not elf.dynamic
    assert elf.needed == elf.versions == ()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Python's own files are no ELF files")
@pytest.mark.parametrize(
    "path",
    [Path(sys.executable).resolve(), *Path(deflate.__file__).parent.glob("*.so")],
    ids=lambda path: path.name.partition(".")[0],
)
def test_sections_say_the_same(path: Path) -> None:
    """Of files that others made, told by pyelftools from their sections."""
    data = path.read_bytes()
    elf, _ = binary_facts(data)
    assert elf is not None
    needed = []
    versions = []
    for section in ELFFile(io.BytesIO(data)).iter_sections():
        if isinstance(section, DynamicSection):
            needed += [tag.needed for tag in section.iter_tags("DT_NEEDED")]
        elif isinstance(section, GNUVerNeedSection):
            versions += [(need.name, auxiliary.name) for need, all_ in section.iter_versions() for auxiliary in all_]
    assert needed
    assert list(elf.needed) == needed
    assert list(elf.versions) == versions


@pytest.mark.parametrize("length", [4, 5, 6, 63, 64, 200, 1000])
def test_a_cut_off_file_is_broken(length: int) -> None:
    assert binary_facts(needy()[:length]) == (None, BROKEN)


@given(length=st.integers(min_value=0, max_value=20_000))
def test_any_beginning_of_a_file_is_whole_or_broken(length: int) -> None:
    """Behind the last byte that is loaded there are only sections."""
    assert binary_facts(needy()[:length]) in {(None, None), (None, BROKEN), binary_facts(needy())}


@settings(max_examples=200)
@given(changes=st.dictionaries(st.integers(0, 1200), st.integers(0, 255), min_size=1, max_size=8))
def test_any_damage_is_told_or_harmless(changes: dict[int, int]) -> None:
    damaged = bytearray(needy())
    for place, value in changes.items():
        damaged[place] = value
    elf, foreign = binary_facts(bytes(damaged))
    assert elf is None or (foreign is None and elf.bits in {32, 64})


@functools.cache
def table(name: str) -> tuple[int, int]:
    """Where a section is, and how long."""
    section = ELFFile(io.BytesIO(needy())).get_section_by_name(name)
    return section["sh_offset"], section["sh_size"]


@settings(max_examples=200)
@given(
    name=st.sampled_from([".dynamic", ".gnu.version_r", ".dynstr"]),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 2**32 - 1)), min_size=1, max_size=4),
)
def test_damaged_tables(name: str, changes: list[tuple[int, int]]) -> None:
    """The dynamic segment and the version records, where a wrong number sends a reader far."""
    damaged = bytearray(needy())
    start, size = table(name)
    for place, value in changes:
        word = start + place % (size // 4) * 4
        damaged[word : word + 4] = struct.pack("<I", value)
    elf, foreign = binary_facts(bytes(damaged))
    assert (elf is None) == (foreign == BROKEN)


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    binary_facts(data)
    elf, foreign = binary_facts(b"\x7fELF" + data)
    assert (elf is None) == (foreign == BROKEN)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (struct.pack("<IiiI", 0xFEEDFACF, 0x0100000C, 0, 6) + bytes(100), MACHO),
        (struct.pack("<IiiI", 0xFEEDFACE, 7, 3, 8) + bytes(100), MACHO),
        (struct.pack(">IiiI", 0xFEEDFACF, 18, 0, 2) + bytes(100), MACHO),
        (struct.pack(">IIii", 0xCAFEBABE, 2, 0x01000007, 3) + bytes(100), MACHO),
        (struct.pack(">IIii", 0xCAFEBABF, 1, 0x0100000C, 0) + bytes(100), MACHO),
        (b"MZ" + bytes(58) + struct.pack("<I", 128) + bytes(64) + b"PE\0\0" + bytes(20), PE),
        (struct.pack(">IHH", 0xCAFEBABE, 0, 52) + bytes(100), None),
        (struct.pack(">IHH", 0xCAFEBABE, 3, 45) + bytes(100), None),
        (b"MZ" + bytes(200), None),
        (b"MZ", None),
        (b"\xcf\xfa\xed\xfe", None),
        (b"!<arch>\n", None),
        (b"print('hello')\n", None),
        (b"", None),
    ],
    ids=[
        "macho", "macho-32", "macho-big-endian", "fat", "fat-64", "windows", "java", "old-java", "dos", "two-letters",
        "magic-only", "archive", "source", "empty",
    ],
)  # fmt: skip
def test_other_systems(data: bytes, kind: str | None) -> None:
    assert binary_facts(data) == (None, kind)
