"""The page of the command line names every command and every option."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from lambda_backend.cli.group import group

PAGE = Path(__file__).parents[3] / "docs/reference/command-line.md"
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE))
NAMES = group.list_commands(click.Context(group))


def test_every_command_has_a_section() -> None:
    assert list(SECTIONS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_named(name: str) -> None:
    found = group.get_command(click.Context(group), name)
    assert found is not None
    inner = list(found.commands.values()) if isinstance(found, click.Group) else [found]
    options = {
        max(parameter.opts, key=len)
        for command in inner
        for parameter in command.params
        if isinstance(parameter, click.Option)
    }
    section = SECTIONS[name]
    named = set(re.findall(r"(?<![\w-])--?[a-zA-Z][a-z-]*", section))
    assert options - named == set()
