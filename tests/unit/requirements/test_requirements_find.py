from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambda_backend.errors import LockError
from lambda_backend.requirements.find import find_lock, lock_kind

if TYPE_CHECKING:
    from pathlib import Path

KEY = "tool.lambda.lock"


def test_order_of_files(tmp_path: Path) -> None:
    assert find_lock(tmp_path, None, key=KEY) is None
    found = []
    names = ("requirements.txt", "Pipfile.lock", "poetry.lock", "uv.lock", "pylock.toml", "pylock.lambda.toml")
    for name in names:
        (tmp_path / name).write_text("")
        lock = find_lock(tmp_path, None, key=KEY)
        assert lock is not None
        assert lock.path == tmp_path / name
        found.append(lock.kind)
    assert found == ["requirements", "pipenv", "poetry", "uv", "pylock", "pylock"]


def test_a_pipfile_without_any_lock(tmp_path: Path) -> None:
    (tmp_path / "Pipfile").write_text("")
    with pytest.raises(LockError, match=f"{KEY}: .*Pipfile has no lock file beside it") as error:
        find_lock(tmp_path, None, key=KEY)
    assert "`pipenv lock`" in str(error.value.hint)
    (tmp_path / "requirements.txt").write_text("")
    found = find_lock(tmp_path, None, key=KEY)
    assert found is not None
    assert found.kind == "requirements"


def test_named_file(tmp_path: Path) -> None:
    (tmp_path / "reqs").mkdir()
    (tmp_path / "reqs/prod.txt").write_text("")
    found = find_lock(tmp_path, "reqs/prod.txt", key=KEY)
    assert found is not None
    assert (found.kind, found.path) == ("requirements", tmp_path / "reqs/prod.txt")
    with pytest.raises(LockError, match=f"{KEY}: there is no file 'uv.lock'"):
        find_lock(tmp_path, "uv.lock", key=KEY)
    with pytest.raises(LockError, match=f"{KEY}: 'setup.py' is no known kind"):
        find_lock(tmp_path, "setup.py", key=KEY)


def test_named_file_of_an_entry_lies_there_or_in_the_project(tmp_path: Path) -> None:
    entry = tmp_path / "packages/orders"
    entry.mkdir(parents=True)
    (tmp_path / "uv.lock").write_text("")
    found = find_lock(entry, "uv.lock", key=KEY, root=tmp_path)
    assert found is not None
    assert found.path == tmp_path / "uv.lock"
    (entry / "uv.lock").write_text("")
    found = find_lock(entry, "uv.lock", key=KEY, root=tmp_path)
    assert found is not None
    assert found.path == entry / "uv.lock"
    with pytest.raises(LockError, match=f"{KEY}: there is no file 'no.txt' in .*orders or "):
        find_lock(entry, "no.txt", key=KEY, root=tmp_path)


def test_kinds() -> None:
    assert lock_kind("pylock.dev.toml") == "pylock"
    assert lock_kind("pylock.a.b.toml") is None
    assert lock_kind("requirements.in") == "requirements"
