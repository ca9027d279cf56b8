from __future__ import annotations

import base64
import contextlib
import dataclasses
import errno
import hashlib
import io
import json
import os
import queue
import random
import shutil
import subprocess
import sys
import threading
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambda_backend.archive import compress, following, writer
from lambda_backend.archive.extract import extract
from lambda_backend.archive.following import Follower
from lambda_backend.archive.format import central_header, end_of_directory
from lambda_backend.archive.index import load_index, save_index
from lambda_backend.archive.model import content_digest, taken
from lambda_backend.archive.payloads import Payloads
from lambda_backend.archive.reading import reader
from lambda_backend.archive.writer import begun, is_whole, write
from lambda_backend.bundle.model import Member, Record
from lambda_backend.bundle.paths import normalised, path_problem
from lambda_backend.errors import BundleError, DamagedArchiveError, OutputError

if TYPE_CHECKING:
    from pathlib import Path

    from lambda_backend.archive.model import Archive

names = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\"), min_size=1, max_size=12)


def _is_possible(path: str) -> bool:
    return path_problem(path) is None and all(len(part.encode()) < 200 for part in path.split("/"))


paths = st.lists(names, min_size=1, max_size=4).map("/".join).map(normalised).filter(_is_possible)
contents = st.binary(max_size=300) | st.binary(max_size=20).map(lambda block: block * 200)
member_sets = st.dictionaries(paths, st.tuples(contents, st.booleans()), max_size=12).map(
    lambda found: [
        Member(path=path, source=content, executable=executable, owner="x")
        for path, (content, executable) in found.items()
        if not any(other.startswith(f"{path}/") for other in found)
    ]
)


def simple(*paths: str) -> list[Member]:
    return [Member(path=path, source=path.encode() * 50, owner="x") for path in paths]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(members=member_sets, seed=st.integers())
def test_any_members(tmp_path: Path, members: list[Member], seed: int) -> None:
    archive = write(tmp_path / "a.zip", members)
    shuffled = random.Random(seed).sample(members, len(members))  # noqa: S311 - no secret
    assert write(tmp_path / "b.zip", shuffled).sha256 == archive.sha256
    raw = (tmp_path / "a.zip").read_bytes()
    assert archive.sha256 == hashlib.sha256(raw).hexdigest()
    assert archive.size == len(raw)
    assert archive.code_sha256 == base64.b64encode(hashlib.sha256(raw).digest()).decode()
    with zipfile.ZipFile(tmp_path / "a.zip") as opened:
        assert opened.testzip() is None
        found = opened.namelist()
        assert found == sorted(found, key=str.encode)
        assert {name: opened.read(name) for name in found} == {member.path: member.source for member in members}
        modes = {entry.filename: entry.external_attr >> 16 for entry in opened.infolist()}
        assert modes == {member.path: 0o100755 if member.executable else 0o100644 for member in members}
        assert {entry.create_system for entry in opened.infolist()} <= {3}
        assert {entry.date_time for entry in opened.infolist()} <= {(1980, 1, 1, 0, 0, 0)}
        assert not any(entry.extra for entry in opened.infolist())
        assert all(entry.compress_size <= entry.file_size for entry in opened.infolist())


def directory_of(archive: Archive) -> bytes:
    rows = b"".join(central_header(member, archive.timestamp) for member in archive.members)
    return rows + end_of_directory(count=len(archive.members), size=len(rows), offset=archive.directory_offset)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(members=member_sets, split=st.integers(0, 12), epochs=st.tuples(*[st.none() | st.integers(0, 2**32)] * 2))
def test_on_top_of_a_base(
    tmp_path: Path, members: list[Member], split: int, epochs: tuple[int | None, int | None]
) -> None:
    base = write(tmp_path / "base.zip", members[:split], epoch=epochs[0])
    one = write(tmp_path / "one.zip", members[split:], base=base, epoch=epochs[1])
    whole = write(tmp_path / "whole.zip", members, epoch=epochs[1])
    assert one.content_digest == whole.content_digest == content_digest(whole.members)
    assert one.size == whole.size
    assert one.unzipped_size == whole.unzipped_size
    with zipfile.ZipFile(one.path) as left, zipfile.ZipFile(whole.path) as right:
        assert left.testzip() is None
        assert left.namelist() == right.namelist()
        assert [entry.date_time for entry in left.infolist()] == [entry.date_time for entry in right.infolist()]
    # The base's directory was put to use, or made anew: one cannot tell.
    assert one.path.read_bytes()[one.directory_offset :] == directory_of(one)
    # The same base with other stamps gives the same bytes.
    other = write(tmp_path / "base2.zip", members[:split])
    assert write(tmp_path / "two.zip", members[split:], base=other, epoch=epochs[1]).sha256 == one.sha256


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
def test_unzip_takes_it(tmp_path: Path) -> None:
    base = write(tmp_path / "base.zip", simple("b", "é/ü"))
    write(tmp_path / "a.zip", simple("a", "c/d"), base=base, epoch=1_700_000_000)
    subprocess.run(["unzip", "-tqq", tmp_path / "a.zip"], check=True)


def test_more_members_than_16_bits_count(tmp_path: Path) -> None:
    members = [Member(path=f"{number:05}", source=b"") for number in range(65_537)]
    base = write(tmp_path / "base.zip", members[:65_535])
    write(tmp_path / "a.zip", members[65_535:], base=base)
    for name, count in (("base.zip", 65_535), ("a.zip", 65_537)):
        with zipfile.ZipFile(tmp_path / name) as opened:
            assert len(opened.namelist()) == count
    if shutil.which("unzip"):
        subprocess.run(["unzip", "-tqq", tmp_path / "a.zip"], check=True)


def test_same_bytes_in_other_surroundings(tmp_path: Path) -> None:
    expected = write(tmp_path / "a.zip", simple("é", "b", "c/d"), epoch=1_700_000_000).sha256
    script = f"""
import os, sys
os.umask(0o077)
from pathlib import Path
from lambda_backend.archive import compress
from lambda_backend.archive.writer import write
from lambda_backend.archive.payloads import Payloads
from lambda_backend.archive.reading import reader
from lambda_backend.archive.writer import is_whole, write
from lambda_backend.bundle.model import Member
compress._THREADS = int(sys.argv[1])
members = [Member(path=path, source=path.encode() * 50, owner="x") for path in ("c/d", "\\u00e9", "b")]
print(write(Path({str(tmp_path / "other.zip")!r}), members, epoch=1_700_000_000).sha256)
"""
    for threads, zone, locale in (("1", "Asia/Tokyo", "C"), ("5", "America/Lima", "C.UTF-8")):
        environ = os.environ | {"TZ": zone, "LC_ALL": locale, "PYTHONPATH": os.pathsep.join(sys.path)}
        run = [sys.executable, "-c", script, threads]
        assert subprocess.run(run, env=environ, capture_output=True, text=True, check=True).stdout.strip() == expected


def test_bytes_do_not_change_between_releases(tmp_path: Path) -> None:
    archive = write(tmp_path / "a.zip", [*simple("é", "b"), Member(path="bin/x", source=b"#!\n", executable=True)])
    assert archive.sha256 == "5e279da4b31de5bbe55dfcc4c9a422c5d3917a274b18779a05774598c9e53b4b"


def test_reads_files_in_bounded_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compress, "_IN_FLIGHT_BYTES", 9000)
    monkeypatch.setattr(compress, "_BATCH_BYTES", 4000)
    members = []
    for number in range(20):
        file = tmp_path / f"{number:02}"
        file.write_bytes(os.urandom(700) if number % 3 else b"x" * 5000)
        members.append(Member(path=file.name, source=file))
    archive = write(tmp_path / "a.zip", members)
    assert [member.path for member in archive.members] == [f"{number:02}" for number in range(20)]
    with zipfile.ZipFile(archive.path) as opened:
        assert all(opened.read(member.path) == (tmp_path / member.path).read_bytes() for member in archive.members)


def test_file_has_the_mode_of_the_umask(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        write(tmp_path / "a.zip", [])
    finally:
        os.umask(umask)
    assert (tmp_path / "a.zip").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("path", ["", "/a", "a//b", "../a", "a/.", "a\\b", "a\nb", "\udcff", "x" * 5000])
def test_impossible_paths_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(BundleError, match="cannot hold"):
        write(tmp_path / "a.zip", [Member(path=path, source=b"")])
    assert not list(tmp_path.iterdir())


def test_a_path_twice_is_refused_with_both_owners(tmp_path: Path) -> None:
    base = write(tmp_path / "base.zip", simple("a"))
    with pytest.raises(BundleError, match="a comes from x and from y"):
        write(tmp_path / "a.zip", [Member(path="a", source=b"", owner="y")], base=base)
    with pytest.raises(BundleError, match=r"b comes from \? and from \?"):
        write(tmp_path / "a.zip", [Member(path="b", source=b""), Member(path="b", source=b"")])


def test_a_source_that_is_gone_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(BundleError, match=r"gone.*\(for a\) cannot be read: No such file"):
        write(tmp_path / "out" / "a.zip", [Member(path="a", source=tmp_path / "gone"), *simple("b")])
    assert not list((tmp_path / "out").iterdir())


def test_a_source_that_is_gone_when_others_are_compressed_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compress, "_BATCH_BYTES", 1)
    with pytest.raises(BundleError, match="cannot be read: No such file"):
        write(tmp_path / "a.zip", [*simple("a", "b", "c"), Member(path="d", source=tmp_path / "gone", owner="x")])
    assert not any(thread.name.startswith("compress") for thread in threading.enumerate())


def test_a_source_that_goes_after_it_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compress, "_size", lambda _: 1)
    with pytest.raises(BundleError, match="cannot be read"):
        write(tmp_path / "a.zip", [Member(path="a", source=tmp_path / "gone")])


def test_a_source_that_changes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    real = os.fstat

    def fstat(descriptor: int) -> os.stat_result:
        found = real(descriptor)
        with file.open("ab") as stream:
            stream.write(b"new")
        return found

    monkeypatch.setattr(compress.os, "fstat", fstat)
    with pytest.raises(BundleError, match="changed while it was read"):
        write(tmp_path / "a.zip", [Member(path="a", source=file)])


def test_a_full_disk_names_the_target_and_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.zip"
    target.write_bytes(b"old")

    def full(*_: object) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writer, "local_header", full)
    with pytest.raises(OutputError, match=r"a\.zip cannot be written: No space left"):
        write(target, simple("a", "b"))
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]
    assert target.read_bytes() == b"old"


def test_a_target_in_no_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write(tmp_path / "none" / "a.zip", [])


def test_a_target_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.zip").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        write(tmp_path / "a.zip", [])
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.parametrize("call", [None, "fails", "part"])
def test_copies_where_the_system_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str | None) -> None:
    base = write(tmp_path / "base.zip", simple("a", "b"))
    expected = write(tmp_path / "one.zip", simple("c"), base=base).sha256
    calls = []

    def copy(source: int, target: int, length: int) -> int:
        calls.append(length)
        if call == "fails" or len(calls) > 1:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return os.write(target, os.read(source, 10))

    if call is None:
        monkeypatch.delattr(os, "copy_file_range", raising=False)
    else:
        monkeypatch.setattr(os, "copy_file_range", copy, raising=False)
    assert write(tmp_path / "two.zip", simple("c"), base=base).sha256 == expected


def test_a_base_that_is_gone_or_short(tmp_path: Path) -> None:
    base = write(tmp_path / "base.zip", simple("a", "b"))
    base.path.write_bytes(base.path.read_bytes()[:20])
    with pytest.raises(BundleError, match="too short"):
        write(tmp_path / "a.zip", [], base=base)
    base.path.unlink()
    with pytest.raises(BundleError, match="No such file"):
        write(tmp_path / "a.zip", [], base=base)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["entries", "directory"])
def test_a_base_with_other_bytes(tmp_path: Path, place: str) -> None:
    base = write(tmp_path / "base.zip", simple("a", "b"))
    content = bytearray(base.path.read_bytes())
    content[50 if place == "entries" else base.directory_offset + 50] ^= 1
    base.path.write_bytes(content)
    with pytest.raises(DamagedArchiveError, match="its bytes have changed"):
        write(tmp_path / "a.zip", simple("c"), base=base)
    assert [file.name for file in tmp_path.iterdir()] == ["base.zip"]


def test_a_base_that_goes_after_it_was_copied(tmp_path: Path) -> None:
    base = write(tmp_path / "base.zip", simple("a", "b"))
    with begun(tmp_path / "a.zip", place=base.place) as draft:
        draft._copying.wait()
        base.path.unlink()
        with pytest.raises(DamagedArchiveError, match="No such file"):
            draft.finish(simple("c"), base=base)


def test_what_is_begun_and_not_finished_leaves_nothing(tmp_path: Path) -> None:
    base = write(tmp_path / "base.zip", simple("a", "b"))
    with begun(tmp_path / "a.zip", place=base.place):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["base.zip"]


def test_a_file_that_becomes_shorter_while_it_is_hashed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    with contextlib.closing(Follower(tmp_path / "a")) as follower:
        assert follower.digest(2).hexdigest() == hashlib.sha256(b"ab").hexdigest()
        with pytest.raises(OSError, match="shorter"):
            follower.digest(4)


def test_index(tmp_path: Path) -> None:
    archive = write(tmp_path / "a.zip", simple("a", "é"))
    index = tmp_path / "index.json"
    save_index(archive, index)
    assert load_index(index, archive.path) == archive
    document = json.loads(index.read_text())
    for damaged in ("{", "[]", "{}", json.dumps(document | {"schema": 0}), json.dumps(document | {"members": [[1]]})):
        index.write_text(damaged)
        assert load_index(index, archive.path) is None
    save_index(archive, index)
    archive.path.write_bytes(b"")
    assert load_index(index, archive.path) is None
    archive.path.unlink()
    assert load_index(index, archive.path) is None
    with pytest.raises(OutputError, match="cannot be written"):
        save_index(archive, tmp_path / "none" / "index.json")


def test_extract(tmp_path: Path) -> None:
    members = [*simple("a/b"), Member(path="bin/x", source=b"x", executable=True)]
    archive = write(tmp_path / "a.zip", members)
    with zipfile.ZipFile(archive.path, "a") as opened:
        opened.mkdir("folder") if sys.version_info >= (3, 11) else opened.writestr("folder/", b"")
    extract(archive.path, tmp_path / "out" / "deep")
    out = tmp_path / "out" / "deep"
    found = {file.relative_to(out).as_posix(): file.stat().st_mode & 0o777 for file in out.rglob("*") if file.is_file()}
    assert found == {"a/b": 0o644, "bin/x": 0o755}


def test_extract_refuses(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as opened:
        opened.writestr("../a", b"")
    (tmp_path / "a.zip").write_bytes(stream.getvalue())
    with pytest.raises(BundleError, match="not a plain path"):
        extract(tmp_path / "a.zip", tmp_path / "out")
    (tmp_path / "b.zip").write_bytes(b"none")
    with pytest.raises(BundleError, match="cannot be unpacked"):
        extract(tmp_path / "b.zip", tmp_path / "out")


def owned(owner: str, *paths: str) -> list[Member]:
    return [Member(path=path, source=f"{path} of {owner}".encode() * 99, owner=owner) for path in paths]


def test_payloads_of_another_archive_make_no_difference(tmp_path: Path) -> None:
    before = write(tmp_path / "before.zip", [*owned("a", "a.py", "a/b.bin"), *owned("b", "b.py")])
    members = [*owned("a", "a.py", "a/b.bin"), *owned("c", "c.py"), Member(path="other/a.py", source=b"a.py of a" * 99)]
    fresh = write(tmp_path / "fresh.zip", members)
    with Payloads([(before, frozenset({"a"}))]) as payloads:
        reused = write(tmp_path / "reused.zip", members, payloads=payloads)
        assert payloads.get(before.members[0].sha256) is not None
        assert payloads.get(hashlib.sha256(b"b.py of b" * 99).hexdigest()) is None
    assert reused.sha256 == fresh.sha256
    assert reused == dataclasses.replace(fresh, path=reused.path)


def test_facts_are_taken_for_the_same_path_only(tmp_path: Path) -> None:
    before = write(tmp_path / "before.zip", [Member(path="lib/cut.so", source=b"\x7fELF\1", owner="a")])
    with Payloads([(before, frozenset({"a"}))]) as payloads:
        assert payloads.facts(before.members[0].sha256, "lib/cut.so") == (True, before.facts["lib/cut.so"])
        assert payloads.facts(before.members[0].sha256, "cut.so") == (False, None)
        assert payloads.facts("0" * 64, "lib/cut.so") == (False, None)


def test_payloads_of_an_archive_that_is_gone(tmp_path: Path) -> None:
    before = write(tmp_path / "before.zip", owned("a", "a.py"))
    before.path.unlink()
    with Payloads([(before, frozenset({"a"}))]) as payloads:
        assert payloads.get(before.members[0].sha256) is None


@pytest.mark.parametrize("epoch", [None, 1_600_000_000])
def test_a_base_that_has_changed(epoch: int | None, tmp_path: Path) -> None:
    base = write(tmp_path / "base.zip", owned("a", "a.py"))
    assert is_whole(base)
    content = bytearray(base.path.read_bytes())
    content[45] ^= 1
    base.path.write_bytes(content)
    assert not is_whole(base)
    with pytest.raises(DamagedArchiveError, match="its bytes have changed"):
        write(tmp_path / "made.zip", [], base=base, epoch=epoch)
    assert not (tmp_path / "made.zip").exists()
    base.path.unlink()
    assert not is_whole(base)


def test_members_are_read_one_by_one(tmp_path: Path) -> None:
    files = {"a.py": b"x = 1\n" * 500, "\u00e4/b": b"b", "c": b""}
    read = reader(write(tmp_path / "a.zip", [Member(path=path, source=source) for path, source in files.items()]))
    assert {path: read(path) for path in files} == files
    with pytest.raises(KeyError):
        read("none")


def test_parts_of_other_archives_make_no_difference(tmp_path: Path) -> None:
    a, b, c = owned("a", "a.py", "x/a.bin"), owned("b", "b.py", "x/b.bin"), owned("c", "c.py")
    records = {
        owner: Record(
            path=f"{owner}.dist-info/RECORD", owner=owner, root="", listed=tuple(item.path for item in members)
        )
        for owner, members in (("a", a), ("b", b), ("c", c))
    }
    one = taken(write(tmp_path / "one.zip", [*a, *b], records=[records["a"], records["b"]]))
    two = taken(write(tmp_path / "two.zip", [*b, *c], records=[records["b"], records["c"]]))
    whole = write(tmp_path / "whole.zip", [*a, *b, *c], records=list(records.values()))
    for parts, members, made in (
        ([one["a"], two["b"]], c, [records["c"]]),
        ([two["c"], one["a"]], b, [records["b"]]),
        ([one["a"], one["b"], two["c"]], [], []),
    ):
        archive = write(tmp_path / "together.zip", members, records=made, parts=parts)
        assert archive == dataclasses.replace(whole, path=archive.path)
        assert archive.path.read_bytes() == whole.path.read_bytes()
    # And one after the other.
    assert taken(archive)["b"].part.sha256 == two["b"].part.sha256
    with pytest.raises(BundleError, match=r"x/a.bin comes from a and from d"):
        write(tmp_path / "other.zip", owned("d", "x/a.bin"), parts=[one["a"]])
    content = bytearray((tmp_path / "one.zip").read_bytes())
    content[one["b"].part.start + 40] ^= 1
    (tmp_path / "one.zip").write_bytes(content)
    assert write(tmp_path / "other.zip", [], parts=[one["a"]]).unzipped_size > 0
    with pytest.raises(DamagedArchiveError, match=r"one.zip.*its bytes have changed"):
        write(tmp_path / "other.zip", [], parts=[one["b"]])


def test_a_record_with_a_file_of_another_owner_comes_last(tmp_path: Path) -> None:
    records = [Record(path=f"{owner}.dist-info/RECORD", owner=owner, root="", listed=("b.py",)) for owner in ("a", "b")]
    archive = write(tmp_path / "a.zip", [*owned("a", "a.py"), *owned("b", "b.py")], records=records)
    rows = sorted(archive.members, key=lambda row: row.offset)
    assert [row.path for row in rows] == ["a.py", "b.py", "b.dist-info/RECORD", "a.dist-info/RECORD"]
    assert taken(archive).keys() == {"b"}


@pytest.mark.parametrize("new", ["0", "d"])
def test_parts_that_were_thought_to_come_first_make_no_difference(tmp_path: Path, new: str) -> None:
    whole = write(tmp_path / "whole.zip", [*owned("a", "a.py"), *owned("b", "b.py"), *owned(new, "new.py")])
    one = taken(write(tmp_path / "one.zip", [*owned("a", "a.py"), *owned("b", "b.py"), *owned("c", "c.py")]))
    parts = [one["b"], one["a"]]
    for leading in (["a"], ["a", "b"], ["a", "b", "c"], ["b"]):
        with begun(tmp_path / "led.zip") as draft:
            draft.lead([one[name] for name in leading])
            found = draft.finish(owned(new, "new.py"), parts=parts)
        assert found == dataclasses.replace(whole, path=found.path)
        assert found.path.read_bytes() == whole.path.read_bytes()
    content = bytearray((tmp_path / "one.zip").read_bytes())
    content[one["a"].part.start + 40] ^= 1
    (tmp_path / "one.zip").write_bytes(content)
    with begun(tmp_path / "led.zip") as draft:
        draft.lead([one["a"]])
        with pytest.raises(DamagedArchiveError, match=r"one.zip.*its bytes have changed"):
            draft.finish(owned(new, "new.py"), parts=parts)
    (tmp_path / "one.zip").unlink()
    with begun(tmp_path / "led.zip") as draft:
        draft.lead([one["a"]])
        with pytest.raises(DamagedArchiveError, match=r"one.zip.*No such file"):
            draft.finish(owned(new, "new.py"), parts=parts)


def test_one_thread_takes_the_smallest_and_all_others_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: queue.SimpleQueue[str] = queue.SimpleQueue()
    gates = {name: threading.Event() for name in ("a", "b", "c", "small", "middle", "large", "largest")}

    def wait(batch: list[Member], _: Payloads) -> list[compress.Compressed]:
        begun.put(batch[0].path)
        assert gates[batch[0].path].wait(30)
        return []

    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    monkeypatch.setattr(compress, "_compress_all", wait)
    with contextlib.closing(compress._Threads(Payloads())) as compressing:
        try:
            made = [compressing.submit(5, simple(name)) for name in ("a", "b", "c")]
            assert {begun.get(timeout=30) for _ in made} == {"a", "b", "c"}
            for size, name in ((5, "middle"), (9, "largest"), (1, "small"), (8, "large")):
                made.append(compressing.submit(size, simple(name)))
            for name in ("a", "b", "c"):
                gates[name].set()
            assert {begun.get(timeout=30) for _ in range(3)} == {"small", "large", "largest"}
        finally:
            for gate in gates.values():
                gate.set()
        assert [future.result(timeout=30) for future in made] == [[]] * 7


def test_where_files_are_not_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = write(tmp_path / "base.zip", simple("a", "b"))
    mapped = write(tmp_path / "mapped.zip", simple("c"), base=base)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENODEV, "No such device")

    monkeypatch.setattr(following.mmap, "mmap", refuse)
    assert write(tmp_path / "read.zip", simple("c"), base=base) == dataclasses.replace(
        mapped, path=tmp_path / "read.zip"
    )
