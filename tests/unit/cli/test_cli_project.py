from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


@pytest.mark.parametrize("name", ["build", "lock"])
def test_a_folder_without_a_project_is_wrong_usage(
    name: str, command: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments, shown in (((tmp_path,), str(tmp_path)), ((), ".")):
        result = command(name, *arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"Directory '{shown}' has no pyproject.toml." in result.stderr


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_place_where_no_folder_can_be(place: str, command: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["lambda-backend"]\nbuild-backend = "lambda_backend"\n'
        '[project]\nname = "x"\nversion = "1"\n'
    )
    result = command("build", tmp_path, "--output-dir", tmp_path / place)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"cannot write to the output folder: {tmp_path / place}: " in result.stderr
    assert "name another folder (--output-dir)" in result.stderr
