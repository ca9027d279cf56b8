from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from lambda_backend.bundle.excludes import Excludes
from lambda_backend.bundle.lay import laid_members, lay
from lambda_backend.bundle.model import Member
from lambda_backend.errors import BundleError

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = "/var/lang/bin/python3.13"


def test_what_is_laid_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("on disk")
    members = (
        Member(path="a/b.py", source=b"bytes", owner="one"),
        Member(path="c", source=tmp_path / "source", executable=True, owner="two"),
    )
    lay(members, tmp_path / "tree")
    owners = {member.path: member.owner for member in members}
    found = laid_members(tmp_path / "tree", "", Excludes(), target_python=PYTHON, owners=owners)
    assert [(member.path, member.executable, member.owner) for member in found] == [
        ("a/b.py", False, "one"),
        ("c", True, "two"),
    ]


def test_what_lies_there_may_stay(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("first")
    lay([Member(path="a", source=b"second")], tmp_path, keep=True)
    assert (tmp_path / "a").read_text() == "first"
    lay([Member(path="a", source=b"second")], tmp_path)
    assert (tmp_path / "a").read_text() == "second"


def test_a_layer_has_files_beside_its_packages(tmp_path: Path) -> None:
    lay(
        [Member(path=name, source=b"x") for name in ("python/a.py", "python/__pycache__/a.pyc", "bin/tool", "top")],
        tmp_path,
    )
    found = laid_members(tmp_path, "python", Excludes(["top"]), target_python=PYTHON, owners={"python/a.py": "a"})
    assert [(member.path, member.owner) for member in found] == [
        ("bin/tool", "commands"),
        ("python/__pycache__/a.pyc", "commands"),
        ("python/a.py", "a"),
    ]


def test_links_that_leave_the_tree(tmp_path: Path) -> None:
    (tmp_path / "tree" / "python").mkdir(parents=True)
    os.symlink("/etc/passwd", tmp_path / "tree" / "link")  # noqa: PTH211 - its target first
    with pytest.raises(BundleError, match="link"):
        laid_members(tmp_path / "tree", "python", Excludes(), target_python=PYTHON, owners={})
