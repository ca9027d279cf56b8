"""Shared objects and programs without debug information and static symbol tables.

Only what no program reads when it loads or runs goes: sections that are not mapped into memory (``SHF_ALLOC``), and of
those the debug information and the static symbol table with its strings. Program headers and every byte of every
segment stay what they are. Where a segment lies behind what goes (patchelf appends segments to a file's end), it moves
to the front by whole pages, since an address and its place in the file have to agree modulo the alignment. The dynamic
section, versions and notes are parts of segments, so nothing of what ld.so reads changes.

Sources: System V ABI (gABI), chapters "Object Files" and "Program Loading"; DWARF 5, section 7.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["is_elf", "stripped"]

_MAGIC = b"\x7fELF"
_DEBUG = re.compile(rb"\.z?debug_.*|\.gdb_index|\.gnu\.debuglto_.*|\.stab(?:str)?|\.line|\.SUNW_ctf|\.pdr|\.mdebug.*")
_EXEC, _DYN = 2, 3
_SHT_NULL, _SHT_SYMTAB, _SHT_NOBITS = 0, 2, 8
_SHF_ALLOC = 2
_SHN_LORESERVE = 0xFF00
_WORD_64 = 8
_SHF_INFO_LINK = 0x40
_RELOCATIONS = frozenset({4, 9})
"""SHT_RELA and SHT_REL: what they apply to is a section, which ``sh_info`` names."""


@dataclass(frozen=True, slots=True)
class _Format:
    """How a class of ELF files is laid out."""

    header: struct.Struct
    segment: struct.Struct
    section: struct.Struct
    word: struct.Struct
    """An address or a place in the file."""
    place: int
    """Where a program header has the segment's place in the file."""


def _format(data: bytes | memoryview) -> _Format | None:
    order = {1: "<", 2: ">"}.get(data[5])  # EI_DATA
    wide = {1: False, 2: True}.get(data[4])  # EI_CLASS
    if order is None or wide is None:
        return None
    word = "Q" if wide else "I"
    return _Format(
        header=struct.Struct(f"{order}16s2HI3{word}I6H"),
        segment=struct.Struct(f"{order}2I6Q" if wide else f"{order}8I"),
        section=struct.Struct(f"{order}2I4{word}2I2{word}"),
        word=struct.Struct(order + word),
        place=8 if wide else 4,
    )


@dataclass(frozen=True, slots=True)
class _Section:
    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int

    @property
    def bytes_in_file(self) -> int:
        return 0 if self.type in {_SHT_NULL, _SHT_NOBITS} else self.size

    @property
    def mapped(self) -> bool:
        return bool(self.flags & _SHF_ALLOC)


@dataclass(frozen=True, slots=True)
class _Segment:
    index: int
    offset: int
    address: int
    size: int
    alignment: int


def is_elf(start: bytes) -> bool:
    """Whether a file's first four bytes are those of an ELF file."""
    return start[:4] == _MAGIC


def stripped(data: bytes) -> bytes | None:
    """The file without what only debuggers and linkers read; None where there is nothing to gain, or any doubt.

    Object files and archives stay, and so does a file with more at its end than its headers know of: a program may have
    data of its own there.

    Args:
        data: an ELF file.
    """
    try:
        made = _Elf.read(data)
        result = made.written() if made is not None else None
    except (struct.error, IndexError, ValueError, OverflowError):
        return None  # damaged, or none; the checks tell
    return result if result is not None and len(result) < len(data) and _unchanged(data, result) else None


class _Elf:
    """An ELF file that can be stripped."""

    def __init__(
        self,
        data: memoryview,
        form: _Format,
        header: Sequence[int],
        segments: Sequence[_Segment],
        sections: Sequence[_Section],
    ) -> None:
        self._data = data
        self._form = form
        self._header = list(header)
        self._segments = segments
        self._sections = sections
        self._names = self._content(sections[header[13]])

    @classmethod
    def read(cls, data: bytes) -> _Elf | None:
        """A file that can be stripped; None for any other."""
        form = _format(data)
        if form is None:
            return None
        header = form.header.unpack_from(data)
        kind, offset, entry, count, names = header[1], header[6], header[11], header[12], header[13]
        # gABI: from SHN_LORESERVE on, numbers of sections are kept elsewhere.
        if kind not in {_EXEC, _DYN} or not 0 < names < count < _SHN_LORESERVE or entry != form.section.size:
            return None
        sections = [_Section(*form.section.unpack_from(data, offset + index * entry)) for index in range(count)]
        if any(max(section.offset + section.bytes_in_file, section.alignment) > len(data) for section in sections):
            return None  # damaged
        segments = list(_segments(data, form, header))
        elf = cls(memoryview(data), form, header, segments, sections)
        return elf if segments and elf._has_no_more() else None

    def _content(self, section: _Section) -> bytes:
        return bytes(self._data[section.offset : section.offset + section.bytes_in_file])

    def _name(self, section: _Section) -> bytes:
        return self._names[section.name :].partition(b"\0")[0]

    def _has_no_more(self) -> bool:
        """Nothing lies behind all that the headers know of."""
        end = max(stop for _, stop in (*self._fixed(), *self._tables(), *self._ranges(self._sections)))
        return end <= len(self._data) and not any(self._data[end:])

    def _fixed(self) -> Iterator[tuple[int, int]]:
        """What has to stay: the header, the program headers, all segments, all mapped sections."""
        yield 0, self._form.header.size
        start, count = self._header[5], self._header[10]
        yield start, start + count * self._form.segment.size
        yield from ((segment.offset, segment.offset + segment.size) for segment in self._segments)
        yield from self._ranges(section for section in self._sections if section.mapped)

    def _tables(self) -> Iterator[tuple[int, int]]:
        start = self._header[6]
        yield start, start + len(self._sections) * self._form.section.size

    def _ranges(self, sections: Iterable[_Section]) -> Iterator[tuple[int, int]]:
        for section in sections:
            if section.bytes_in_file:
                yield section.offset, section.offset + section.bytes_in_file

    def _removed(self) -> set[int]:
        gone = {
            index
            for index, section in enumerate(self._sections)
            if not section.mapped and (section.type == _SHT_SYMTAB or _DEBUG.fullmatch(self._name(section)))
        }
        tables = {index for index in gone if self._sections[index].type == _SHT_SYMTAB}
        strings = {self._sections[index].link for index in tables} - {self._header[13]}
        users = {index for index, section in enumerate(self._sections) if section.link in strings and index not in gone}
        strings -= {self._sections[index].link for index in users}
        # Relocations, groups and extended indices of symbols say nothing without the symbols.
        of_symbols = {
            index
            for index, section in enumerate(self._sections)
            if section.link in tables and section.link and not section.mapped
        }
        found = gone | of_symbols | {index for index in strings if not self._sections[index].mapped}
        fixed = list(self._fixed())
        return {index for index in found if not _overlaps(self._sections[index], fixed)}

    def written(self) -> bytes | None:
        """The file without what can go; None where that is nothing."""
        removed = self._removed()
        if not removed:
            return None
        blocks = self._blocks()
        parts = bytearray()
        moves: list[tuple[int, int, int]] = []
        for start, stop, alignment in blocks:
            # The first place from here on that agrees with the old one, and so with the address.
            place = len(parts) + (start - len(parts)) % alignment
            parts += bytes(place - len(parts))
            moves.append((start, stop, place))
            parts += self._data[start:stop]
        for index in removed:  # what lies in a gap that stays
            section = self._sections[index]
            for start, stop, place in moves:
                first, last = max(section.offset, start), min(section.offset + section.bytes_in_file, stop)
                if first < last:
                    parts[first - start + place : last - start + place] = bytes(last - first)
        kept = [section for index, section in enumerate(self._sections) if index not in removed]
        numbers = {old: new for new, old in enumerate(i for i in range(len(self._sections)) if i not in removed)}
        sections = [self._placed(section, moves, parts) for section in kept]
        self._write_tables(parts, sections, numbers, moves)
        return bytes(parts)

    def _blocks(self) -> list[tuple[int, int, int]]:
        """Pieces of the file that stay in one: start, end, and what their start may move by a multiple of."""
        alignment = math.lcm(*(segment.alignment for segment in self._segments if segment.alignment > 1), 1)
        blocks: list[tuple[int, int, int]] = []
        for start, stop in sorted(self._fixed()):
            if start == stop:
                continue
            # A gap that is smaller than a page can not be closed.
            if blocks and start - blocks[-1][1] < alignment:
                blocks[-1] = (blocks[-1][0], max(stop, blocks[-1][1]), alignment)
            else:
                blocks.append((start, stop, alignment))
        return blocks

    def _placed(self, section: _Section, moves: Sequence[tuple[int, int, int]], parts: bytearray) -> _Section:
        """A section that stays, with its new place; one that no block holds is appended."""
        if section.type == _SHT_NULL:
            return section
        if any(start <= section.offset and section.offset + section.bytes_in_file <= stop for start, stop, _ in moves):
            return replace(section, offset=_moved(section.offset, section.bytes_in_file, moves))
        if not section.bytes_in_file:
            return replace(section, offset=len(parts))
        parts += bytes(-len(parts) % max(section.alignment, 1))
        offset = len(parts)
        parts += self._content(section)
        return replace(section, offset=offset)

    def _write_tables(
        self,
        parts: bytearray,
        sections: Sequence[_Section],
        numbers: dict[int, int],
        moves: Sequence[tuple[int, int, int]],
    ) -> None:
        form, header = self._form, self._header
        header[5] = _moved(header[5], header[10] * form.segment.size, moves)
        for segment in self._segments:
            at = header[5] + segment.index * form.segment.size + form.place
            form.word.pack_into(parts, at, _moved(segment.offset, segment.size, moves))
        parts += bytes(-len(parts) % form.word.size)
        header[6] = len(parts)
        header[12] = len(sections)
        header[13] = numbers[header[13]]
        form.header.pack_into(parts, 0, *header)
        for section in sections:
            info = section.info
            if section.type in _RELOCATIONS or section.flags & _SHF_INFO_LINK:
                info = numbers.get(info, 0)
            values = replace(section, link=numbers.get(section.link, 0), info=info)
            parts += form.section.pack(
                values.name, values.type, values.flags, values.address, values.offset,
                values.size, values.link, values.info, values.alignment, values.entry_size,
            )  # fmt: skip


def _segments(data: bytes, form: _Format, header: Sequence[int]) -> Iterator[_Segment]:
    start, entry, count = header[5], header[9], header[10]
    if entry != form.segment.size:
        raise ValueError(entry)
    for index in range(count):
        values = form.segment.unpack_from(data, start + index * entry)
        if form.word.size == _WORD_64:
            _, _, offset, address, _, size, _, alignment = values
        else:
            _, offset, address, _, size, _, _, alignment = values
        if offset + size > len(data):
            raise ValueError(offset)
        yield _Segment(index, offset, address, size, alignment)


def _overlaps(section: _Section, ranges: Iterable[tuple[int, int]]) -> bool:
    end = section.offset + section.bytes_in_file
    return any(start < end and section.offset < stop for start, stop in ranges)


def _moved(offset: int, size: int, moves: Sequence[tuple[int, int, int]]) -> int:
    """The new place of a piece of the file that a block holds."""
    for start, stop, place in moves:
        if start <= offset and offset + size <= stop:
            return offset - start + place
    raise ValueError(offset)


def _unchanged(before: bytes, after: bytes) -> bool:
    """What is loaded is the same: all segments but for where they lie, and what ld.so reads of them."""
    from lambda_backend.facts.binary import binary_facts

    old, new = list(_loaded(before)), list(_loaded(after))
    return old == new and binary_facts(before) == binary_facts(after)


def _loaded(data: bytes) -> Iterator[tuple[int, int, int, list[memoryview]]]:
    """Each segment: address, alignment, how far its place is off by that, and its bytes without the file's headers."""
    form = _format(data)
    if form is None:
        raise ValueError(data[:6])
    header = form.header.unpack_from(data)
    headers = sorted([(0, form.header.size), (header[5], header[5] + header[10] * form.segment.size)])
    for segment in _segments(data, form, header):
        pieces = []
        start, end = segment.offset, segment.offset + segment.size
        for first, last in headers:
            if first < end and start < last:
                pieces.append(memoryview(data)[start : max(start, first)])
                start = min(end, last)
        pieces.append(memoryview(data)[start:end])
        off = segment.offset % segment.alignment if segment.alignment else segment.offset
        yield segment.address, segment.alignment, off, pieces
