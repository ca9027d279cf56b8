"""``lambda-backend schema``."""

from __future__ import annotations

import click

from lambda_backend.cli.out import print_json

__all__ = ["command"]


@click.command("schema")
def command() -> None:
    """Print the JSON schema of the [tool.lambda] table."""
    from lambda_backend.settings.schema import schema

    print_json(schema())
