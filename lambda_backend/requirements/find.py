"""Which lock or requirements file an artefact's dependencies come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.errors import LockError
from lambda_backend.requirements.model import LockFile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lambda_backend.requirements.model import LockKind

__all__ = ["OWN_LOCK", "find_lock", "lock_kind"]

OWN_LOCK = "pylock.lambda.toml"
"""What `lambda-backend lock` writes."""
_ORDER = (
    OWN_LOCK,
    "pylock.toml",
    "uv.lock",
    "poetry.lock",
    "Pipfile.lock",
    "requirements.txt",
)
_BY_NAME: dict[str, LockKind] = {
    "pylock.toml": "pylock",
    "uv.lock": "uv",
    "poetry.lock": "poetry",
    "Pipfile.lock": "pipenv",
}


def lock_kind(name: str) -> LockKind | None:
    """The format that a file has by its name; None for an unknown one."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    # PEP 751: a named lock file is pylock.NAME.toml, and NAME has no dot.
    if name.startswith("pylock.") and name.endswith(".toml") and name.count(".") == 2:  # noqa: PLR2004
        return "pylock"
    if name.endswith((".txt", ".in")):
        return "requirements"
    return None


def find_lock(
    folder: Path, named: str | None, *, key: str, root: Path | None = None, passed_over: str | None = None
) -> LockFile | None:
    """The lock file that was named, or the first that the folder has.

    Only the folder itself is searched: a workspace's ``uv.lock`` in the project's folder has to be named.

    Args:
        folder: the project's, or an entry's.
        named: value of the key ``lock``, relative to the folder, or else to the project's.
        key: that key, such as ``tool.lambda.functions.api.lock``.
        root: the project's folder; without it the folder is that.
        passed_over: a file that does not count, since it is about to be written anew.

    Raises:
        LockError: for a named file that is missing or of no known kind, and for a Pipfile without any lock.
    """
    if named is not None and named != passed_over:
        return _named([folder, root or folder], named, key=key)
    for name in _ORDER:
        path = folder / name
        if name != passed_over and path.is_file() and (kind := lock_kind(name)):
            return LockFile(kind=kind, path=path)
    if (folder / "Pipfile").is_file():
        raise LockError(
            f"{key}: {folder.name}/Pipfile has no lock file beside it",
            hint="write a Pipfile.lock with `pipenv lock`, or name another lock file with that key",
        )
    return None


def _named(folders: Sequence[Path], named: str, *, key: str) -> LockFile:
    path = next((folder / named for folder in folders if (folder / named).is_file()), folders[0] / named)
    kind = lock_kind(path.name)
    if kind is None:
        raise LockError(
            f"{key}: {named!r} is no known kind of lock file",
            hint="known names: pylock.toml, pylock.NAME.toml, uv.lock, poetry.lock, Pipfile.lock, *.txt and *.in",
        )
    if not path.is_file():
        looked = " or ".join(str(folder) for folder in dict.fromkeys(folders))
        raise LockError(f"{key}: there is no file {named!r} in {looked}", hint="write its path from pyproject.toml")
    return LockFile(kind=kind, path=path)
