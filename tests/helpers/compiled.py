"""Shared libraries made by a compiler, with just the needs that a test wants."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

HERE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), "x86_64")
"""Lambda's word for what the compiler makes."""
MACHINES = {"x86_64": 62, "arm64": 183}


@functools.cache
def compiler() -> str:
    """The C compiler, or the test is skipped; CI has one."""
    found = shutil.which("gcc")
    if found is None or platform.machine() not in {"x86_64", "aarch64"}:
        if os.environ.get("CI"):
            pytest.fail("CI must have gcc, on x86-64 or AArch64")
        pytest.skip("gcc makes the libraries that are checked, on x86-64 or AArch64")
    return found


@functools.cache
def library(
    *,
    needs: tuple[tuple[str, str | None], ...] = (),
    soname: str | None = None,
    search: str | None = None,
    old_search: bool = False,
    weak: bool = False,
) -> bytes:
    """A shared library.

    Args:
        needs: name of another library, and the symbol version that is needed of it.
        soname: its own.
        search: RUNPATH.
        old_search: RPATH instead.
        weak: what it needs of versions is not insisted on.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stubs = []
        calls = []
        for index, (other, version) in enumerate(needs):
            stub = folder / f"stub{index}.so"
            (folder / "stub.c").write_text(f"void f{index}(void) {{}}\n")
            script = folder / "script"
            script.write_text(f"{version} {{ f{index}; }};\n" if version else "{ global: *; };\n")
            link(folder, "stub.c", stub, f"-Wl,-soname,{other}", f"-Wl,--version-script,{script}")
            stubs.append(str(stub))
            calls.append(f"extern void f{index}(void);")
        body = " ".join(f"f{index}();" for index in range(len(needs)))
        (folder / "made.c").write_text("\n".join([*calls, f"void PyInit_made(void) {{ {body} }}\n"]))
        made = folder / "made.so"
        flags = ["-Wl,--no-as-needed"]
        if soname:
            flags.append(f"-Wl,-soname,{soname}")
        if search:
            flags += [f"-Wl,-rpath,{search}", "-Wl,--disable-new-dtags" if old_search else "-Wl,--enable-new-dtags"]
        link(folder, "made.c", made, *flags, *stubs)
        data = made.read_bytes()
    return _weakened(data) if weak else data


def link(folder: Path, source: str, target: Path, *flags: str) -> None:
    argv = [compiler(), "-shared", "-fPIC", "-nostdlib", "-o", str(target), source, *flags]
    subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True)


@functools.cache
def program(kind: str) -> bytes:
    """A ``static`` program, or an ``object`` file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "made.c").write_text("void _start(void) { for (;;); }\n")
        flags = {"static": ["-static", "-no-pie", "-nostdlib"], "object": ["-c"]}[kind]
        argv = [compiler(), *flags, "-o", "made", "made.c"]
        subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True)
        return (folder / "made").read_bytes()


def on(machine: int, data: bytes) -> bytes:
    """The same file for another processor (``e_machine``)."""
    return data[:18] + machine.to_bytes(2, "little") + data[20:]


def _weakened(data: bytes) -> bytes:
    # No linker here makes the flag, some others do: VER_FLG_WEAK in each record of .gnu.version_r.
    from io import BytesIO

    from elftools.elf.elffile import ELFFile

    changed = bytearray(data)
    section = ELFFile(BytesIO(data)).get_section_by_name(".gnu.version_r")
    offset = section["sh_offset"]
    while True:
        auxiliary = offset + int.from_bytes(data[offset + 8 : offset + 12], "little")
        changed[auxiliary + 4 : auxiliary + 6] = (2).to_bytes(2, "little")
        step = int.from_bytes(data[offset + 12 : offset + 16], "little")
        if not step:
            return bytes(changed)
        offset += step
