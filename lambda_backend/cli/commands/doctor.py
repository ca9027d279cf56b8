"""``lambda-backend doctor``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lambda_backend.cli.out import aligned, print_json
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lambda_backend.cli.diagnosis import EngineState, Processor, Wish
    from lambda_backend.settings.resolve import ArtifactSettings
    from lambda_backend.targets import Target

__all__ = ["command"]


class _Wanted(Value):
    """What is looked at: a project's wishes, or all that there is."""

    engine: str
    targets: tuple[Target, ...]
    images: tuple[Wish, ...]
    of_project: bool


class _State(Value):
    """What there is."""

    wanted: _Wanted
    engines: tuple[EngineState, ...]
    images: Mapping[Wish, tuple[str, ...]]
    uv: tuple[str, str] | None
    pythons: Mapping[str, Path | None]
    processors: Mapping[str, Processor]
    cache: tuple[Path, int, int]
    cache_problem: str | None

    @property
    def used(self) -> str | None:
        """The engine that a build uses; None where the one that was named does not answer."""
        answering = [state.name for state in self.engines if state.engine is not None]
        if self.wanted.engine == "auto":
            return next(iter(answering), "host")
        return self.wanted.engine if self.wanted.engine in {*answering, "host"} else None


class _Problem(Value):
    level: str
    """``error`` where builds fail, ``warn`` where they take another way."""
    message: str
    hint: str


@click.command("doctor")
@click.argument("project", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print an object with all that was found.")
def command(project: Path, *, as_json: bool) -> None:
    """Look at this machine: what builds need of it, what is wrong.

    Engines, build images, Pythons, processors, uv and the cache: for the PROJECT's runtimes and settings, or for all
    runtimes where there is no project. The exit code is 1 where builds would fail.
    """
    from lambda_backend.cli.live import words

    with words(os.environ, "looking at engines, images, Pythons and uv"):
        state = _look(_wanted(project.resolve(), os.environ), os.environ)
    problems = list(_problems(state))
    if as_json:
        print_json(_document(state, problems))
    else:
        click.echo("\n".join(_lines(state, problems)))
    sys.exit(1 if any(problem.level == "error" for problem in problems) else 0)


def _wanted(root: Path, environ: Mapping[str, str]) -> _Wanted:
    from lambda_backend.cli.diagnosis import Wish
    from lambda_backend.targets import architectures, runtimes, target

    if (root / "pyproject.toml").is_file():
        from lambda_backend.pipeline import Build

        build = Build.load(root, {}, environ)
        if build.loaded.settings is not None:
            found = list(dict.fromkeys(pair for artifact in build.all_artifacts() for pair in _pairs(artifact)))
            return _Wanted(
                engine=build.loaded.settings.engine,
                targets=tuple(dict.fromkeys(of for of, _ in found)),
                images=tuple(dict.fromkeys(wish for _, wish in found if wish is not None)),
                of_project=True,
            )
    names = [name for name, runtime in runtimes().items() if not runtime.preview]
    targets = tuple(target(name, architecture) for name in names for architecture in architectures())
    wishes = tuple(Wish(reference=of.build_image, platform=of.container_platform) for of in targets)
    engine = environ.get("LAMBDA_BACKEND_ENGINE") or "auto"
    return _Wanted(engine=engine, targets=targets, images=wishes, of_project=False)


def _pairs(artifact: ArtifactSettings) -> Iterator[tuple[Target, Wish | None]]:
    """Targets of an artefact with their images; None for one that is built from the project's own Containerfile."""
    from lambda_backend.cli.diagnosis import Wish
    from lambda_backend.targets import target

    image = artifact.bundling.image
    for runtime in artifact.runtime:
        for architecture in artifact.architecture:
            of = target(runtime, architecture)
            platform = artifact.bundling.platform or of.container_platform
            reference = of.build_image if image is None else image
            yield of, Wish(reference=reference, platform=platform) if isinstance(reference, str) else None


def _look(wanted: _Wanted, environ: Mapping[str, str]) -> _State:
    from lambda_backend.cache import Cache
    from lambda_backend.cli.diagnosis import cache_problem, engine_states, images, processor, uv_state
    from lambda_backend.install.interpreter import find_interpreter

    states = engine_states(environ)
    cache = Cache.default(environ)
    versions = dict.fromkeys(of.runtime.python_version for of in wanted.targets)
    return _State(
        wanted=wanted,
        engines=states,
        images=images(states, wanted.images),
        uv=uv_state(environ),
        pythons={version: find_interpreter(version, environ) for version in versions},
        processors={of.architecture: processor(of) for of in wanted.targets},
        cache=(cache.root, *cache.size()),
        cache_problem=cache_problem(cache),
    )


def _problems(state: _State) -> Iterator[_Problem]:
    named = next((one for one in state.engines if one.name == state.wanted.engine), None)
    if state.used is None:
        reason = named.reason if named else "there is no engine of that name"
        hint = (named.hint if named else None) or 'start it, or take another: engine = "auto"'
        yield _Problem(level="error", message=f"engine {state.wanted.engine}: {reason}", hint=hint)
    if state.uv is None and state.used in {"host", None}:
        yield _Problem(
            level="error",
            message="uv is not installed, and builds on this machine need it",
            hint="pip install 'lambda-backend[uv]' (an isolated build asks for it by itself)",
        )
    if state.wanted.engine == "auto" and state.used == "host":
        yield _Problem(
            level="warn",
            message="no engine answers: builds run on this machine, where only pure Python can be built from source",
            hint="start docker or podman",
        )
    if state.cache_problem is not None:
        yield _Problem(
            level="error", message=state.cache_problem, hint="set LAMBDA_BACKEND_CACHE_DIR to another folder"
        )
    if state.used not in {"host", None}:
        yield from _problems_of_engine(state, str(state.used))


def _problems_of_engine(state: _State, engine: str) -> Iterator[_Problem]:
    # Without a project nobody knows which of all runtimes matter.
    if not state.wanted.of_project:
        return
    for wish, there in state.images.items():
        if engine not in there:
            yield _Problem(
                level="warn",
                message=f"{engine} has no image {wish.reference} for {wish.platform}: a build pulls it",
                hint=f"{engine} pull --platform {wish.platform} {wish.reference}",
            )
    for architecture, how in state.processors.items():
        if how == "missing":
            yield _Problem(
                level="warn",
                message=f"this machine runs no containers for {architecture}: it has neither processor nor emulator",
                hint=f"docker run --privileged --rm tonistiigi/binfmt --install {architecture}, install "
                "qemu-user-static, or build with engine = host",
            )


def _lines(state: _State, problems: list[_Problem]) -> Iterator[str]:
    from lambda_backend.units import human_size

    yield "engines"
    rows = []
    for one in state.engines:
        used = " (in use)" if one.name == state.used else ""
        rows.append(("", one.name, f"{one.version}{used}" if one.engine is not None else f"no: {one.reason}"))
    rows.append(("", "host", "in use" if state.used == "host" else "needs no engine"))
    yield from aligned(rows)
    yield "images"
    yield from aligned([("", wish.reference, ", ".join(there) or "not here") for wish, there in state.images.items()])
    yield "Pythons"
    yield from aligned([("", version, str(path or "not here")) for version, path in state.pythons.items()])
    yield "processors"
    words = {"missing": "no emulator", "unknown": "as the engine's virtual machine has it"}
    yield from aligned([("", name, words.get(how, how)) for name, how in state.processors.items()])
    yield "uv"
    yield f"  {state.uv[1]}  {state.uv[0]}" if state.uv else "  not here"
    yield "cache"
    root, entries, size = state.cache
    yield f"  {root}: {entries} entries, {human_size(size)}"
    yield ""
    for problem in problems:
        yield f"{problem.level}: {problem.message}\n  → {problem.hint}"
    if not problems:
        yield "nothing is wrong"


def _document(state: _State, problems: list[_Problem]) -> dict[str, Any]:
    root, entries, size = state.cache
    return {
        "engine": state.used,
        "engines": [
            {
                "name": one.name,
                "answers": one.engine is not None,
                "version": one.version,
                "reason": one.reason,
                "hint": one.hint,
            }
            for one in state.engines
        ],
        "images": [
            {"reference": wish.reference, "platform": wish.platform, "engines": list(there)}
            for wish, there in state.images.items()
        ],
        "pythons": {version: None if path is None else str(path) for version, path in state.pythons.items()},
        "processors": dict(state.processors),
        "uv": None if state.uv is None else {"path": state.uv[0], "version": state.uv[1]},
        "cache": {"folder": str(root), "entries": entries, "bytes": size},
        "problems": [
            {"level": problem.level, "message": problem.message, "hint": problem.hint} for problem in problems
        ],
    }
