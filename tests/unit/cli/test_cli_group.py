"""The group: what a wrong call says, how errors leave, and what is imported for what."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from lambda_backend import __version__
from lambda_backend.cli import group as group_module
from lambda_backend.cli.group import group
from lambda_backend.errors import LockError

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

HEAVY = ("docker", "rich", "setuptools", "packaging", "lambda_backend.pipeline", "lambda_backend.settings.model")
WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in {missing}:
            raise ModuleNotFoundError(name=name)

sys.meta_path.insert(0, Missing())
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name in {missing} else found(name)
sys.argv = ["lambda-backend", "--version"]
from lambda_backend.cli import main
main()
"""


def test_every_command_says_what_it_does(command: Callable[..., Result]) -> None:
    listed = command("--help")
    assert listed.exit_code == 0
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        assert found.name == name
        assert found.get_short_help_str(70) in listed.stdout
        assert command(name, "--help").stdout.startswith(f"Usage: lambda-backend {name}")


def test_version(command: Callable[..., Result]) -> None:
    assert command("--version").stdout == f"lambda-backend {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cachr"], "No such command 'cachr'. Did you mean 'cache'?"),
        (["xyzzy"], "No such command 'xyzzy'."),
        (["cache", "burn"], "No such command 'burn'"),
        (["schema", "--nothing"], "No such option"),
        ([], "Usage:"),
    ],
)
def test_wrong_usage(command: Callable[..., Result], arguments: list[str], words: str) -> None:
    result = command(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (LockError("uv.lock is odd", hint="renew it"), 1, "lambda-backend: error: uv.lock is odd\n  → renew it\n"),
        (KeyboardInterrupt(), 130, "\nlambda-backend: interrupted; nothing was written\n"),
    ],
)
def test_errors_leave_as_one_message(
    error: BaseException, code: int, words: str, command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command("broken")
    def broken() -> None:
        raise error

    monkeypatch.setattr(group_module._Commands, "get_command", lambda *_: broken)
    result = command("broken")
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", words)


def test_a_defect_keeps_its_traceback(command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command("broken")
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(group_module._Commands, "get_command", lambda *_: broken)
    assert isinstance(command("broken").exception, ZeroDivisionError)


@pytest.mark.parametrize("name", ["", *group.list_commands(click.Context(group))])
def test_nothing_heavy_is_imported_for_a_command_that_is_not_run(name: str) -> None:
    module = f"lambda_backend.cli.commands.{name}" if name else "lambda_backend.cli.group"
    script = f"import {module}, sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("missing", "words"), [(("click", "rich"), "click and rich"), (("click", ""), "click"), (("rich", ""), "rich")]
)
def test_without_the_extra(missing: tuple[str, ...], words: str) -> None:
    script = WITHOUT.format(missing=missing)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"lambda-backend: error: the lambda-backend command needs {words}, which the build backend does without\n"
        "  → pip install 'lambda-backend[cli]'\n"
    )


def test_as_a_module() -> None:
    argv = [sys.executable, "-m", "lambda_backend", "--version"]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == f"lambda-backend {__version__}\n"


def test_schema(command: Callable[..., Result]) -> None:
    from lambda_backend.settings.schema import generate

    assert json.loads(command("schema").stdout) == generate()
