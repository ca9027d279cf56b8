"""The group of all commands; each is a module of its own, which is imported when it is called."""

from __future__ import annotations

import difflib
import importlib
from typing import Any

import click

from lambda_backend import __version__
from lambda_backend.edge import edge

__all__ = ["group"]

_COMMANDS = ("build", "lock", "check", "invoke", "inspect", "diff", "doctor", "cache", "schema")
"""As ``--help`` lists them. ``commands.NAME`` has the command NAME by the name ``command``."""


class _Commands(click.Group):
    """Commands by the names of their modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in _COMMANDS:
            near = difflib.get_close_matches(cmd_name, _COMMANDS, n=1)
            ctx.fail(f"No such command {cmd_name!r}.{f' Did you mean {near[0]!r}?' if near else ''}")
        found: click.Command = importlib.import_module(f"lambda_backend.cli.commands.{cmd_name}").command
        return found

    @edge
    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click has it
        """Run a command. Inside of click, which would else make a word of its own of Ctrl-C."""
        return super().invoke(ctx)


@click.group(
    "lambda-backend", cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120}
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def group() -> None:
    """Build AWS Lambda zips from Python projects, look into them, and prove them before they are deployed."""
