"""What kind of program code a file is, and what an ELF file needs to be loaded.

Read is what ld.so reads: the program headers and the dynamic segment. Sections may have been stripped, and say
nothing about loading.
"""

from __future__ import annotations

import functools
import struct
from typing import TYPE_CHECKING, Literal

from lambda_backend.errors import MissingExtraError
from lambda_backend.facts.model import Elf
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from elftools.construct.core import Struct
    from elftools.construct.lib.container import Container
    from elftools.elf.structs import ELFStructs

__all__ = ["BROKEN", "MACHO", "PE", "binary_facts", "texts"]

MACHO = "Mach-O"
PE = "PE"
BROKEN = "broken ELF"
"""It starts as an ELF file and cannot be read as one: cut off, or damaged."""

_MOST = 2000
"""Entries in a table. Real files have some dozens; in a damaged one a table may seem to have billions."""
_VER_FLG_WEAK = 2
"""Symbol Versioning: ld.so goes on without such a version."""

_MACHO_FILETYPES = range(1, 13)
"""MH_OBJECT to MH_FILESET."""
_MACHO_ARCHITECTURES = range(1, 43)
"""In one fat file. Java's class files have the same magic; there the version follows, which is 45 or more."""


_ELF_OF_LAMBDA = b"\x7fELF\2\1"
"""64 bits, little endian."""
_SECTION = struct.Struct("<2I4Q2I2Q")
_SHT_NOBITS = 8
_SHF_EXECINSTR = 4
_TABLES = frozenset({2, 3, 4, 5, 9, 11, 0x6FFFFFF6, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF})
"""SHT_SYMTAB, STRTAB (the names of symbols), RELA, HASH, REL, DYNSYM; GNU_HASH, GNU_verdef, _verneed, _versym."""
_UNWINDING = (b".eh_frame\0", b".eh_frame_hdr\0", b".gcc_except_table\0")
_SEGMENTS = frozenset({1, 2})
"""PT_LOAD, DYNAMIC: segments of other types are passed over unread."""
_WANTED = frozenset({0, 1, 5, 14, 15, 29, 0x6FFFFFFE})
"""DT_NULL, NEEDED, STRTAB, SONAME, RPATH, RUNPATH, VERNEED: other entries are passed over unread."""


class _BrokenError(Exception):
    pass


def binary_facts(data: bytes) -> tuple[Elf | None, str | None]:
    """What an ELF file needs, or which other kind of program code it is: ``MACHO``, ``PE``, ``BROKEN``; or neither.

    Args:
        data: all bytes of the file.
    """
    if data[:4] == b"\x7fELF":
        try:
            return _elf(data), None
        except _BrokenError:
            return None, BROKEN
    if _is_macho(data):
        return None, MACHO
    if _is_pe(data):
        return None, PE
    return None, None


def texts(data: bytes) -> Sequence[tuple[int, int]]:
    """Start and end of the parts of a file in which there may be text: not machine code and what tells of it.

    That is most of the bytes of many artefacts. It is told by the sections of an ELF file and not by its segments,
    since some linkers put constants into the segment that is executed.

    Args:
        data: all bytes of the file.
    """
    found, start = [], 0
    for first, last in sorted(_code(data)) if data[: len(_ELF_OF_LAMBDA)] == _ELF_OF_LAMBDA else ():
        if start < first:
            found.append((start, first))
        start = max(start, last)
    if start < len(data):
        found.append((start, len(data)))
    return found


def _code(data: bytes) -> Iterator[tuple[int, int]]:
    """Machine code, its symbols and their names, relocations, tables for unwinding the stack."""
    fields = ((40, 8), (58, 2), (60, 2), (62, 2))
    table, size, count, of_names = (int.from_bytes(data[at : at + width], "little") for at, width in fields)
    if size != _SECTION.size or table + count * size > len(data) or of_names >= count:
        return
    sections = list(_SECTION.iter_unpack(data[table : table + count * size]))
    names = sections[of_names][4]
    for name, kind, flags, _, offset, length, *_ in sections:
        is_code = flags & _SHF_EXECINSTR or kind in _TABLES or data.startswith(_UNWINDING, names + name)
        if is_code and kind != _SHT_NOBITS and offset + length <= len(data):
            yield offset, offset + length


def _is_macho(data: bytes) -> bool:
    # <mach-o/loader.h>: magic, cputype, cpusubtype, filetype; <mach-o/fat.h>: magic, nfat_arch.
    magic = data[:4]
    if magic in {b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"}:
        return int.from_bytes(data[12:16], "little") in _MACHO_FILETYPES
    if magic in {b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf"}:
        return int.from_bytes(data[12:16], "big") in _MACHO_FILETYPES
    fat = magic in {b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"}
    return fat and int.from_bytes(data[4:8], "big") in _MACHO_ARCHITECTURES


def _is_pe(data: bytes) -> bool:
    if data[:2] != b"MZ":
        return False
    header = int.from_bytes(data[0x3C:0x40], "little")
    return data[header : header + 4] == b"PE\0\0"


@functools.cache
def _records(little_endian: bool, bits: int) -> ELFStructs:
    # Slow to import and to make: only for those who have an ELF file, and once.
    try:
        from elftools.elf.structs import ELFStructs
    except ImportError:
        raise MissingExtraError(
            "the pyelftools package is not installed, which reads compiled code",
            hint="pip install 'lambda-backend[install]', or add pyelftools to build-system.requires",
        ) from None

    structs = ELFStructs(little_endian=little_endian, elfclass=bits)
    structs.create_basic_structs()
    structs.create_advanced_structs()
    return structs


def _elf(data: bytes) -> Elf:
    bits = {b"\1": 32, b"\2": 64}.get(data[4:5])  # EI_CLASS
    little = {b"\1": True, b"\2": False}.get(data[5:6])  # EI_DATA
    if bits is None or little is None:
        raise _BrokenError
    records = _records(little, bits)
    header = _record(records.Elf_Ehdr, data, 0)
    image = _Image(data=data, records=records, segments=tuple(_segments(records, header, data)))
    entries = tuple(image.dynamic())
    machine = int.from_bytes(data[18:20], "little" if little else "big")
    strings = _address(entries, "DT_STRTAB")
    names = [entry for entry in entries if entry.d_tag in {"DT_SONAME", "DT_NEEDED", "DT_RUNPATH", "DT_RPATH"}]
    if names and strings is None:
        raise _BrokenError
    texts: dict[str, list[str]] = {}
    for entry in names:
        texts.setdefault(entry.d_tag, []).append(image.text((strings or 0) + entry.d_val))
    # gABI: DT_RPATH is ignored where there is a DT_RUNPATH.
    search = texts.get("DT_RUNPATH") or texts.get("DT_RPATH") or []
    return Elf(
        machine=machine,
        bits=bits,
        soname=next(iter(texts.get("DT_SONAME", ())), None),
        needed=tuple(texts.get("DT_NEEDED", ())),
        search=tuple(folder for text in search for folder in text.split(":") if folder),
        versions=tuple(image.versions(_address(entries, "DT_VERNEED"), strings)),
        dynamic=bool(entries),
    )


def _segments(records: ELFStructs, header: Container, data: bytes) -> Iterator[Container]:
    """What is mapped, and what is dynamic in it."""
    order, size = _order(records), records.Elf_Phdr.sizeof()
    for index in range(header.e_phnum):
        place = header.e_phoff + index * header.e_phentsize
        # The type is the first word.
        if place + size <= len(data) and int.from_bytes(data[place : place + 4], order) not in _SEGMENTS:
            continue
        segment = _record(records.Elf_Phdr, data, place)
        if segment.p_type == "PT_LOAD" and segment.p_offset + segment.p_filesz > len(data):
            raise _BrokenError
        yield segment


def _order(records: ELFStructs) -> Literal["little", "big"]:
    return "little" if records.little_endian else "big"


def _address(entries: tuple[Container, ...], tag: str) -> int | None:
    return next((entry.d_val for entry in entries if entry.d_tag == tag), None)


def _record(layout: Struct, data: bytes, offset: int) -> Container:
    end = offset + layout.sizeof()
    if end > len(data):
        raise _BrokenError
    record: Container = layout.parse(data[offset:end])
    return record


class _Image(Value):
    """A file as ld.so maps it: what points into it are addresses."""

    data: bytes
    records: ELFStructs
    segments: tuple[Container, ...]

    def dynamic(self) -> Iterator[Container]:
        """Entries of the dynamic segment up to the one that ends it, as far as they are wanted."""
        order = _order(self.records)
        for segment in self.segments:
            if segment.p_type == "PT_DYNAMIC":
                size = self.records.Elf_Dyn.sizeof()
                for index in range(min(segment.p_filesz // size, _MOST)):
                    place = segment.p_offset + index * size
                    # The tag is the first of two words.
                    if int.from_bytes(self.data[place : place + size // 2], order) not in _WANTED:
                        continue
                    entry = _record(self.records.Elf_Dyn, self.data, place)
                    if entry.d_tag == "DT_NULL":
                        return
                    yield entry

    def text(self, address: int) -> str:
        """The text at an address."""
        start = self._offset(address)
        end = self.data.find(b"\0", start)
        if end < 0:
            raise _BrokenError
        return self.data[start:end].decode("utf-8", "backslashreplace")

    def versions(self, table: int | None, strings: int | None) -> Iterator[tuple[str, str]]:
        """Library and version, of all versions that ld.so insists on (LSB "Symbol Versioning").

        Args:
            table: address of the first record (DT_VERNEED).
            strings: address of the strings.
        """
        if table is None:
            return
        if strings is None:
            raise _BrokenError
        # The table's length (DT_VERNEEDNUM) says no more than the record that has no next one.
        for need in self._chain(self.records.Elf_Verneed, table, "vn_next"):
            library = self.text(strings + need[1].vn_file)
            if need[1].vn_cnt:
                for _, auxiliary in self._chain(self.records.Elf_Vernaux, need[0] + need[1].vn_aux, "vna_next"):
                    if not auxiliary.vna_flags & _VER_FLG_WEAK:
                        yield library, self.text(strings + auxiliary.vna_name)

    def _chain(self, layout: Struct, address: int, step: str) -> Iterator[tuple[int, Container]]:
        for _ in range(_MOST):
            record = _record(layout, self.data, self._offset(address))
            yield address, record
            if record[step] == 0:
                return
            address += record[step]
        raise _BrokenError

    def _offset(self, address: int) -> int:
        for segment in self.segments:
            if segment.p_type == "PT_LOAD" and 0 <= address - segment.p_vaddr < segment.p_filesz:
                return int(segment.p_offset + address - segment.p_vaddr)
        raise _BrokenError
