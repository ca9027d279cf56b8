from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from lambda_backend.errors import WheelBackendError
from lambda_backend.metadata import read

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
