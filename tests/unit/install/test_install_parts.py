from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from packaging.utils import canonicalize_name

from lambda_backend.archive.writer import write
from lambda_backend.bundle.model import Bundle, Member
from lambda_backend.cache import Cache
from lambda_backend.install.builder import Builder
from lambda_backend.install.kept import Made, kept_archive
from lambda_backend.install.parts import Parts
from lambda_backend.requirements.model import Pin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lambda_backend.install.kept import Dependencies

HEAVY = b"".join(number.to_bytes(4, "little") for number in range(100_000))


def pins(distributions: Mapping[str, str]) -> list[Pin]:
    return [
        Pin(name=canonicalize_name(name), version="1", kind="wheel", sha256=digest)
        for name, digest in distributions.items()
    ]


def parts(cache: Cache, distributions: Mapping[str, str], how: str = "") -> Parts:
    return Parts(cache, pins(distributions), how)


def kept(cache: Cache, key: str, distributions: Mapping[str, str], bundle: Bundle, how: str = "") -> Dependencies:
    made = Made(bundle=bundle, builder=Builder(engine="host"), installed=tuple(distributions))
    return kept_archive(cache, "deps", key, lambda _: made, parts=parts(cache, distributions, how))


def made(cache: Cache, key: str, distributions: dict[str, str], *, more: bytes = b"", how: str = "") -> Dependencies:
    members = tuple(
        Member(path=f"{name}.bin", source=HEAVY + name.encode() + more, owner=name) for name in distributions
    )
    return kept(cache, key, distributions, Bundle(members=members), how)


def owners(cache: Cache, distributions: dict[str, str]) -> list[frozenset[str]]:
    return [names for _, names in parts(cache, distributions).archives(distributions)]


def test_what_another_archive_holds_is_taken_from_it(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    made(cache, "one", {"a": "1", "b": "1"})
    assert owners(cache, {"a": "1", "b": "2", "c": "1"}) == [frozenset({"a"})]
    two = made(cache, "two", {"a": "1", "b": "2"}, more=b"")
    alone = made(Cache(tmp_path / "other"), "two", {"a": "1", "b": "2"})
    assert two.archive.sha256 == alone.archive.sha256
    assert sorted(owners(cache, {"a": "1", "b": "2"}), key=sorted) == [frozenset({"a"}), frozenset({"b"})]


def test_other_contents_under_the_same_digest_are_compressed(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    made(cache, "one", {"a": "1"})
    again = made(cache, "two", {"a": "1"}, more=b"another build of it")
    alone = write(tmp_path / "alone.zip", [Member(path="a.bin", source=HEAVY + b"aanother build of it", owner="a")])
    assert again.archive.sha256 == alone.sha256


def test_an_archive_that_is_damaged_or_gone_is_forgotten(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    for damage in ("flipped", "gone"):
        one = made(cache, damage, {"a": damage})
        if damage == "gone":
            shutil.rmtree(one.archive.path.parent)
        else:
            content = bytearray(one.archive.path.read_bytes())
            content[50] ^= 1
            one.archive.path.write_bytes(content)
        assert owners(cache, {"a": damage}) == []
        made(cache, f"{damage} again", {"a": damage})
        assert owners(cache, {"a": damage}) == [frozenset({"a"})]


def test_small_distributions_are_not_looked_up(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    small = Bundle(members=(Member(path="a.py", source=b"x = 1\n", owner="a"),))
    kept(cache, "one", {"a": "1"}, small)
    assert owners(cache, {"a": "1"}) == []


def test_what_is_taken_as_it_is(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    made(cache, "one", {"a": "1", "b": "1"}, how="x")
    assert parts(cache, {"a": "1", "b": "2", "c": "1"}, "x").kept().keys() == {"a"}
    assert parts(cache, {"a": "1"}, "y").kept() == {}
    found = parts(cache, {"b": "1"}, "x").kept()["b"]
    assert [member.path for member in found.part.members] == ["b.bin"]
    assert found.builder == Builder(engine="host")


def test_what_is_entangled_is_not_taken(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    members = tuple(Member(path=f"{name}.py", source=b"", owner=name) for name in ("a", "b", "c"))
    both = Bundle(members=members, entangled=frozenset({"a", "b"}))
    kept(cache, "one", {"a": "1", "b": "1", "c": "1"}, both)
    assert parts(cache, {"a": "1", "b": "1", "c": "1"}).kept().keys() == {"c"}


def test_a_file_of_nobody_may_be_of_anybody(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    members = (Member(path="a.py", source=b"", owner="a"), Member(path="b.py", source=b""))
    kept(cache, "one", {"a": "1"}, Bundle(members=members))
    assert parts(cache, {"a": "1"}).kept() == {}


@pytest.mark.parametrize("damage", ["no entry", "no note", "no index", "no builder"])
def test_a_part_whose_archive_is_gone_is_forgotten(tmp_path: Path, damage: str) -> None:
    cache = Cache(tmp_path / "cache")
    folder = made(cache, "one", {"a": "1"}).archive.path.parent
    if damage == "no entry":
        shutil.rmtree(folder)
    elif damage == "no note":
        for note in (tmp_path / "cache").glob("v1/parts/*/*/entry"):
            note.unlink()
    else:
        (folder / ("index.json" if damage == "no index" else "builder.json")).unlink()
    assert parts(cache, {"a": "1"}).kept() == {}
    made(cache, "two", {"a": "1"})
    assert parts(cache, {"a": "1"}).kept().keys() == {"a"}
