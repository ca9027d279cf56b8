"""Whether a project made only of entries is kept from setuptools' discovery."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambda_backend.documents import read_toml
from lambda_backend.wheel_backend import names_modules

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("pyproject.toml", "[project]\nname = 'x'\n", False),
        ("pyproject.toml", "[tool.setuptools.dynamic]\nversion = {file = 'VERSION'}\n", False),
        ("pyproject.toml", "[tool.setuptools]\npackages = ['x']\n", True),
        ("pyproject.toml", "[tool.setuptools.packages.find]\nwhere = ['src']\n", True),
        ("pyproject.toml", "[tool.setuptools]\npy-modules = ['x']\n", True),
        ("setup.py", "", True),
        ("setup.cfg", "[egg_info]\ntag_build = \ntag_date = 0\n", False),
        ("setup.cfg", "[options]\npackages = find:\n", True),
        ("setup.cfg", "no section\n", True),
    ],
)
def test_who_names_the_modules(tmp_path: Path, name: str, text: str, expected: bool) -> None:
    (tmp_path / name).write_text(text)
    table = read_toml(tmp_path / "pyproject.toml").get("tool", {}).get("setuptools", {})
    assert names_modules(tmp_path, table) is expected
