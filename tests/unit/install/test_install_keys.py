"""What decides a resolution: no two different requirements files share an answer in the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambda_backend.install import asked as keys
from lambda_backend.install.wanted import Wanted
from lambda_backend.requirements.model import LockFile
from lambda_backend.requirements.requirements_txt import parse

if TYPE_CHECKING:
    from pathlib import Path

HASH = f"--hash=sha256:{'a' * 64}"


def asked(root: Path, text: str, constraint: str = "six<2\n", *, folder: str = ".") -> dict[str, object]:
    place = root / folder
    place.mkdir(exist_ok=True)
    (place / "requirements.txt").write_text(text)
    (place / "constraints.txt").write_text(constraint)
    lock = LockFile(kind="requirements", path=place / "requirements.txt")
    return keys.asked(
        Wanted(
            key="tool.lambda",
            project="x",
            root=root,
            base=root,
            folder=place,
            lock=lock,
            requirements=parse(lock.path, root),
            declared=(),
            extras=(),
            groups=(),
        )
    )


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("six==1.17.0\n", f"six==1.17.0 {HASH}\n"),
        (f"six==1.17.0 {HASH}\n", f"six==1.17.0 --hash=sha256:{'b' * 64}\n"),
        ("six==1.17.0\n", "six==1.16.0\n"),
        ("six\n", "--pre\nsix\n"),
        ("six\n", "-c constraints.txt\nsix\n"),
        ("six\n", "--require-hashes\n"),
    ],
)
def test_another_file_is_another_question(tmp_path: Path, one: str, two: str) -> None:
    assert asked(tmp_path, one) != asked(tmp_path, two)


def test_another_constraint_is_another_question(tmp_path: Path) -> None:
    text = "-c constraints.txt\nsix\n"
    assert asked(tmp_path, text, "six<2\n") != asked(tmp_path, text, "six<1.17\n")
    assert asked(tmp_path, text, "six<2\n") == asked(tmp_path, text, "six<2\n")


def test_the_same_requirements_elsewhere_are_the_same_question(tmp_path: Path) -> None:
    text = "-c constraints.txt\nsix\n"
    assert asked(tmp_path, text, folder="one") == asked(tmp_path, text, folder="two")
    for name in ("one", "two"):
        (tmp_path / name / "lib").mkdir()
    # A relative path leads to another folder.
    assert asked(tmp_path, "./lib\n", folder="one") != asked(tmp_path, "./lib\n", folder="two")
