from __future__ import annotations

import stat
import zipfile
from typing import TYPE_CHECKING

import pytest

from lambda_backend.running.model import RunningError
from lambda_backend.running.unpack import machines, unpack, zipped_machines
from tests.helpers.broken_zips import BROKEN, broken_zip

if TYPE_CHECKING:
    from pathlib import Path


def zipped(path: Path, *entries: tuple[str, int, bytes]) -> Path:
    """A zip of names, Unix modes with the file's type, and contents."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, mode, content in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16 or 0x20  # as Windows has it: no mode
            archive.writestr(info, content)
    return path


def elf(machine: int, *, big: bool = False) -> bytes:
    return b"\x7fELF\2" + (b"\2" if big else b"\1") + bytes(12) + machine.to_bytes(2, "big" if big else "little")


def test_modes_folders_and_links_are_those_of_the_zip(tmp_path: Path) -> None:
    source = zipped(
        tmp_path / "a.zip",
        ("bin/run", 0o100750, b"#!"),
        ("from-windows.py", 0, b"x"),
        ("empty/", 0o040755, b""),
        ("lib/x.so.1", 0o100644, b"so"),
        ("lib/x.so", 0o120777, b"x.so.1"),
        ("elsewhere", 0o120777, b"/opt/data"),
    )
    folder = tmp_path / "task"
    folder.mkdir()
    unpack(source, folder)
    assert stat.S_IMODE((folder / "bin/run").stat().st_mode) == 0o750
    assert stat.S_IMODE((folder / "from-windows.py").stat().st_mode) == 0o644
    assert (folder / "empty").is_dir()
    assert (folder / "lib/x.so").is_symlink()
    assert (folder / "lib/x.so").read_bytes() == b"so"
    assert str((folder / "elsewhere").readlink()) == "/opt/data"


def test_what_comes_later_lies_on_top(tmp_path: Path) -> None:
    """And never goes through a link: the file in its place is another one."""
    one = zipped(tmp_path / "1.zip", ("a", 0o100444, b"1"), ("b", 0o120777, b"a"), ("c", 0o100644, b"1"))
    two = zipped(tmp_path / "2.zip", ("a", 0o100644, b"2"), ("b", 0o100644, b"2"))
    folder = tmp_path / "opt"
    folder.mkdir()
    unpack(one, folder)
    unpack(two, folder)
    assert [(folder / name).read_bytes() for name in "abc"] == [b"2", b"2", b"1"]
    assert not (folder / "b").is_symlink()


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "a\\out"])
def test_no_path_leads_out(tmp_path: Path, name: str) -> None:
    source = zipped(tmp_path / "a.zip", ("x", 0o100644, b"x"))
    # Not by zipfile, which would mend some of these.
    source.write_bytes(
        zipped(tmp_path / "b.zip", ("#" * len(name), 0o100644, b""))
        .read_bytes()
        .replace(b"#" * len(name), name.encode())
    )
    (tmp_path / "task").mkdir()
    with pytest.raises(RunningError, match="out"):
        unpack(source, tmp_path / "task")
    assert not (tmp_path / "out").exists()


def test_no_link_leads_out(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    source = zipped(tmp_path / "a.zip", ("link", 0o120777, str(outside).encode()), ("link/file", 0o100644, b"x"))
    (tmp_path / "task").mkdir()
    with pytest.raises(RunningError, match="leads out of the zip"):
        unpack(source, tmp_path / "task")
    assert list(outside.iterdir()) == []


def test_what_is_no_zip_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK")
    (tmp_path / "task").mkdir()
    with pytest.raises(RunningError, match=r"a\.zip cannot be unpacked"):
        unpack(tmp_path / "a.zip", tmp_path / "task")
    with pytest.raises(RunningError, match=r"a\.zip cannot be read"):
        zipped_machines(tmp_path / "a.zip")


@pytest.mark.parametrize("how", BROKEN)
def test_what_cannot_be_read_to_the_end_is_said(how: str, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(broken_zip(how, "a.so"))
    (tmp_path / "task").mkdir()
    with pytest.raises(RunningError, match=r"a\.zip cannot be unpacked: \S"):
        unpack(tmp_path / "a.zip", tmp_path / "task")


def test_processors_of_compiled_code(tmp_path: Path) -> None:
    source = zipped(
        tmp_path / "a.zip",
        ("a.cpython-313-x86_64-linux-gnu.so", 0o100644, elf(62) + b"more"),
        ("lib/b.so.1", 0o100644, elf(183)),
        ("bin/tool", 0o100755, elf(21, big=True)),
        ("text.so", 0o100644, b"no code"),
        ("short.so", 0o100644, b"\x7f"),
    )
    (tmp_path / "task").mkdir()
    unpack(source, tmp_path / "task")
    assert machines(tmp_path / "task") == {62, 183, 21}
    assert zipped_machines(source) == {62, 183}
