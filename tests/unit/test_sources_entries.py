"""Which files of entries and includes the Lambda step reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.settings.load import load
from lambda_backend.settings.resolve import artifacts
from lambda_backend.sources import project_sources

if TYPE_CHECKING:
    from pathlib import Path

SDIST = ("PKG-INFO", "setup.cfg", "x.egg-info/a.json")
TABLE = """
[build-system]
requires = ["lambda-backend"]
[tool.lambda]
runtime = "python3.13"
entry = "."
include = [{ from = "**/*.json" }, { from = "*[!e]" }]
"""


def test_an_entry_that_is_the_project(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(TABLE)
    for name in (
        "index.py",
        "conf/a.json",
        "dist/old.zip",
        "dist/old.lambda.json",
        "zips/old.zip",
        "zips/old.json",
        *SDIST,
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    settings = load(tmp_path / "pyproject.toml", config_settings={}, environ={}).settings
    assert settings is not None
    found = project_sources(artifacts(settings), tmp_path, (tmp_path / "dist", tmp_path / "zips"))
    assert list(found) == ["conf/a.json", "index.py", "pyproject.toml"]
