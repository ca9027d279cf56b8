"""One project, built in this process as ``python -m build --wheel --no-isolation`` would, or else in isolation."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

from lambda_backend.cli.live import words
from lambda_backend.cli.process import in_project, quiet_backend
from lambda_backend.errors import MissingExtraError, OutputError, WheelBackendError
from lambda_backend.last_build import LastBuild
from lambda_backend.report.words import Words
from lambda_backend.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.pipeline import Build

__all__ = ["Asked", "build_project", "scratch_cache"]

_OURS = "lambda_backend"


class Asked(Value):
    """One project to build."""

    root: Path
    """Absolute."""
    directory: Path
    """Where the wheel goes, as a frontend would name it; absolute."""
    config_settings: Mapping[str, Any]
    environ: Mapping[str, str]


def build_project(asked: Asked) -> tuple[Path, ...]:
    """Build a project's wheel and artefacts.

    Returns:
        What was made: the wheel, the zips (each with its bill of materials, where one is asked for), the manifest.

    Raises:
        LambdaBackendError: with a message for the person.
    """
    # By these the hooks know who throws away what lies beside the wheel; here nobody does.
    environ = {name: value for name, value in asked.environ.items() if name not in {"PIP_BUILD_TRACKER", "UV"}}
    asked = replace(asked, environ=environ)
    with LastBuild(asked.root, asked.directory, asked.config_settings, environ) as last:
        if (again := last.again(Words())) is not None:
            return again.made
        return _build(replace(asked, environ=last.environ), last)


def _build(asked: Asked, last: LastBuild) -> tuple[Path, ...]:
    from lambda_backend.documents import read_toml
    from lambda_backend.pipeline import Build

    build = Build.load(asked.root, asked.config_settings, asked.environ)
    system = read_toml(asked.root / "pyproject.toml").get("build-system", {})
    _refuse_other_backends(system)
    try:
        asked.directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot write to the output folder: {asked.directory}: {error.strerror}",
            hint="name another folder (--output-dir)",
        ) from error
    with in_project(asked.root, system.get("backend-path", ())):
        missing = _missing(system.get("requires", ()), build)
        # A backend of the project's own, around ours, is the frontend's to call.
        here = not missing and system["build-backend"] == _OURS
        name = _here(build, asked.directory, last) if here else _isolated(asked, missing)
    return tuple(_made(build, asked.directory, name))


@contextlib.contextmanager
def scratch_cache(environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The environment with a cache that is empty, and gone after the block."""
    from lambda_backend.cache import VARIABLE

    folder = tempfile.mkdtemp(prefix="lambda-backend-cache-")
    try:
        yield {**environ, VARIABLE: folder}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_other_backends(system: Mapping[str, Any]) -> None:
    backend = system.get("build-backend")
    # One in the project's own tree may well wrap ours.
    if backend == _OURS or (backend and system.get("backend-path")):
        return
    named = f'is "{backend}"' if backend else "is not set"
    keep = f', and in [tool.lambda] wheel-backend = "{backend}"' if backend else ""
    raise WheelBackendError(
        f"build-system.build-backend {named}: the project is not built by lambda-backend",
        hint=f'write requires = ["lambda-backend", …] and build-backend = "{_OURS}" there{keep}',
    )


def _missing(requires: Sequence[str], build: Build) -> list[str]:
    """What the build needs and this environment has not; nothing where it can build here."""
    from importlib import metadata

    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    from lambda_backend import __version__

    missing = []
    for line in requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement as error:
            reason = str(error).splitlines()[0]
            raise WheelBackendError(f"build-system.requires: {line!r} is no requirement: {reason}") from None
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            ours = canonicalize_name(requirement.name) == "lambda-backend"
            version = __version__ if ours else metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            missing.append(line)
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            missing.append(line)
    if not missing and not build.wheel_backend.installed:
        missing.append(build.wheel_backend.name)
    return missing


def _isolated(asked: Asked, missing: Sequence[str]) -> str:
    from lambda_backend.cli import isolation

    if not isolation.available():
        needs = f"{', '.join(missing)}, which this environment has not" if missing else "a frontend for its own backend"
        raise MissingExtraError(
            f"{asked.root.name} cannot be built here: it needs {needs}",
            hint="pip install build, which makes an environment for it"
            + (f"; or pip install {' '.join(map(repr, missing))}" if missing else ""),
        )
    return isolation.build_wheel(asked.root, asked.directory, asked.config_settings, asked.environ)


def _here(build: Build, directory: Path, last: LastBuild) -> str:
    verbose = bool(build.environ.get("LAMBDA_BACKEND_VERBOSE"))
    with words(build.environ, f"building {build.root.name}") as said, quiet_backend(verbose=verbose):
        return replace(build, words=said).wheel(directory, None, last=last)


def _made(build: Build, directory: Path, wheel: str) -> Iterator[Path]:
    yield directory / wheel
    if build.loaded.settings is None:
        return
    folder = build.output(build.loaded.settings, directory)
    manifest = folder / f"{'-'.join(wheel.split('-')[:2])}.lambda.json"
    for artifact in json.loads(manifest.read_text("utf-8"))["artifacts"]:
        yield folder / artifact["file"]
        if artifact["sbom"] is not None:
            yield folder / artifact["sbom"]
    yield manifest
