"""Installed trees, wheels, and putting parts together."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import stat
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_backend.archive.writer import write
from lambda_backend.bundle.assemble import assemble
from lambda_backend.bundle.excludes import Excludes
from lambda_backend.bundle.model import Bundle, Collision, Member
from lambda_backend.bundle.record import shebang, with_true_records
from lambda_backend.bundle.sources import content
from lambda_backend.bundle.tree import installed_bundle, tree_members
from lambda_backend.bundle.wheel import is_pure, wheel_members, wheel_tags
from lambda_backend.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PYTHON = "/var/lang/bin/python3.13"
FIRST_LINE = f"#!{PYTHON}\n".encode()


def encoded(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def record(files: Mapping[str, bytes], own: str, more: Sequence[tuple[str, str, str]] = ()) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(
        [*((path, encoded(data), str(len(data))) for path, data in files.items()), *more, (own, "", "")]
    )
    return text.getvalue().encode()


def install(tree: Path, name: str, files: Mapping[str, bytes], more: Sequence[tuple[str, str, str]] = ()) -> None:
    info = f"{name}-1.0.dist-info"
    all_files = {f"{info}/METADATA": b"Name: " + name.encode(), **files}
    all_files[f"{info}/RECORD"] = record(all_files, f"{info}/RECORD", more)
    for path, data in all_files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(data)


def rows(members: Sequence[Member], path: str) -> list[list[str]]:
    found = next(member for member in members if member.path == path)
    return list(csv.reader(io.StringIO(content(found.source).decode())))


def members_of(tree: Path, prefix: str = "", *patterns: str) -> tuple[Member, ...]:
    return tree_members(tree, prefix, Excludes(patterns), target_python=PYTHON)


def bundle_of(tree: Path, prefix: str = "") -> Bundle:
    return installed_bundle(tree, prefix, Excludes(), target_python=PYTHON)


def assert_true(members: Sequence[Member], path: str, prefix: str = "") -> None:
    by_path = {member.path: content(member.source) for member in members}
    found = rows(members, path)
    assert found == sorted(found)
    for name, digest, size in found:
        if prefix + name == path:
            assert (digest, size) == ("", "")
        else:
            data = by_path[prefix + name]
            assert (digest, size) == (encoded(data), str(len(data)))


def test_tree(tmp_path: Path) -> None:
    install(
        tmp_path,
        "My_Lib",
        {
            "my_lib/__init__.py": b"",
            "my_lib/__pycache__/__init__.pyc": b"x",
            "my_lib/vendor/other-1.0.dist-info/METADATA": b"x",
            "my_lib/vendor/other-1.0.dist-info/RECORD": b"anything",
            "build/x.py": b"x",
            "bin/tool": b"#!/host/bin/python\nx",
            "bin/data": b"x",
            "bin/deep/tool": b"#!/host/bin/python\nx",
            "My_Lib-1.0.dist-info/REQUESTED": b"",
            "My_Lib-1.0.dist-info/uv_cache.json": b"{}",
            "My_Lib-1.0.dist-info/INSTALLER": b"uv",
        },
        [("../../bin/tool2", "", ""), ("gone.py", "", "")],
    )
    (tmp_path / "bin" / "tool2").write_bytes(b"#!/host dir/python3 -E\nx")
    (tmp_path / "bin" / "tool").chmod(0o755)
    (tmp_path / ".lock").touch()
    (tmp_path / "stray.py").touch()
    members = members_of(tmp_path, "python")
    owners = {member.path.removeprefix("python/"): member.owner for member in members}
    assert owners == {
        "My_Lib-1.0.dist-info/INSTALLER": "my-lib",
        "My_Lib-1.0.dist-info/METADATA": "my-lib",
        "My_Lib-1.0.dist-info/RECORD": "my-lib",
        "bin/data": "my-lib",
        "bin/deep/tool": "my-lib",
        "bin/tool": "my-lib",
        "bin/tool2": "my-lib",
        "build/x.py": "my-lib",
        "my_lib/__init__.py": "my-lib",
        "my_lib/vendor/other-1.0.dist-info/METADATA": "my-lib",
        "my_lib/vendor/other-1.0.dist-info/RECORD": "my-lib",
        "stray.py": "",
    }
    by_path = {member.path.removeprefix("python/"): member for member in members}
    assert content(by_path["bin/tool"].source) == FIRST_LINE + b"x"
    assert content(by_path["bin/tool2"].source) == FIRST_LINE[:-1] + b" -E\nx"
    assert content(by_path["bin/deep/tool"].source) == b"#!/host/bin/python\nx"
    assert by_path["bin/tool"].executable
    assert not by_path["bin/data"].executable
    assert by_path["bin/data"].source == tmp_path / "bin" / "data"
    assert content(by_path["my_lib/vendor/other-1.0.dist-info/RECORD"].source) == b"anything"
    assert_true(members, "python/My_Lib-1.0.dist-info/RECORD", "python/")
    listed = {row[0] for row in rows(members, "python/My_Lib-1.0.dist-info/RECORD")}
    assert listed == owners.keys() - {"stray.py"}


def test_user_patterns_count_in_the_record(tmp_path: Path) -> None:
    install(tmp_path, "a", {"a/__init__.py": b"", "a/x.pyi": b""})
    members = members_of(tmp_path, "", "*.pyi")
    assert [row[0] for row in rows(members, "a-1.0.dist-info/RECORD")] == [member.path for member in members]


def test_records_can_be_made_true_again(tmp_path: Path) -> None:
    install(tmp_path, "a", {"a/__init__.py": b"old", "a/gone.py": b""})
    changed = [
        Member(path=member.path, source=b"new" if member.path.endswith(".py") else member.source)
        for member in members_of(tmp_path, "python")
        if not member.path.endswith("gone.py")
    ]
    changed.append(Member(path="elsewhere/x-1.dist-info/RECORD", source=b"kept"))
    members = with_true_records(changed, "python")
    assert_true(members, "python/a-1.0.dist-info/RECORD", "python/")
    assert members[-1].source == b"kept"


def test_a_file_of_two_distributions_stays_in_both_records(tmp_path: Path) -> None:
    for name in ("a", "b"):
        install(tmp_path, name, {"ns/__init__.py": b"same", f"ns/{name}.py": name.encode()})
    members = members_of(tmp_path)
    for name in ("a", "b"):
        assert_true(members, f"{name}-1.0.dist-info/RECORD")
        assert "ns/__init__.py" in {row[0] for row in rows(members, f"{name}-1.0.dist-info/RECORD")}
    assert {member.owner for member in members if member.path == "ns/__init__.py"} == {"a"}
    assert bundle_of(tmp_path).collisions == ()


@pytest.mark.parametrize("prefix", ["", "python"])
def test_records_that_are_made_at_the_end_are_the_same(prefix: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in ("a", "b"):
        install(tree, name, {f"{name}/__init__.py": b"x" * 50, "ns/same.py": b"same"}, [("gone.py", "", "")])
    members = members_of(tree, prefix)
    bundle = bundle_of(tree, prefix)
    assert len(bundle.records) == 2
    at_once = write(tmp_path / "at-once.zip", members)
    at_the_end = write(tmp_path / "at-the-end.zip", bundle.members, records=bundle.records)
    assert at_the_end.content_digest == at_once.content_digest
    assert [row.owner for row in at_the_end.members] == [member.owner for member in members]


def test_collisions_name_path_and_both_owners(tmp_path: Path) -> None:
    install(tmp_path, "a", {"x.py": b"one", "y.py": b"one"}, [("x.py", "sha256=other", "")])
    install(tmp_path, "b", {"x.py": b"two", "y.py": b"two"})
    assert bundle_of(tmp_path, "python").collisions == (
        Collision(path="python/x.py", owners=("a", "b")),
        Collision(path="python/y.py", owners=("a", "b")),
    )


def test_what_is_left_out_collides_with_nothing(tmp_path: Path) -> None:
    install(tmp_path, "a", {"x.py": b"one", "y.py": b"one"})
    install(tmp_path, "b", {"x.py": b"two", "y.py": b"two"})
    bundle = installed_bundle(tmp_path, "", Excludes(["y.py"]), target_python=PYTHON)
    assert [collision.path for collision in bundle.collisions] == ["x.py"]


def test_a_record_that_is_none(tmp_path: Path) -> None:
    install(tmp_path, "a", {})
    (tmp_path / "a-1.0.dist-info" / "RECORD").write_text('"a"b,c\n')
    with pytest.raises(BundleError, match="no valid RECORD"):
        members_of(tmp_path)
    (tmp_path / "a-1.0.dist-info" / "RECORD").write_text("x\n\n")
    assert [row[0] for row in rows(members_of(tmp_path), "a-1.0.dist-info/RECORD")] == ["a-1.0.dist-info/RECORD"]


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ({"url": "file:///host/x", "dir_info": {}}, None),
        ({"url": "/host/x"}, None),
        ({}, None),
        ([], None),
        ({"url": "https://u:p@example.com:8443/x.whl?sig=1#f"}, {"url": "https://example.com:8443/x.whl#f"}),
        (
            {"vcs_info": {"vcs": "git"}, "url": "ssh://git@example.com/x"},
            {"url": "ssh://example.com/x", "vcs_info": {"vcs": "git"}},
        ),
    ],
)
def test_direct_url_has_no_secrets(tmp_path: Path, note: object, expected: object) -> None:
    install(tmp_path, "a", {"a-1.0.dist-info/direct_url.json": json.dumps(note).encode(), "a/direct_url.json": b"{}"})
    found = {member.path: member for member in members_of(tmp_path)}
    assert found["a/direct_url.json"].source == tmp_path / "a" / "direct_url.json"
    member = found.get("a-1.0.dist-info/direct_url.json")
    assert (None if member is None else json.loads(content(member.source))) == expected
    assert_true(list(found.values()), "a-1.0.dist-info/RECORD")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (b"#!python\nx", FIRST_LINE + b"x"),
        (b"#!pythonw\r\nx", FIRST_LINE + b"x"),
        (b"#! /a/python3.11 -sE\nx", FIRST_LINE[:-1] + b" -sE\nx"),
        (b"#!/a b/python3\nx", FIRST_LINE + b"x"),
        (b"#!/bin/sh\n'''exec' '/a b/python' \"$0\" \"$@\"\n' '''\nx", FIRST_LINE + b"x"),
        (b"#!/usr/bin/env python3\nx", None),
        (b"#!/opt/python/bin/bash\nx", None),
        (b"#!/usr/bin/ipython\nx", None),
        (b"\x7fELF", None),
        (b"", None),
    ],
)
def test_shebang(script: bytes, expected: bytes | None) -> None:
    assert shebang(script, PYTHON) == (script if expected is None else expected)


WHEEL = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py2.py3-none-any\n"
INFO = "x-1.0.dist-info"


def wheel(
    folder: Path,
    files: Mapping[str, bytes],
    *,
    described: bytes = WHEEL,
    recorded: Mapping[str, bytes] | None = None,
    more: Sequence[tuple[str, str, str]] = (),
    modes: Mapping[str, int] | None = None,
) -> Path:
    all_files = {f"{INFO}/WHEEL": described, f"{INFO}/METADATA": b"Name: x", **files}
    listed = record(all_files | dict(recorded or {}), f"{INFO}/RECORD", more)
    target = folder / "x-1.0-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("folder/", b"")
        for path, data in {**all_files, f"{INFO}/RECORD": listed}.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (modes or {}).get(path, stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, data)
    return target


def spread(wheel: Path, prefix: str = "", *patterns: str) -> tuple[Member, ...]:
    return wheel_members(wheel, prefix, target_python=PYTHON, owner="project", excludes=Excludes(patterns))


def test_metadata_names_no_folder_of_the_build(tmp_path: Path) -> None:
    lines = (
        "Requires-Dist: plain (>=1) ; python_version > '3'",
        "Requires-Dist: local @ file:///tmp/build-1/libs/local%20one",
        "Requires-Dist: other[a,b] @ file:///tmp/build-1/libs/other ; extra == 'x'",
        "Requires-Dist: far @ https://user:hush@example.com/far.whl",
        "",
        "Read @ file:///tmp/readme",
    )
    made = wheel(tmp_path, {f"{INFO}/METADATA": "\n".join(lines).encode()})
    found = {member.path: member.source for member in spread(made)}
    assert isinstance(found[f"{INFO}/METADATA"], bytes)
    assert found[f"{INFO}/METADATA"].decode().splitlines() == [
        lines[0],
        "Requires-Dist: local",
        "Requires-Dist: other[a,b] ; extra == 'x'",
        "Requires-Dist: far @ https://***@example.com/far.whl",
        *lines[4:],
    ]


def test_wheel(tmp_path: Path) -> None:
    data = "x-1.0.data"
    found = wheel(
        tmp_path,
        {
            "x/__init__.py": b"",
            "x/tool": b"#!python\n",
            "x/x.pyc": b"",
            f"{data}/purelib/p.py": b"p",
            f"{data}/platlib/l.py": b"l",
            f"{data}/data/share/d": b"d",
            f"{data}/scripts/run": b"#!python\nx",
            f"{data}/headers/x.h": b"h",
        },
        modes={"x/tool": stat.S_IFREG | 0o755},
        more=[(f"{INFO}/RECORD.jws", "", "")],
    )
    with zipfile.ZipFile(found, "a") as archive:
        archive.writestr(f"{INFO}/RECORD.jws", b"signature")
    members = spread(found, "python")
    by_path = {member.path.removeprefix("python/"): member for member in members}
    assert list(by_path) == [
        "bin/run",
        "l.py",
        "p.py",
        "share/d",
        *(f"{INFO}/{name}" for name in ("METADATA", "RECORD", "WHEEL")),
        "x/__init__.py",
        "x/tool",
    ]
    assert by_path["bin/run"].source == FIRST_LINE + b"x"
    assert by_path["x/tool"].source == b"#!python\n"
    assert {path for path, member in by_path.items() if member.executable} == {"bin/run", "x/tool"}
    assert {member.owner for member in members} == {"project"}
    assert_true(members, f"python/{INFO}/RECORD", "python/")
    assert {row[0] for row in rows(members, f"python/{INFO}/RECORD")} == by_path.keys()


def test_wheel_without_what_the_user_leaves_out(tmp_path: Path) -> None:
    found = wheel(tmp_path, {"x/a.py": b"", "x/a.pyi": b""})
    assert "x/a.pyi" not in {row[0] for row in rows(spread(found, "", "*.pyi"), f"{INFO}/RECORD")}
    members = wheel_members(found, "", target_python=PYTHON, owner="x")
    assert "x/a.pyi" in {row[0] for row in rows(members, f"{INFO}/RECORD")}


def test_wheel_with_a_stronger_hash(tmp_path: Path) -> None:
    digest = base64.urlsafe_b64encode(hashlib.sha512(b"x").digest()).decode()
    spread(wheel(tmp_path, {"a.py": b"x"}, more=[("a.py", f"sha512={digest}", "1")]))


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({"a.py": b"x"}, {"recorded": {"a.py": b"y"}}, r"a\.py has another hash"),
        ({"a.py": b"x"}, {"more": [("a.py", "md5=abc", "")]}, r"a\.py has another hash"),
        ({"a.py": b"x"}, {"more": [("a.py", "", "")]}, r"a\.py has no hash"),
        ({}, {"recorded": {"gone.py": b""}}, r"gone\.py is listed in RECORD and not there"),
        ({"../a.py": b""}, {}, "not a plain path"),
        ({"/a.py": b""}, {}, "not a plain path"),
        ({"a\\b.py": b""}, {}, "backslash"),
        ({"y-1.0.dist-info/METADATA": b""}, {}, r"2 \.dist-info folders"),
        ({"a": b"b"}, {"modes": {"a": stat.S_IFLNK | 0o777}}, "is a link"),
        ({"x-1.0.data/other/a": b""}, {}, "PEP 427 does not know"),
        ({"x-1.0.data/scripts": b""}, {}, "PEP 427 does not know"),
        ({"a.py": b"", "x-1.0.data/purelib/a.py": b""}, {}, r"two of its files become a\.py"),
    ],
)
def test_wheel_refused(tmp_path: Path, files: Mapping[str, bytes], options: dict[str, object], message: str) -> None:
    with pytest.raises(BundleError, match=message):
        spread(wheel(tmp_path, files, **options))  # type: ignore[arg-type]


def test_a_file_that_looks_like_data(tmp_path: Path) -> None:
    assert "x-1.0.data" in {member.path for member in spread(wheel(tmp_path, {"x-1.0.data": b""}))}


def test_no_wheel(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"none")
    empty = tmp_path / "empty.whl"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr(f"{INFO}/METADATA", b"")
    for path in (tmp_path / "a.whl", tmp_path / "gone.whl", empty):
        for action in (spread, is_pure, wheel_tags):
            with pytest.raises(BundleError, match="no valid wheel"):
                action(path)


@pytest.mark.parametrize(
    ("described", "pure"),
    [
        (WHEEL, True),
        (WHEEL.replace(b"true", b"false"), False),
        (WHEEL.replace(b"any", b"linux_x86_64"), False),
        (WHEEL.replace(b"none", b"abi3"), False),
        (b"Wheel-Version: 1.0\n", False),
    ],
)
def test_is_pure(tmp_path: Path, described: bytes, *, pure: bool) -> None:
    assert is_pure(wheel(tmp_path, {}, described=described)) is pure


def test_wheel_tags(tmp_path: Path) -> None:
    assert {str(tag) for tag in wheel_tags(wheel(tmp_path, {}))} == {"py2-none-any", "py3-none-any"}


@dataclass(frozen=True)
class Placed:
    path: str
    sha256: str
    owner: str = "dep"
    executable: bool = False


@dataclass(frozen=True)
class Base:
    members: tuple[Placed, ...]


def file(path: str, data: bytes = b"", owner: str = "") -> Member:
    return Member(path=path, source=data, owner=owner)


def test_assemble_merges_and_the_first_wins() -> None:
    bundle = assemble([[file("b", b"x", "one"), file("a")], [file("b", b"x", "two"), file("c.pyc")]], Excludes())
    assert [(member.path, member.owner) for member in bundle.members] == [("a", ""), ("b", "one"), ("c.pyc", "")]


def test_assemble_applies_the_users_patterns_to_everything() -> None:
    bundle = assemble([[file("a/x.pyi"), file("a/tests/x"), file("b")]], Excludes(["*.pyi", "tests/"]))
    assert [member.path for member in bundle.members] == ["b"]


def test_assemble_on_a_base() -> None:
    base = Base((Placed("a/x", hashlib.sha256(b"x").hexdigest()),))
    bundle = assemble([[file("a/x", b"x"), file("b")]], Excludes(), base=base)
    assert [member.path for member in bundle.members] == ["b"]
    assert assemble([], Excludes(), base=base).members == ()
    lost = assemble([[file("a/x", b"y", "project")]], Excludes(), base=base)
    assert lost.members == ()
    assert lost.collisions == (Collision(path="a/x", owners=("dep", "project")),)
    with pytest.raises(BundleError, match="a is a file from project and a folder with a/x from dep"):
        assemble([[file("a", b"y", "project")]], Excludes(), base=base)


def test_assemble_tells_every_collision() -> None:
    one = [file("a", b"1", "one"), file("b", b"1", "one"), file("c", b"1", "one")]
    bundle = assemble([one, [file("b", b"2", "two"), file("a", b"2"), file("c", b"1", "two")]], Excludes())
    assert [member.source for member in bundle.members] == [b"1", b"1", b"1"]
    assert bundle.collisions == (
        Collision(path="a", owners=("one", "")),
        Collision(path="b", owners=("one", "two")),
    )


def test_assemble_names_everything_impossible_at_once() -> None:
    one = [file("a", b"1", "one"), file("d/e", b"", "one"), file("d-f", b"", "one")]
    two = [file("a/b/c", b"", "two"), file("a/b/d"), file("../up")]
    with pytest.raises(BundleError) as caught:
        assemble([one, two], Excludes())
    assert str(caught.value).splitlines()[1:-1] == [
        "  - '../up' is not a plain path below the artefact's root",
        "  - a is a file from one and a folder with a/b/c from two",
    ]


@pytest.mark.parametrize("parts", [[], [[]], [[file("a")]]])
def test_assemble_refuses_an_empty_artefact(parts: list[list[Member]]) -> None:
    with pytest.raises(BundleError, match="empty"):
        assemble(parts, Excludes(["a"]), base=Base(()))


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join), min_size=1))
def test_what_assembles_can_be_unpacked(paths: list[str]) -> None:
    clash = any(other.startswith(f"{path}/") for path in paths for other in paths)
    try:
        bundle = assemble([[file(path) for path in paths]], Excludes())
    except BundleError:
        assert clash
    else:
        assert not clash
        assert [member.path for member in bundle.members] == sorted(set(paths))
