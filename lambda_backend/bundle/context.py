"""The build context of a project's own Containerfile: which files an engine is given."""

from __future__ import annotations

import os
import posixpath
import shutil
from typing import TYPE_CHECKING

from lambda_backend.bundle.excludes import Excludes
from lambda_backend.bundle.ignore import IgnoreFile
from lambda_backend.bundle.sources import files_digest
from lambda_backend.bundle.walk import walk
from lambda_backend.errors import BundleError
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["BuildContext", "build_context"]

_FILES = ("Containerfile", "Dockerfile")
_IGNORES = (".containerignore", ".dockerignore")
_TIME = 315_532_800
"""1980-01-01, before which a zip knows no time: a wheel may well be made of these files."""


class BuildContext(Value):
    """The files of a context, and the Containerfile among them."""

    files: Mapping[str, Path]
    """By path from the context's folder, with forward slashes; sorted."""
    file: str
    """Path of the Containerfile among them."""
    ignore: Path | None
    """The ignore file, which no engine needs to see: its work is done."""

    @property
    def read(self) -> tuple[Path, ...]:
        """Every file that decides what the context is."""
        return (*self.files.values(), *(() if self.ignore is None else (self.ignore,)))

    def digest(self) -> str:
        """Hex SHA-256 of paths, executable bits and contents.

        Raises:
            BundleError: a file cannot be read.
        """
        return files_digest(self.files)

    def text(self) -> str:
        """What the Containerfile says."""
        return self.files[self.file].read_text("utf-8", "replace")

    def stage(self, folder: Path) -> None:
        """Lay copies of the files into an empty folder, the same ones on every machine.

        Links become what they lead to, modes are 0644 or 0755 as after a clone, and all have one time, by which engines
        that look at it find the layers of the build before.
        """
        for path, source in self.files.items():
            copy = folder / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
            copy.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)
            os.utime(copy, (_TIME, _TIME))
        for inner in folder.rglob("*"):
            if inner.is_dir():
                inner.chmod(0o755)
                os.utime(inner, (_TIME, _TIME))


def build_context(
    root: Path, context: str, file: str | None, *, key: str, outputs: Sequence[Path] = ()
) -> BuildContext:
    """Find the files of a context.

    Left out is what the ignore file says, by Docker's rules, and before that what ``Excludes`` leaves out of folders
    (``.git``, virtual environments, caches), unless a ``!`` line of the ignore file matches it itself. Folders without
    files are none. Links are followed inside the project.

    Args:
        root: the project's folder.
        context: folder, relative to the project.
        file: the Containerfile, relative to the context; None for ``Containerfile`` or else ``Dockerfile``.
        key: where the image is written, for errors (``tool.lambda.bundling.image``).
        outputs: folders that builds write to.

    Raises:
        BundleError: folder or file is not there or lies outside the project; a link that leaves it or leads nowhere.
    """
    folder = root / context
    if not folder.is_dir():
        raise BundleError(
            f"{key}.context: there is no folder {context!r}", hint="it is relative to pyproject.toml's folder"
        )
    name = _containerfile(folder, context, file, key)
    for path, of in ((folder, f"{key}.context: {context!r}"), (folder / name, f"{key}.file: {name!r}")):
        if not path.resolve().is_relative_to(root.resolve()):
            raise BundleError(f"{of} leaves the project by a link", hint="copy it below pyproject.toml's folder")
    ignore = _ignore_file(folder, name)
    found = _files(folder, root, ignore, key, outputs)
    # Docker sends it even where the ignore file leaves it out.
    found[name] = folder / name
    if ignore is not None:
        found.pop(ignore.relative_to(folder).as_posix(), None)
    return BuildContext(files=dict(sorted(found.items())), file=name, ignore=ignore)


def _containerfile(folder: Path, context: str, file: str | None, key: str) -> str:
    if file is None:
        for name in _FILES:
            if (folder / name).is_file():
                return name
        raise BundleError(
            f"{key}: there is neither a {_FILES[0]} nor a {_FILES[1]} in {context!r}", hint=f"name it in {key}.file"
        )
    name = posixpath.normpath(file.replace("\\", "/"))
    if not (folder / name).is_file():
        raise BundleError(f"{key}.file: there is no file {file!r} in {context!r}", hint="it is relative to the context")
    return name


def _ignore_file(folder: Path, file: str) -> Path | None:
    # The Containerfile's own one wins, as in BuildKit and Buildah; Podman's name wins over Docker's, as in Podman.
    names = [f"{file}{suffix}" for suffix in _IGNORES] + list(_IGNORES)
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _files(folder: Path, root: Path, ignore_file: Path | None, key: str, outputs: Sequence[Path]) -> dict[str, Path]:
    is_project = os.path.realpath(folder) == os.path.realpath(root)
    written = {os.path.realpath(path) for path in (root / "build", root / "dist", *outputs)}
    ignore = IgnoreFile()
    if ignore_file is not None:
        ignore = IgnoreFile(ignore_file.read_text("utf-8", "replace"), name=f"{key}: {ignore_file.name}")
    excludes = Excludes()

    def skip(path: str, source: Path, *, is_dir: bool) -> bool:
        name = path.rpartition("/")[2]
        at_root = is_project and name == path
        if is_dir and os.path.realpath(source) in written:
            return True
        # One name at a time, so that what lies in a folder that was taken back in is not out for that folder's name.
        if excludes.excluded_include(name, name, source, is_dir=is_dir, is_project=at_root) and not ignore.names(path):
            return True
        return ignore.excluded(path) and not (is_dir and ignore.takes_back)

    found, problems = walk(folder, boundary=root, skip=skip)
    if problems:
        lines = "\n".join(f"  - {problem.path!r} {problem.why}" for problem in problems)
        raise BundleError(
            f"{key}.context: what no build context can hold:\n{lines}",
            hint=f"mend these, or list them in {_IGNORES[1]}",
        )
    return {file.path: file.source for file in found}
