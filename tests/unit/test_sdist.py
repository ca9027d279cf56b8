from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from lambda_backend.sdist import complete

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def sdist(tmp_path: Path) -> Path:
    path = tmp_path / "hello-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in (("hello-1.0/PKG-INFO", b"Name: hello"), ("hello-1.0/pyproject.toml", b"")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mtime = 1_700_000_000
            archive.addfile(member, io.BytesIO(content))
    return path


def test_a_complete_sdist_stays_as_it_is(tmp_path: Path, sdist: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    before = sdist.read_bytes()
    assert complete(sdist, {"pyproject.toml": tmp_path / "pyproject.toml"}) == ()
    assert sdist.read_bytes() == before


def test_what_is_missing_is_added(tmp_path: Path, sdist: Path) -> None:
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "functions" / "run.sh").chmod(0o700)
    (tmp_path / "uv.lock").write_text("version = 1\n")
    sources = {"uv.lock": tmp_path / "uv.lock", "functions/run.sh": tmp_path / "functions" / "run.sh"}
    assert complete(sdist, sources) == ("functions/run.sh", "uv.lock")
    with tarfile.open(sdist) as archive:
        assert archive.getnames() == [
            "hello-1.0/PKG-INFO",
            "hello-1.0/pyproject.toml",
            "hello-1.0/functions/run.sh",
            "hello-1.0/uv.lock",
        ]
        script = archive.getmember("hello-1.0/functions/run.sh")
        assert (script.mode, script.mtime, script.uid, script.uname) == (0o755, 1_700_000_000, 0, "")
        kept = archive.extractfile("hello-1.0/PKG-INFO")
        assert kept is not None
        assert kept.read() == b"Name: hello"


def test_the_same_sdist_gives_the_same_bytes(tmp_path: Path, sdist: Path) -> None:
    (tmp_path / "uv.lock").write_text("version = 1\n")
    other = tmp_path / "other" / sdist.name
    other.parent.mkdir()
    other.write_bytes(sdist.read_bytes())
    for path in (sdist, other):
        complete(path, {"uv.lock": tmp_path / "uv.lock"})
    assert sdist.read_bytes() == other.read_bytes()


def test_a_link_is_added_as_the_file_it_leads_to(tmp_path: Path, sdist: Path) -> None:
    (tmp_path / "common.py").write_text("answer = 42\n")
    (tmp_path / "link.py").symlink_to("common.py")
    complete(sdist, {"link.py": tmp_path / "link.py"})
    with tarfile.open(sdist) as archive:
        assert archive.getmember("hello-1.0/link.py").isreg()
