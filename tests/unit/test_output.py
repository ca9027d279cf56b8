from __future__ import annotations

import errno
from pathlib import Path

import pytest

from lambda_backend.errors import OutputError
from lambda_backend.output import Delivery, deliver


@pytest.fixture
def made(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "stage"
    folder.mkdir()
    for name in ("a.zip", "b.json", "c.whl"):
        (folder / name).write_text(f"new {name}")
    return sorted(folder.iterdir())


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_everything_lands_in_its_place(tmp_path: Path, made: list[Path]) -> None:
    dist = tmp_path / "dist"
    deliver([Delivery(source=path, target=dist / "deep" / path.name) for path in made])
    assert contents(dist / "deep") == {"a.zip": "new a.zip", "b.json": "new b.json", "c.whl": "new c.whl"}


def test_what_was_there_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path, made: list[Path]) -> None:
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "a.zip").write_text("old")
    deliver([Delivery(source=path, target=dist / path.name) for path in made])
    assert contents(dist)["a.zip"] == "new a.zip"
    assert len(contents(dist)) == 3


def test_a_failure_leaves_the_folder_as_it_was(
    tmp_path: Path, made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "a.zip").write_text("old")
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if target.name == "c.whl" and self.suffix == ".part":
            raise OSError(errno.EIO, "Input/output error", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(OutputError, match=r"cannot write to the output folder: .*c\.whl: Input/output error"):
        deliver([Delivery(source=path, target=dist / path.name) for path in made])
    assert contents(dist) == {"a.zip": "old"}


def test_a_file_in_place_of_the_folder(tmp_path: Path, made: list[Path]) -> None:
    (tmp_path / "dist").write_text("")
    with pytest.raises(OutputError, match="cannot write to the output folder"):
        deliver([Delivery(source=path, target=tmp_path / "dist" / path.name) for path in made])


def test_folders_that_were_made_go_again(tmp_path: Path, made: list[Path]) -> None:
    (tmp_path / "file").write_text("")
    targets = [tmp_path / "new" / "deep" / made[0].name, tmp_path / "file" / made[1].name]
    with pytest.raises(OutputError):
        deliver([Delivery(source=path, target=target) for path, target in zip(made, targets, strict=False)])
    assert not (tmp_path / "new").exists()


def test_across_file_systems_the_bytes_are_copied(
    tmp_path: Path, made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crossing(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr("os.link", crossing)
    deliver([Delivery(source=path, target=tmp_path / "dist" / path.name) for path in made])
    assert contents(tmp_path / "dist")["b.json"] == "new b.json"
