from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from lambda_backend.errors import WheelBackendError
from lambda_backend.metadata import declared_by, read, read_folder

if TYPE_CHECKING:
    from pathlib import Path

METADATA = """\
Metadata-Version: 2.4
Name: My.App
Version: 1.0
Requires-Dist: requests>=2
Requires-Dist: pandas; extra == "data"
Provides-Extra: data

Name: a description that looks like metadata
"""


def test_what_a_wheel_says_of_itself(tmp_path: Path) -> None:
    wheel = tmp_path / "my_app-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("my_app/_vendor/other-3.dist-info/METADATA", "Name: other\nVersion: 3\n")
        archive.writestr("my_app-1.0.dist-info/METADATA", METADATA)
    found = read(wheel)
    assert (found.name, found.version, found.stem) == ("My.App", "1.0", "my_app-1.0")
    assert found.requires_dist == ("requests>=2", 'pandas; extra == "data"')
    assert found.provides_extra == ("data",)


def test_names_that_are_not_ascii(tmp_path: Path) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("a-1.dist-info/METADATA", "Name: a\nVersion: 1\nAuthor: Zoë\n")
    assert (read(wheel).requires_dist, read(wheel).provides_extra) == ((), ())


@pytest.mark.parametrize("content", [b"no zip", b"", None, b"\xff"])
def test_no_wheel(tmp_path: Path, content: bytes | None) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    if content in {None, b"\xff"}:
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("a-1.dist-info/METADATA" if content else "a.py", content or "")
    else:
        wheel.write_bytes(content or b"")
    with pytest.raises(WheelBackendError, match=r"made a-1-py3-none-any\.whl, which is no valid wheel"):
        read(wheel)


def test_what_pyproject_says_by_itself() -> None:
    project = {
        "name": "shop",
        "version": "1.0",
        "dependencies": ["idna"],
        "optional-dependencies": {"pdf": ["fpdf2", "docopt; python_version < '3.12'"]},
    }
    found = declared_by({"project": project})
    assert found is not None
    assert (found.name, found.version, found.provides_extra) == ("shop", "1.0", ("pdf",))
    assert found.requires_dist == (
        "idna",
        'fpdf2 ; extra == "pdf"',
        "docopt ; (python_version < '3.12') and extra == \"pdf\"",
    )


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"tool": {"poetry": {"name": "shop"}}},
        {"project": {"name": "shop", "dynamic": ["version", "dependencies"]}},
        {"project": {"name": "shop", "dynamic": ["optional-dependencies"]}},
    ],
)
def test_what_only_the_backend_knows(document: dict[str, Any]) -> None:
    assert declared_by(document) is None


def test_a_dynamic_version_is_of_no_account() -> None:
    found = declared_by({"project": {"name": "shop", "dynamic": ["version"]}})
    assert found is not None
    assert (found.name, found.version, found.requires_dist) == ("shop", "", ())


def test_metadata_without_a_wheel(tmp_path: Path) -> None:
    folder = tmp_path / "shop-1.0.dist-info"
    folder.mkdir()
    with pytest.raises(WheelBackendError, match=r"shop-1\.0\.dist-info, which is no valid metadata"):
        read_folder(folder)
    (folder / "METADATA").write_text("Name: shop\nVersion: 1.0\nRequires-Dist: idna\nProvides-Extra: pdf\n")
    found = read_folder(folder)
    assert (found.name, found.version, found.stem) == ("shop", "1.0", "shop-1.0")
    assert (found.requires_dist, found.provides_extra) == (("idna",), ("pdf",))
