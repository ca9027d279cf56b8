from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from lambda_backend.archive.writer import write
from lambda_backend.bundle.model import Bundle, Member
from lambda_backend.cache import Cache
from lambda_backend.install.builder import Builder
from lambda_backend.install.kept import kept_archive
from lambda_backend.install.parts import Parts

if TYPE_CHECKING:
    from pathlib import Path

    from lambda_backend.install.kept import Dependencies

HEAVY = b"".join(number.to_bytes(4, "little") for number in range(100_000))


def made(cache: Cache, key: str, distributions: dict[str, str], *, more: bytes = b"") -> Dependencies:
    members = tuple(
        Member(path=f"{name}.bin", source=HEAVY + name.encode() + more, owner=name) for name in distributions
    )
    return kept_archive(
        cache, "deps", key, lambda: (Bundle(members=members), Builder(engine="host")), distributions=distributions
    )


def owners(cache: Cache, distributions: dict[str, str]) -> list[frozenset[str]]:
    return [names for _, names in Parts(cache, distributions).archives()]


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
    kept_archive(cache, "deps", "one", lambda: (small, Builder(engine="host")), distributions={"a": "1"})
    assert owners(cache, {"a": "1"}) == []
