"""Locks of Poetry and Pipenv: exported by their own tools at a workbench, and compiled to pins for a target."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from packaging.utils import canonicalize_name

from lambda_backend.errors import InstallError, LockError, StaleLockError
from lambda_backend.requirements import commands, exporters, pylock
from lambda_backend.requirements.exported import read_export
from lambda_backend.requirements.indexes import exported_indexes, references
from lambda_backend.requirements.uv_project import index_options, index_variables, uv_project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lambda_backend.install.wanted import Wanted
    from lambda_backend.install.workbench import Workbench
    from lambda_backend.requirements.exported import Exported
    from lambda_backend.requirements.exporters import Export, Exporter
    from lambda_backend.requirements.indexes import Index
    from lambda_backend.requirements.model import Pin
    from lambda_backend.targets import Target

__all__ = ["Exports"]

_STALE = ("changed significantly", "is not consistent with", "is not up to date", "out-of-date")
"""What Poetry and Pipenv say of a lock that is not that of their project."""
_UNREACHABLE = ("Failed to fetch", "error sending request", "Could not connect")
_OF_UV = re.compile(r"^ *error: ", re.MULTILINE)
"""How uv's own errors start, when it cannot have or run the tool: then the lock is not to blame."""
_MISSING = re.compile(r"(\S+) was not found in the package registry")
_PASSWORDS = "POETRY_HTTP_BASIC_"


class Exports:
    """What the tools export at one workbench, each lock once. It holds credentials, and lives no longer than a build.

    Args:
        bench: gives the workbench; the files that are exported lie below its input as they lie below their base.
        environ: gives the variables that Poetry, or the sources of a Pipfile, take credentials from.
    """

    def __init__(self, bench: Callable[[], Workbench], environ: Mapping[str, str]) -> None:
        self._bench = bench
        self._environ = environ
        self._texts: dict[str, str] = {}

    def pins(self, wanted: Wanted, export: Export, target: Target) -> tuple[Pin, ...]:
        """What the tool would install for the target.

        Args:
            wanted: what is asked for.
            export: its lock.
            target: what for.

        Raises:
            StaleLockError: the lock is not that of the project.
            LockError: the tool cannot export it, or it does not fit the target.
            InstallError: the tool cannot be had, or the index does not answer.
        """
        text = self._text(wanted, export)
        found = read_export(text, export, root=wanted.base, target=target)
        # Poetry writes the project's Pythons into every marker: for another one there is nothing at all.
        if not (found.lines or found.folders) and export.lock.refuses(target.runtime.python_version):
            raise LockError(
                f"{export.path.name} is for Python {export.lock.python}, and {target.name} has not that",
                hint=f"widen what the project says of its Python, and lock anew with `{export.exporter.tool} lock`",
            )
        folders = (pin for pin in found.folders if pin.name != canonicalize_name(wanted.project))
        archives = self._archives(wanted, export, found, target) if found.lines else ()
        return tuple(sorted((*folders, *archives), key=lambda pin: pin.name))

    def indexes(self, wanted: Wanted, export: Export) -> tuple[Index, ...]:
        """The indexes that a lock names, with their credentials.

        Raises:
            LockError, InstallError: as ``pins``.
        """
        # Where all is from the default index, there is nothing to learn, and the tool need not run.
        if not export.lock.sources and not any(package.index for package in export.lock.packages):
            return ()
        return exported_indexes(self._text(wanted, export), export.lock, self._environ)

    def _text(self, wanted: Wanted, export: Export) -> str:
        """The export, with paths of this machine."""
        key = json.dumps([str(export.path), export.extras, export.groups, repr(export.exporter)])
        if key not in self._texts:
            workbench = self._bench()
            text = self._run(export, workbench, workbench.input / wanted.relative(export.path.parent))
            # Poetry follows symlinks, as on a machine whose temporary folder is one.
            for there in (workbench.inside(workbench.input), str(workbench.input.resolve())):
                text = text.replace(f"file://{quote(there)}/", f"file://{quote(str(wanted.base))}/")
            self._texts[key] = text
        return self._texts[key]

    def _run(self, export: Export, workbench: Workbench, folder: Path) -> str:
        exporter, name = export.exporter, export.path.name
        names = references(source.template for source in export.lock.sources)
        names |= {variable for variable in self._environ if variable.startswith(_PASSWORDS)}
        variables = {variable: self._environ[variable] for variable in sorted(names) if variable in self._environ}
        if exporter.tool == "pipenv":
            # Where the build itself runs in a shell of Pipenv's, the variable names another project's.
            variables["PIPENV_PIPFILE"] = workbench.inside(folder / "Pipfile")
        try:
            if check := exporters.check_command(exporter, python=workbench.interpreter):
                self._check(check, export, workbench, folder, variables)
            command = exporters.export_command(export, python=workbench.interpreter)
            return workbench.uv(command, cwd=folder, what=f"exporting {name}", variables=variables)
        except InstallError as error:
            raise _failed(error, export) from None

    def _check(
        self, command: list[str], export: Export, workbench: Workbench, folder: Path, variables: Mapping[str, str]
    ) -> None:
        try:
            workbench.uv(command, cwd=folder, what=f"checking {export.path.name}", variables=variables)
        except InstallError as error:
            # Poetry also minds what makes no difference here, such as a readme that is not there.
            of_lock = any(words in error.message for words in _STALE)
            if export.exporter.tool == "pipenv" or of_lock or _OF_UV.search(error.message):
                raise

    def _archives(self, wanted: Wanted, export: Export, found: Exported, target: Target) -> tuple[Pin, ...]:
        """The pins of all that is no folder: wheels alone first, source distributions too where those do not do."""
        failed = (InstallError, LockError)
        try:
            return self._compile(wanted, export, found, target, only_binary=True)
        except failed as error:
            if any(words in str(error) for words in _UNREACHABLE):
                raise
            return self._compile(wanted, export, found, target, only_binary=False)

    def _compile(
        self, wanted: Wanted, export: Export, found: Exported, target: Target, *, only_binary: bool
    ) -> tuple[Pin, ...]:
        workbench = self._bench()
        indexes = {index.key: index for index in self.indexes(wanted, export)}
        folder = workbench.output / f"exported-{len(list(workbench.output.glob('exported-*')))}"
        folder.mkdir()
        project = folder / "pyproject.toml"
        base = workbench.inside(workbench.input)
        project.write_text(uv_project(found.lines, indexes, base=base), "utf-8")
        workbench.push(folder)
        command = commands.compile_command(
            [workbench.inside(project)],
            target=target,
            uv_platform=target.uv_platforms[0 if only_binary else -1],
            only_binary=commands.ALL if only_binary else (),
            options=[("--trusted-host", index.host) for index in indexes.values() if not index.verified],
            python=workbench.interpreter,
            uv=(),
        )
        # The export is complete: what it leaves out is not to be installed.
        command.append("--no-deps")
        if export.exporter.tool == "pipenv":
            # Pipenv looks for what the lock gives no index for in all of them.
            command += index_options(indexes.values())
        root = workbench.input / wanted.relative(wanted.root)
        what = f"finding the archives of {export.path.name} for {target.name}"
        variables = index_variables(indexes.values()) | {
            name: self._environ[name]
            for name in sorted(references(line.text for line in found.lines))
            if name in self._environ
        }
        try:
            text = workbench.uv(command, cwd=root, what=what, variables=variables)
        except InstallError as error:
            raise _not_found(error, found, indexes, export) from None
        return pylock.select(
            text,
            target=target,
            source=export.path.name,
            directory=wanted.relative(wanted.root),
            root=wanted.base,
            project=wanted.project,
            allowed_hashes=found.hashes if export.exporter.hashes else None,
            seen_as=base,
        )


def _not_found(error: InstallError, found: Exported, indexes: Mapping[str, Index], export: Export) -> InstallError:
    """The error with what uv does not say: an index that refuses its credentials looks like an empty one."""
    missing = set(_MISSING.findall(error.message))
    named = (indexes.get(line.index or "") for line in found.lines if line.name in missing)
    asked = {index.url for index in named if index is not None}
    if not asked:
        return error
    variables = (
        "POETRY_HTTP_BASIC_<NAME>_USERNAME and _PASSWORD"
        if export.exporter.tool == "poetry"
        else "the variables that the Pipfile's sources name"
    )
    return InstallError(
        error.message,
        hint=f"it is looked for at {', '.join(sorted(asked))}: check that the index has it, and takes the "
        f"credentials of {variables}, or of a netrc file",
    )


def _failed(error: InstallError, export: Export) -> InstallError | LockError:
    """What a failure of the tool is: the lock's, or that of what it takes to have the tool."""
    exporter, name = export.exporter, export.path.name
    said = error.message
    if any(words in said for words in _STALE):
        return StaleLockError(f"{name} is not that of its project; {said}", hint=f"renew it: {exporter.tool} lock")
    if _OF_UV.search(said):
        return InstallError(
            f"{exporter.tool} {exporter.version}, which exports {name}, cannot be had; {said}",
            hint=f"check the network and the index; {_another_version(exporter)}",
        )
    return LockError(
        f"{name} cannot be exported by {exporter.tool} {exporter.version}; {said}",
        hint=f"renew it with `{exporter.tool} lock`; {_another_version(exporter)}",
    )


def _another_version(exporter: Exporter) -> str:
    return f"tool.lambda.bundling.tools.{exporter.tool} names another version"
