"""Options that more than one command has."""

from __future__ import annotations

import click

from lambda_backend.engines.flavors import FLAVORS

__all__ = ["engine_option", "network_option"]

engine_option = click.option(
    "--engine",
    envvar="LAMBDA_BACKEND_ENGINE",
    type=click.Choice(["auto", "docker", *FLAVORS, "host"]),
    default="auto",
    show_default=True,
    help="auto runs on this machine where it can, and in a container otherwise.",
)
network_option = click.option(
    "--network", envvar="LAMBDA_BACKEND_BUNDLING_NETWORK", help="Of the container, such as host."
)
