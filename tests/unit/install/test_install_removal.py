from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.install import removal
from lambda_backend.install.removal import Removal

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def trees(folder: Path) -> list[Path]:
    made = [folder / "one", folder / "-tw\u00f6 two"]
    for tree in made:
        (tree / "deep").mkdir(parents=True)
        (tree / "deep/file").touch()
    return made


def test_folders_go_with_all_that_is_in_them(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    Removal([*trees(tmp_path), tmp_path / "none"]).close()
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_no_process_can_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = trees(tmp_path)
    monkeypatch.setattr(removal, "_REMOVE", [str(tmp_path / "none")])
    Removal(made).close()
    assert all(tree.is_dir() for tree in made)
