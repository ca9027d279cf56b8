"""What an artefact asks for in; pins for a target out."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lambda_backend.errors import InstallError, LockError
from lambda_backend.install.wanted import VARIABLE, read_lock
from lambda_backend.requirements import commands
from lambda_backend.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.install.exports import Exports
    from lambda_backend.install.wanted import Wanted
    from lambda_backend.install.workbench import Workbench
    from lambda_backend.requirements.model import LockFile, Pin
    from lambda_backend.targets import Target

__all__ = ["resolve"]

# What uv says when it could not reach an index: trying again in another way would only take the time twice.
_UNREACHABLE = ("Failed to fetch", "error sending request", "Could not connect")


def resolve(
    wanted: Wanted,
    target: Target,
    bench: Callable[[], Workbench],
    environ: Mapping[str, str],
    exports: Exports | None = None,
) -> tuple[Pin, ...]:
    """The pins of an artefact for a target.

    Args:
        wanted: what it asks for.
        target: what for.
        bench: gives the workbench; called only when a command has to run. The files that ``wanted`` names lie below
            its ``input`` as they lie below its base.
        environ: gives the variables that a requirements file names.
        exports: what was exported at the workbench already.

    Raises:
        LockError: the lock is unreadable or does not fit.
        InstallError: nothing fits the target, or the index does not answer.
    """
    if wanted.empty:
        return ()
    if wanted.export is not None:
        from lambda_backend.install.exports import Exports

        return (exports or Exports(bench, environ)).pins(wanted, wanted.export, target)
    kind = wanted.lock.kind if wanted.lock else None
    if kind == "pylock" and wanted.lock is not None:
        text = read_lock(wanted.lock)
        # PEP 751: paths in it are relative to the lock.
        place = wanted.relative(wanted.lock.path.parent)
        return _select(text, wanted, target, extras=wanted.extras, groups=wanted.groups, directory=place)
    if kind == "uv" and wanted.lock is not None:
        _refuse_elsewhere(wanted, wanted.lock)
        workbench = bench()
        text = workbench.uv(
            commands.export_command(extras=wanted.extras, groups=wanted.groups, uv=()),
            cwd=workbench.input / wanted.relative(wanted.folder),
            what="exporting uv.lock",
        )
        return _select(text, wanted, target, seen_as=workbench.inside(workbench.input))
    workbench = bench()
    try:
        text = _compile(wanted, target, workbench, environ)
    except InstallError as error:
        if not wanted.constraints or any(words in str(error) for words in _UNREACHABLE):
            raise
        # With other versions than the layers' there may be an answer: comparing the two then names what differs.
        text = _compile(replace(wanted, constraints=()), target, workbench, environ)
    return _select(
        text, wanted, target, directory=wanted.relative(wanted.root), seen_as=workbench.inside(workbench.input)
    )


def _refuse_elsewhere(wanted: Wanted, lock: LockFile) -> None:
    """Refuse a lock that uv would not read: it takes that of the folder it runs in, or of the workspace around it."""
    if lock.path.parent not in {wanted.folder, *wanted.folder.parents}:
        raise LockError(
            f"{wanted.key}.lock: uv reads only the uv.lock of the project or workspace that it runs in, and "
            f"{wanted.relative(lock.path)} is neither",
            hint="run `uv export --format pylock.toml --output-file pylock.NAME.toml` beside it, and name that file",
        )


def _compile(wanted: Wanted, target: Target, workbench: Workbench, environ: Mapping[str, str]) -> str:
    """Resolve an unlocked set: wheels first, source distributions where wheels alone give no answer.

    Even then a version with a fitting wheel is taken of what has wheels for other platforms, since that is compiled.
    """
    if wanted.requirements is not None:
        text = wanted.requirements.text()
        options = wanted.requirements.options
        what = f"resolving {wanted.requirements.files[0].name} for {target.name}"
    else:
        text = "".join(f"{line}\n" for line in wanted.declared)
        options = ()
        what = f"resolving the dependencies for {target.name}"
    # uv takes relative paths as relative to the folder it runs in, so the file lies in the root.
    root = workbench.input / wanted.relative(wanted.root)
    asked = root / ".lambda-backend-requirements.in"
    _put(asked, text, workbench)
    limits = "".join(f"{line}\n" for line in wanted.constraints)
    if wanted.requirements is not None:
        limits += wanted.requirements.constraints_text()
    constraints = []
    if limits:
        path = root / ".lambda-backend-constraints.txt"
        _put(path, limits, workbench)
        constraints.append(workbench.inside(path))

    # uv stays with the versions of the file that it is about to write. Beside the input: so that paths are the same.
    preferred = root / "pylock.lambda-backend.toml" if wanted.preferences else None
    variables = {name: environ[name] for name in sorted(set(VARIABLE.findall(text + limits))) if name in environ}

    def attempt(platform: str, only_binary: Sequence[str]) -> str:
        command = commands.compile_command(
            [workbench.inside(asked)],
            target=target,
            uv_platform=platform,
            only_binary=only_binary,
            constraints=constraints,
            options=options,
            python=workbench.interpreter,
            output_path=None if preferred is None else workbench.inside(preferred),
            uv=(),
        )
        if preferred is None:
            return workbench.uv(command, cwd=root, what=what, variables=variables)
        from lambda_backend.requirements.writer import preference_text

        _put(preferred, preference_text(wanted.preferences), workbench)
        workbench.uv(command, cwd=root, what=what, variables=variables)
        workbench.pull(preferred)
        return preferred.read_text("utf-8")

    try:
        return attempt(target.uv_platforms[0], commands.ALL)
    except InstallError as error:
        if any(words in str(error) for words in _UNREACHABLE):
            raise
    found = attempt(target.uv_platforms[-1], ())
    from lambda_backend.requirements import pylock

    if compiled := pylock.without_wheel(found, target):
        with contextlib.suppress(InstallError):
            return attempt(target.uv_platforms[0], compiled)
    return found


def _put(file: Path, text: str, workbench: Workbench) -> None:
    file.write_text(text, "utf-8")
    workbench.push(file)


def _select(
    text: str,
    wanted: Wanted,
    target: Target,
    *,
    extras: tuple[str, ...] = (),
    groups: tuple[str, ...] = (),
    directory: str | None = None,
    seen_as: str | None = None,
) -> tuple[Pin, ...]:
    # uv answers meanwhile, and this takes as long to import as all that asks it.
    from lambda_backend.requirements import pylock

    hashes: Mapping[str, frozenset[str]] | None = None
    if wanted.requirements is not None and wanted.requirements.requires_hashes:
        hashes = wanted.requirements.hashes
    return pylock.select(
        text,
        target=target,
        extras=extras,
        groups=groups,
        source=wanted.lock.path.name if wanted.lock else "the resolved dependencies",
        directory=wanted.relative(wanted.folder) if directory is None else directory,
        root=wanted.base,
        project=wanted.project,
        allowed_hashes=hashes,
        seen_as=seen_as,
    )
