from __future__ import annotations

import io
import stat
import tarfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines.tarball import pack, pack_context, unpack
from lambda_backend.errors import EngineError

if TYPE_CHECKING:
    from pathlib import Path


def tar_of(*members: tuple[str, bytes | None, dict[str, object]]) -> io.BytesIO:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, content, attributes in members:
            member = tarfile.TarInfo(name)
            member.size = len(content or b"")
            for attribute, value in attributes.items():
                setattr(member, attribute, value)
            tar.addfile(member, io.BytesIO(content or b""))
    file.seek(0)
    return file


def test_pack_has_no_parents_and_one_owner(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pack(tmp_path, PurePosixPath("/deep/in"), (7, 8)) as file, tarfile.open(fileobj=file) as tar:
        assert {(member.name, member.uid, member.gid) for member in tar} == {("deep/in", 7, 8), ("deep/in/file", 7, 8)}


def test_nothing_comes_after_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pack(tmp_path / "file", PurePosixPath("/in"), (7, 8)) as file:
        data = file.read()
    assert data[-1024:] == b"\0" * 1024
    assert data[-1536:-1024] == b"x".ljust(512, b"\0")


def test_context_is_the_same_for_the_same_files(tmp_path: Path) -> None:
    tars = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Containerfile").write_text("FROM x")
        with pack_context(tmp_path / name) as file:
            tars.append(file.read())
    assert tars[0] == tars[1]


def test_unpack_writes_files_folders_and_links(tmp_path: Path) -> None:
    tar = tar_of(
        ("top/", None, {"type": tarfile.DIRTYPE, "mode": 0o755}),
        ("top/run", b"x", {"mode": 0o4755}),
        ("top/hard", None, {"type": tarfile.LNKTYPE, "linkname": "top/run"}),
        ("top/soft", None, {"type": tarfile.SYMTYPE, "linkname": "run"}),
    )
    unpack(tar, tmp_path / "out")
    assert (tmp_path / "out" / "hard").read_bytes() == b"x"
    assert (tmp_path / "out" / "soft").read_bytes() == b"x"
    assert stat.S_IMODE((tmp_path / "out" / "run").stat().st_mode) == 0o755


def test_unpack_writes_nothing_through_a_link_or_outside(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    tar = tar_of(
        ("top/link", None, {"type": tarfile.SYMTYPE, "linkname": str(tmp_path / "outside")}),
        ("top/link/file", b"x", {}),
    )
    with pytest.raises(OSError, match="link"):
        unpack(tar, tmp_path / "out")
    assert not list((tmp_path / "outside").iterdir())
    with pytest.raises(EngineError, match="leads outside"):
        unpack(tar_of(("../../x", b"x", {})), tmp_path / "out")
    assert not (tmp_path / "x").exists()


def test_one_file_becomes_the_target(tmp_path: Path) -> None:
    unpack(tar_of(("name", b"x", {"mode": 0o640})), tmp_path / "other" / "renamed")
    assert (tmp_path / "other" / "renamed").read_bytes() == b"x"
