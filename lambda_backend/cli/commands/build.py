"""``lambda-backend build [PROJECT…]``."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lambda_backend.cli.out import say
from lambda_backend.cli.project import ProjectFolder
from lambda_backend.edge import INTERRUPTED
from lambda_backend.engines.flavors import FLAVORS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["command"]

_ENGINES = ("auto", "docker", *FLAVORS, "host")


@click.command("build")
@click.argument("projects", metavar="[PROJECT]...", nargs=-1, default=(".",), type=ProjectFolder())
@click.option(
    "-j", "--jobs", type=click.IntRange(min=1), help="Projects to build at a time; by default one a processor."
)
@click.option("--engine", type=click.Choice(_ENGINES), help="What installs the dependencies.")
@click.option("--only", metavar="A,B", help="Functions and layers to make.")
@click.option("-o", "--output-dir", metavar="DIR", type=click.Path(path_type=Path), help="By default PROJECT/dist.")
@click.option("-C", "config", metavar="KEY=VALUE", multiple=True, help="A setting, as python -m build takes it.")
@click.option("--no-cache", is_flag=True, help="Begin with an empty cache, and leave the usual one alone.")
@click.option("-v", "--verbose", is_flag=True, help="Show what the wheel backend, uv and the engine say.")
def command(
    projects: tuple[Path, ...],
    *,
    jobs: int | None,
    engine: str | None,
    only: str | None,
    output_dir: Path | None,
    config: tuple[str, ...],
    no_cache: bool,
    verbose: bool,
) -> None:
    """Build wheel, zips and manifest of projects.

    They are what `python -m build --wheel` leaves. Their paths are printed, one a line. A PROJECT is a folder with a
    pyproject.toml; without one it is the working folder. Where this environment has what the project's build needs,
    nothing is installed for it; else the `build` package makes an isolated environment.
    """
    settings = [*config]
    settings += [f"lambda.engine={engine}"] if engine else []
    settings += [f"lambda.only={only}"] if only else []
    environ = {**os.environ, **({"LAMBDA_BACKEND_VERBOSE": "1"} if verbose else {})}
    roots = list(dict.fromkeys(project.resolve() for project in projects))
    directory = None if output_dir is None else Path(os.path.abspath(output_dir))  # noqa: PTH100 - links stay
    if len(roots) == 1:
        _one(roots[0], directory or roots[0] / "dist", _by_key(settings), environ, no_cache=no_cache)
        return
    arguments = ["build", *(word for setting in settings for word in ("-C", setting))]
    arguments += ["--output-dir", str(directory)] if directory else []
    arguments += ["--no-cache"] if no_cache else []
    if not _many(roots, arguments, jobs or os.cpu_count() or 1, environ):
        sys.exit(1)


def _one(root: Path, directory: Path, settings: dict[str, Any], environ: dict[str, str], *, no_cache: bool) -> None:
    from lambda_backend.cli.building import Asked, build_project, scratch_cache

    with contextlib.ExitStack() as stack:
        if no_cache:
            environ = stack.enter_context(scratch_cache(environ))
        made = build_project(Asked(root=root, directory=directory, config_settings=settings, environ=environ))
    for path in made:
        click.echo(path)


def _many(roots: Sequence[Path], arguments: Sequence[str], jobs: int, environ: dict[str, str]) -> bool:
    """Whether all went well."""
    from lambda_backend.cli.jobs import run_all
    from lambda_backend.cli.live import words

    failed = []
    left = list(roots)
    with words(environ, f"building {len(roots)} projects") as said:
        said.say(f"building {len(roots)} projects, {min(jobs, len(roots))} at a time")
        try:
            for ended in run_all(roots, arguments, jobs=jobs, environ=environ):
                left.remove(ended.project)
                how = "failed" if ended.exit_code else "built"
                said.say(f"{how} {ended.project} in {ended.seconds:.1f} s; {len(left)} to go")
                if ended.log:
                    said.block(ended.log.rstrip("\n"))
                click.echo(ended.output, nl=False)
                failed += [ended.project] if ended.exit_code else []
        except KeyboardInterrupt:
            said.say(f"interrupted; {len(roots) - len(left) - len(failed)} of {len(roots)} projects were built")
            sys.exit(INTERRUPTED)
    if failed:
        say(f"{len(failed)} of {len(roots)} projects failed: {', '.join(sorted(map(str, failed)))}")
    return not failed


def _by_key(settings: Sequence[str]) -> dict[str, Any]:
    """Settings as frontends hand them to hooks: a key that is given again has a list of values."""
    found: dict[str, Any] = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        if key in found:
            before = found[key]
            found[key] = [*(before if isinstance(before, list) else [before]), value]
        else:
            found[key] = value
    return found
