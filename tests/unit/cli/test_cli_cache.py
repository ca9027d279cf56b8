from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lambda_backend.cache import Cache, key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


def fill(root: Path) -> None:
    with Cache(root).make("deps", key("a")) as folder:
        (folder / "file").write_bytes(b"x" * 3000)
    uv = root / "engines/uv/0.13/uv"
    uv.parent.mkdir(parents=True)
    uv.write_bytes(b"x" * 2000)


def test_info(command: Callable[..., Result], tmp_path: Path) -> None:
    assert command("cache", "info").stdout == f"{tmp_path}/cache\n0 entries, 0 B\n"
    fill(tmp_path / "cache")
    assert command("cache", "info").stdout == f"{tmp_path}/cache\n1 entry, 4.9 KiB\n"
    found = json.loads(command("cache", "info", "--json").stdout)
    assert found == {"folder": str(tmp_path / "cache"), "entries": 1, "bytes": 5000}


def test_clean(command: Callable[..., Result], tmp_path: Path) -> None:
    fill(tmp_path / "cache")
    result = command("cache", "clean")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"lambda-backend: removed 1 entry, 4.9 KiB, from {tmp_path}/cache\n"
    assert command("cache", "info").stdout.endswith("\n0 entries, 0 B\n")
    assert not (tmp_path / "cache/engines").exists()


@pytest.mark.parametrize("verb", ["info", "clean"])
def test_what_is_no_folder_is_no_empty_cache(verb: str, command: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("mine")
    result = command("cache", verb)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"The cache {tmp_path}/cache is no folder" in result.stderr
    assert "set LAMBDA_BACKEND_CACHE_DIR to a folder" in result.stderr
    assert (tmp_path / "cache").read_text() == "mine"
