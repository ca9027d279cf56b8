from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_backend.archive.contents import contents
from lambda_backend.archive.writer import write
from lambda_backend.bundle.bytecode import compiled_path, is_bytecode, source_of
from lambda_backend.bundle.model import Member
from lambda_backend.bundle.record import read_record, with_true_records

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("source", "compiled"),
    [
        ("app.py", "__pycache__/app.cpython-313.pyc"),
        ("a/b/__init__.py", "a/b/__pycache__/__init__.cpython-313.pyc"),
        ("a/v1.2.py", "a/__pycache__/v1.2.cpython-313.pyc"),
        ("bin/tool", None),
        ("a/.py", None),
        ("a/b.pyi", None),
        (f"{'x' * 240}.py", None),  # 256 bytes with the rest: no file system takes it
    ],
)
def test_where_bytecode_lies(source: str, compiled: str | None) -> None:
    assert compiled_path(source, (3, 13)) == compiled
    if compiled:
        assert source_of(compiled) == source


@given(st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_as_the_import_system_names_it(stem: str) -> None:
    found = compiled_path(f"pkg/{stem}.py", (3, 13))
    assert found is not None
    assert source_of(found) == f"pkg/{stem}.py"
    made = importlib.util.cache_from_source(f"pkg/{stem}.py", optimization="")
    assert source_of(made) == f"pkg/{stem}.py"
    assert source_of(importlib.util.cache_from_source(f"pkg/{stem}.py", optimization=1)) == f"pkg/{stem}.py"


@pytest.mark.parametrize("path", ["app.pyc", "__pycache__/x.py", "__pycache__/x.pyc", "pycache/x.cpython-313.pyc"])
def test_what_is_no_bytecode_beside_a_source(path: str) -> None:
    assert not is_bytecode(path)


def test_records_list_bytecode_where_its_source_is() -> None:
    info = "one-1.0.dist-info"
    members = [
        Member(path="python/one/a.py", source=b"a"),
        Member(path="python/one/__pycache__/a.cpython-313.pyc", source=b"pyc"),
        Member(path="python/other.py", source=b"b"),
        Member(path="python/__pycache__/other.cpython-313.pyc", source=b"pyc"),
        Member(path=f"python/{info}/METADATA", source=b"Name: one\n"),
        Member(path=f"python/{info}/RECORD", source=f"one/a.py,,\n{info}/METADATA,,\n{info}/RECORD,,\n".encode()),
    ]
    made = {member.path: member.source for member in with_true_records(members, "python")}
    text = made[f"python/{info}/RECORD"]
    assert isinstance(text, bytes)
    rows = [row.path for row in read_record(text.decode(), "RECORD")]
    assert rows == [f"{info}/METADATA", f"{info}/RECORD", "one/__pycache__/a.cpython-313.pyc", "one/a.py"]
    again = with_true_records([Member(path=path, source=source) for path, source in made.items()], "python")
    assert {member.path: member.source for member in again} == made


def test_bytecode_belongs_to_whom_its_source_does(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    members = [
        Member(path="one/v1.2.py", source=b""),
        Member(path="one/__pycache__/v1.2.cpython-313.pyc", source=b""),
        Member(path="one-1.0.dist-info/METADATA", source=b""),
        Member(path="one-1.0.dist-info/RECORD", source=b"one/v1.2.py,,\n"),
    ]
    write(path, members)
    assert {file.owner for file in contents(path).files} == {"one"}
