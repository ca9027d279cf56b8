"""``lambda-backend lock [PROJECT]``."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

import click

from lambda_backend.cli.project import ProjectFolder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lambda_backend.locking.locker import NewLock
    from lambda_backend.locking.places import Place
    from lambda_backend.pipeline import Build
    from lambda_backend.report.words import Words

__all__ = ["command"]


@click.command("lock")
@click.argument("project", default=".", type=ProjectFolder())
@click.option("--upgrade", is_flag=True, help="Take the newest versions, and not those of the lock that is there.")
@click.option("--force", is_flag=True, help="Convert the lock of another tool.")
@click.option("-v", "--verbose", is_flag=True, help="Show what uv says.")
def command(project: Path, *, upgrade: bool, force: bool, verbose: bool) -> None:
    """Write pylock.lambda.toml, the lock that builds prefer.

    One file (PEP 751) serves every function and layer of the project, on all their runtimes and architectures, with all
    the extras and groups that they ask for. An entry with dependencies of its own gets one in its folder. The paths of
    the files are printed, one a line.
    """
    from lambda_backend.cli.live import words
    from lambda_backend.cli.process import in_project, quiet_backend
    from lambda_backend.documents import read_toml
    from lambda_backend.errors import SettingsError
    from lambda_backend.pipeline import Build

    root = project.resolve()
    environ = {**os.environ, **({"LAMBDA_BACKEND_VERBOSE": "1"} if verbose else {})}
    build = Build.load(root, {}, environ)
    if build.loaded.settings is None:
        raise SettingsError(
            ["pyproject.toml: no [tool.lambda] table, or it is switched off: nothing says what to lock for"]
        )
    backend_path = read_toml(root / "pyproject.toml").get("build-system", {}).get("backend-path", ())
    with (
        words(environ, f"locking {root.name}") as said,
        in_project(root, backend_path),
        quiet_backend(verbose=verbose),
    ):
        paths = list(_locked(build, said, upgrade=upgrade, force=force))
    for path in paths:
        click.echo(path)


def _locked(build: Build, said: Words, *, upgrade: bool, force: bool) -> Iterator[Path]:
    from lambda_backend.cache import Cache
    from lambda_backend.locking.locker import Locker
    from lambda_backend.locking.places import names_another, places
    from lambda_backend.metadata import ProjectMetadata
    from lambda_backend.output import Delivery, deliver

    artifacts = build.all_artifacts()
    for artifact in filter(names_another, artifacts):
        said.say(f"{artifact.key}.lock names {artifact.lock}, which its builds use")
    wished = [place for place in places(artifacts, build.root) if _is_wished(place, build.root, said, force=force)]
    cache = Cache.default(build.environ)
    with cache.scratch() as scratch, contextlib.ExitStack() as stack:
        (scratch / "metadata").mkdir()
        needs_metadata = any(artifact.entry is None for artifact in artifacts)
        locker = Locker(
            artifacts,
            root=build.root,
            project=build.metadata(scratch / "metadata") if needs_metadata and wished else ProjectMetadata(name=""),
            environ=build.environ,
            cache=cache,
            scratch=scratch,
            words=said,
            upgrade=upgrade,
        )
        stack.callback(locker.close)
        deliveries = []
        for number, place in enumerate(wished):
            made = locker.lock(place)
            if made is None:
                said.say(f"{_shown(place, build.root)} asks for no distribution: there is nothing to lock")
                continue
            _tell(made, place, build.root, said)
            file = scratch / f"lock{number}"
            file.write_text(made.text, "utf-8", newline="\n")
            deliveries.append(Delivery(source=file, target=made.path))
        if deliveries:
            deliver(deliveries)
        yield from (delivery.target for delivery in deliveries)


def _is_wished(place: Place, root: Path, said: Words, *, force: bool) -> bool:
    """Whether a folder gets a lock; it says why not."""
    lock = place.lock_in_use
    if lock is None or force:
        return True
    if place.path.is_file():
        said.say(f"{_shown(place, root)} has {lock} too; --force makes {place.path.name} of it anew")
    else:
        said.say(f"{_shown(place, root)} has {lock}, which its builds use; --force makes {place.path.name} of it")
    return False


def _shown(place: Place, root: Path) -> str:
    return "the project" if place.folder == root else place.folder.relative_to(root).as_posix()


def _tell(made: NewLock, place: Place, root: Path, said: Words) -> None:
    """What is new in a lock."""
    from packaging.pylock import Pylock

    from lambda_backend.locking.before import versions_in

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    before = made.before.all_versions()
    after = versions_in(Pylock.from_dict(tomllib.loads(made.text)).packages)
    said.say(f"{_shown(place, root)}: {len(after)} distribution{'' if len(after) == 1 else 's'} in {made.path.name}")
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, frozenset()), after.get(name, frozenset())
        if old != new and before:
            said.say(f"  {name} {', '.join(sorted(old)) or '(new)'} → {', '.join(sorted(new)) or '(gone)'}")
    for source in made.sources:
        said.say(
            f"  {source} comes without a wheel: it is built in a container, or on this machine where it is pure Python"
        )
