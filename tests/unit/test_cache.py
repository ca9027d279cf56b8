from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_backend import cache as cache_module
from lambda_backend.cache import Cache, CacheError, key

KEY = key("a")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def fill(cache: Cache, name: str = KEY, text: str = "x") -> Path:
    with cache.make("deps", name) as folder:
        (folder / "file").write_text(text)
    return cache.entry("deps", name)


def leftovers(cache: Cache) -> list[str]:
    return sorted(path.name for path in (cache.root / "v1" / "tmp").glob("*"))


@given(st.lists(json_values, max_size=3), st.lists(json_values, max_size=3))
def test_keys_of_different_parts_differ(left: list[object], right: list[object]) -> None:
    assert (key(*left) == key(*right)) == (repr(left) == repr(right) or left_equals(left, right))


def left_equals(left: object, right: object) -> bool:
    import json

    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def test_keys_refuse_what_json_cannot_hold() -> None:
    with pytest.raises(TypeError):
        key(b"bytes")
    with pytest.raises(ValueError, match="JSON"):
        key(float("nan"))


def test_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Cache.default({"LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "a" / ".." / "b")}).root == tmp_path / "b"
    monkeypatch.chdir(tmp_path)
    assert Cache.default({"LAMBDA_BACKEND_CACHE_DIR": "c"}).root == tmp_path / "c"
    assert Cache.default({"LAMBDA_BACKEND_CACHE_DIR": ""}).root.name == "lambda-backend"


def test_make_then_get(cache: Cache) -> None:
    assert cache.get("deps", KEY) is None
    folder = fill(cache)
    assert folder == cache.root / "v1" / "deps" / KEY[:2] / KEY
    os.utime(folder, (0, 0))
    assert cache.get("deps", KEY) == folder
    assert folder.stat().st_mtime > 0
    assert leftovers(cache) == []


def test_get_from_a_cache_that_cannot_be_written(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fill(cache)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no")

    monkeypatch.setattr(cache_module.os, "utime", refuse)
    assert cache.get("deps", KEY) == folder


def test_failure_leaves_nothing(cache: Cache) -> None:
    with pytest.raises(ZeroDivisionError), cache.make("deps", KEY) as folder:  # noqa: PT012 - the block is the point
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text("x")
        (folder / "deep").chmod(0o500)
        (folder / "link").symlink_to("/")
        raise ZeroDivisionError
    assert cache.get("deps", KEY) is None
    assert leftovers(cache) == []


def test_scratch_is_gone_afterwards(cache: Cache) -> None:
    with cache.scratch() as folder:
        (folder / "file").write_text("x")
    assert not folder.exists()
    with cache.scratch() as folder:
        folder.rmdir()
    assert leftovers(cache) == []


def test_the_first_entry_stays(cache: Cache) -> None:
    with cache.make("deps", KEY) as folder:
        (folder / "file").write_text("second")
        fill(cache, text="first")
    assert (cache.entry("deps", KEY) / "file").read_text() == "first"
    assert leftovers(cache) == []


def test_two_builds_do_the_work_once(tmp_path: Path) -> None:
    made = []

    def build() -> None:
        cache = Cache(tmp_path)
        with cache.locked("deps", KEY) as found:
            if found is None:
                time.sleep(0.05)
                made.append(fill(cache))

    threads = [threading.Thread(target=build) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_errors_in_a_locked_block_are_the_callers(cache: Cache) -> None:
    with pytest.raises(FileNotFoundError), cache.locked("deps", KEY):
        raise FileNotFoundError(errno.ENOENT, "mine", str(cache.root / "x"))


def test_what_cannot_be_changed_is_removed_as_far_as_it_goes(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no")

    with cache.scratch() as folder:
        (folder / "deep").mkdir()
        monkeypatch.setattr(Path, "chmod", refuse)
    assert leftovers(cache) == []


def test_discard(cache: Cache) -> None:
    folder = fill(cache)
    folder.chmod(0o500)
    folder.chmod(0o700)
    cache.discard("deps", KEY)
    cache.discard("deps", KEY)
    assert cache.get("deps", KEY) is None
    assert leftovers(cache) == []


def test_size_and_clean(cache: Cache) -> None:
    assert cache.size() == (0, 0)
    cache.clean()
    fill(cache, text="12345")
    folder = fill(cache, key("b"), text="123")
    (folder / "deep").mkdir()
    (folder / "deep" / "file").write_text("12")
    (folder / "deep" / "file").chmod(0o400)
    (folder / "deep").chmod(0o500)
    with cache.locked("deps", KEY):
        pass
    assert cache.size() == (2, 10)
    cache.clean()
    assert cache.size() == (0, 0)
    assert leftovers(cache) == []


def test_size_while_another_build_removes(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fill(cache)
    real = os.walk
    monkeypatch.setattr(cache_module.os, "walk", lambda top: [(*row[:2], ["gone"]) for row in real(top)])
    assert folder.is_dir()
    assert cache.size() == (1, 0)


def test_leftovers_of_killed_builds_are_swept(cache: Cache) -> None:
    temporary = cache.root / "v1" / "tmp"
    for name in ("dead", "young", "old"):
        (temporary / name).mkdir(parents=True)
    (temporary / "dead.lock").touch()
    for name in ("youngish.lock", "oldish.lock"):
        (temporary / name).touch()
    long_ago = time.time() - 2 * 24 * 60 * 60
    for name in ("old", "oldish.lock"):
        os.utime(temporary / name, (long_ago, long_ago))
    with Cache(cache.root).scratch() as alive:
        assert alive.is_dir()
        left = set(leftovers(cache)) - {alive.name, f"{alive.name}.lock", "dead.lock"}
        assert left == {"young", "youngish.lock"}
        # A second build sees the first one at work.
        fill(cache)
        assert alive.is_dir()


def test_what_vanishes_while_sweeping_is_young(tmp_path: Path) -> None:
    assert cache_module._age(tmp_path / "gone") == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_for_real(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(CacheError):
            fill(Cache(tmp_path / "cache"))
    finally:
        tmp_path.chmod(0o700)


def test_a_cache_in_a_file_names_folder_and_variable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file")
    for action in (lambda: fill(cache), lambda: cache.discard("deps", KEY), lambda: cache.locked("a", "b").__enter__()):
        with pytest.raises(CacheError, match=r"file cannot be written(.|\n)*LAMBDA_BACKEND_CACHE_DIR"):
            action()


def test_a_full_cache(cache: Cache) -> None:
    with pytest.raises(CacheError, match="No space left"), cache.make("deps", KEY):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert leftovers(cache) == []


def test_other_errors_pass(cache: Cache) -> None:
    with pytest.raises(FileNotFoundError), cache.make("deps", KEY):
        raise FileNotFoundError(errno.ENOENT, "no", "/elsewhere")


def test_an_entry_that_cannot_be_placed(cache: Cache) -> None:
    entry = cache.entry("deps", KEY)
    entry.parent.mkdir(parents=True)
    entry.touch()
    with pytest.raises(CacheError, match="cannot be written"):
        fill(cache)
    assert leftovers(cache) == []


def test_quick_work_has_no_lock_until_it_is_held(cache: Cache) -> None:
    other = Cache(cache.root)
    with cache.scratch(held=False) as folder:
        lock = folder.with_name(f"{folder.name}.lock")
        assert not lock.exists()
        with other.scratch():
            assert folder.is_dir()  # it is young
        cache.hold(folder)
        assert lock.exists()
        long_ago = time.time() - 60 * 60
        os.utime(folder, (long_ago, long_ago))
        with Cache(cache.root).scratch():
            assert folder.is_dir()  # it is held
        cache.hold(folder)  # once more is no matter
    assert leftovers(cache) == []
    assert not lock.exists()


def test_what_is_left_of_quick_work_goes_later(cache: Cache) -> None:
    left = cache.root / "v1/tmp/quick"
    left.mkdir(parents=True)
    long_ago = time.time() - 60 * 60
    os.utime(left, (long_ago, long_ago))
    with cache.scratch(held=False):
        assert not left.exists()


def test_an_entry_that_is_there_needs_no_lock(cache: Cache) -> None:
    entry = fill(cache)
    with cache.locked("deps", KEY) as found:
        assert found == entry
    assert not (cache.root / "v1/locks/deps").exists()
