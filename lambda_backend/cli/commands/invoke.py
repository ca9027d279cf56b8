"""``lambda-backend invoke ZIP --event FILE``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from lambda_backend.cli.options import engine_option, network_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambda_backend.running.model import Function

__all__ = ["command"]

_ZIP = click.Path(exists=True, dir_okay=False, path_type=Path)
_EVENT = click.File("rb", lazy=True)
_MOST_BYTES = 6_291_456
"""Of an event: 6 MB. Source: AWS documentation, "Lambda quotas"."""


@click.command("invoke")
@click.argument("zip_path", metavar="ZIP", type=_ZIP)
@click.option("--event", metavar="FILE", type=_EVENT, required=True, help="JSON; - reads standard input.")
@click.option("--runtime", help="Such as python3.13.")
@click.option("--architecture", help="x86_64 or arm64.")
@click.option("--handler", help="What Lambda calls: package.module.function.")
@click.option("--layer", "layers", metavar="ZIP", type=_ZIP, multiple=True, help="Again for each, in Lambda's order.")
@click.option("--env", metavar="NAME=VALUE", multiple=True, help="NAME alone takes its value from this shell.")
@click.option("--timeout", metavar="SECONDS", type=click.IntRange(1, 900), default=3, show_default=True)
@click.option("--memory", metavar="MB", type=click.IntRange(128, 10_240), default=128, show_default=True)
@engine_option
@network_option
def command(  # noqa: PLR0913 - each is an option
    *,
    zip_path: Path,
    event: IO[bytes],
    runtime: str | None,
    architecture: str | None,
    handler: str | None,
    layers: tuple[Path, ...],
    env: tuple[str, ...],
    timeout: int,
    memory: int,
    engine: str,
    network: str | None,
) -> None:
    """Run a function as Lambda does, by Lambda's own runtime client.

    The handler's answer goes to standard output; its log and Lambda's lines (START, END, REPORT) go to standard error.
    A handler that fails gives Lambda's error object and exit code 1. It sees the zip, its layers and Lambda's
    environment, and nothing of this machine's packages and variables.

    Runtime, architecture, handler and layers are those of the manifest beside the zip, unless options say otherwise.
    """
    from lambda_backend.cli.surroundings import surroundings
    from lambda_backend.running.model import Configuration
    from lambda_backend.running.open import staged

    given = _event(event)
    function = _function(zip_path, runtime, architecture, handler, layers)
    configuration = Configuration(timeout=timeout, memory=memory, environment=dict(_variable(word) for word in env))
    around = surroundings(network)
    with staged(function, engine, around) as stage:
        around.say(f"{function.name} runs {stage.where}")
        answer = stage.invoke(given, configuration)
    click.echo(answer.payload.encode("utf-8", "surrogateescape"))
    sys.exit(1 if answer.failed else 0)


def _event(stream: IO[bytes]) -> str:
    raw = stream.read()
    if len(raw) > _MOST_BYTES:
        raise click.BadParameter(f"an event has at most {_MOST_BYTES} bytes, not {len(raw)}", param_hint="--event")
    try:
        text = raw.decode()
        json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"{stream.name} is no JSON: {error}", param_hint="--event") from None
    return text


def _variable(word: str) -> tuple[str, str]:
    name, given, value = word.partition("=")
    if not name or not (given or name in os.environ):
        raise click.BadParameter(
            f"{name!r} is not set in this shell" if name else "write NAME=VALUE, or NAME", param_hint="--env"
        )
    return name, value if given else os.environ[name]


def _function(
    path: Path, runtime: str | None, architecture: str | None, handler: str | None, layers: Sequence[Path]
) -> Function:
    from lambda_backend.report.beside import described
    from lambda_backend.running.model import Function
    from lambda_backend.targets import architectures, runtimes, target

    facts = described(path)
    if facts is not None and facts.artifact.get("kind") == "layer":
        raise click.BadParameter(f"{path.name} is a layer; name the function that uses it", param_hint="ZIP")
    found_runtime = _known("--runtime", runtime or (facts.runtime if facts else None), tuple(runtimes()))
    chosen = architecture or (facts.architecture if facts else _architecture(path, found_runtime))
    found_architecture = _known("--architecture", chosen, architectures())
    found_handler = handler or (facts.handler if facts else None)
    if not found_handler:
        raise _missing("--handler")
    return Function(
        name=str(facts.artifact["name"]) if facts else path.stem,
        zip=path,
        layers=tuple(layers) or (facts.layers if facts else ()),
        target=target(found_runtime, found_architecture),
        handler=found_handler,
    )


def _architecture(path: Path, runtime: str) -> str:
    """What the zip's compiled code is for; where there is none, this machine's own."""
    from lambda_backend.running.host import is_native
    from lambda_backend.running.unpack import zipped_machines
    from lambda_backend.targets import architectures, target

    machines = zipped_machines(path)
    targets = [target(runtime, name) for name in architectures()]
    compiled = (one.architecture for one in targets if one.elf_machine in machines)
    here = (one.architecture for one in targets if is_native(one))
    return next(iter([*compiled, *here, *architectures()]))


def _known(option: str, value: str | None, known: Sequence[str]) -> str:
    if not value:
        raise _missing(option)
    if value not in known:
        raise click.BadParameter(f"{value!r} is none of {', '.join(known)}", param_hint=option)
    return value


def _missing(option: str) -> click.UsageError:
    return click.UsageError(f"Missing option '{option}': no manifest (*.lambda.json) beside the zip names it.")
