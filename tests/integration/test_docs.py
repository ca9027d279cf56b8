"""The pages stay true: links lead somewhere, settings are ones that the parser takes, generated text is fresh."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lambda_backend.settings.load import load
from lambda_backend.settings.overrides import overridable, variable_of
from tests.helpers.machine import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGES = sorted([*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def name(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text("utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


TABLES = [
    pytest.param(block, id=f"{name(page)}-{number}")
    for page in PAGES
    for number, (language, block) in enumerate(FENCE.findall(page.read_text("utf-8")))
    if language == "toml"
]


@pytest.mark.parametrize("block", TABLES)
def test_settings_are_taken(block: str, tmp_path: Path) -> None:
    document = tomllib.loads(block)
    if "runtime" not in document["tool"]["lambda"]:
        # A part of a table: the least around it.
        block = f'[tool.lambda]\nruntime = "python3.13"\nhandler = "a.b"\n{block}'
    (tmp_path / "pyproject.toml").write_text(block, "utf-8")
    assert load(tmp_path / "pyproject.toml", config_settings={}, environ={}).settings is not None


def test_the_first_block_of_the_readme_is_two_commands() -> None:
    _, block = FENCE.findall((CHECKOUT / "README.md").read_text("utf-8"))[0]
    lines = block.splitlines()
    assert len(lines) == 2
    assert "-m build" in lines[0]
    assert lines[1].endswith("-m pytest")


def test_the_reference_of_the_settings_is_fresh() -> None:
    argv = [sys.executable, "-m", "lambda_backend.settings.reference"]
    made = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, encoding="utf-8", check=True)
    assert made.stdout == (CHECKOUT / "docs/reference/settings.md").read_text("utf-8")


def test_variables_that_the_pages_name_are_there() -> None:
    ours = {variable_of(f"lambda.{key}") for key in overridable()}
    ours |= {"LAMBDA_BACKEND", "LAMBDA_BACKEND_ONLY", "LAMBDA_BACKEND_CACHE_DIR", "LAMBDA_BACKEND_VERBOSE"}
    named = {
        word.rstrip("_") for page in PAGES for word in re.findall(r"LAMBDA_BACKEND[A-Z_]*", page.read_text("utf-8"))
    }
    assert named - ours - {"LAMBDA_BACKEND_KEY"} == set()
