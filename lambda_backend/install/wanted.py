"""What an artefact asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.errors import LockError
from lambda_backend.patterns import pattern
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lambda_backend.requirements.exporters import Export
    from lambda_backend.requirements.model import LockFile
    from lambda_backend.requirements.requirements_txt import RequirementsFile

__all__ = ["VARIABLE", "Wanted", "credentials", "read_lock"]

VARIABLE = pattern(r"\$\{([A-Z0-9_]+)\}")
"""pip's form, which uv fills in too: ${NAME}, in capitals."""
_WITH_USER = pattern(r"https?://[^/\s@]+@[^\s;#]+")


class Wanted(Value):
    """What an artefact asks for."""

    key: str
    """Its path in the settings, for messages."""
    project: str
    """The project's name, which is never one of its own dependencies."""
    base: Path
    """The innermost folder that holds the project and its path dependencies; what a workbench's input mirrors."""
    root: Path
    folder: Path
    """Where the lock lies: the project's root or an entry."""
    lock: LockFile | None
    requirements: RequirementsFile | None
    """The parsed lock, where it is a requirements file."""
    declared: tuple[str, ...]
    """Requirements of the project (or of the entry's own pyproject.toml), for the target."""
    extras: tuple[str, ...]
    groups: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    """``name==version`` of what the function's layers have; only heeded where nothing is locked."""
    preferences: tuple[tuple[str, str], ...] = ()
    """Names and versions to stay with where nothing forbids them; only heeded where nothing is locked."""
    metadata: tuple[tuple[str, str], ...] = ()
    """Digests of the files of local folders that say what those depend on, by path."""
    export: Export | None = None
    """The lock, where Poetry or Pipenv exports it."""

    @property
    def empty(self) -> bool:
        """Nothing is asked for."""
        return self.lock is None and not self.declared

    def relative(self, path: Path) -> str:
        """A path relative to the base, with forward slashes."""
        return path.relative_to(self.base).as_posix()


def credentials(wanted: Wanted, environ: Mapping[str, str]) -> tuple[str, ...]:
    """URLs with a user part among what is asked for; uv uses those parts for everything at the same host.

    Pins hold no credentials, so the installation is told them apart.
    """
    lines = list(wanted.declared)
    if wanted.requirements is not None:
        lines += [wanted.requirements.text(), *(value or "" for _, value in wanted.requirements.options)]
    filled = VARIABLE.sub(lambda found: environ.get(found[1], ""), "\n".join(lines))
    return tuple(dict.fromkeys(_WITH_USER.findall(filled)))


def read_lock(lock: LockFile) -> str:
    """The lock's text.

    Raises:
        LockError: it cannot be read, or is not UTF-8.
    """
    try:
        return lock.path.read_text("utf-8")
    except OSError as error:
        raise LockError(f"{lock.path.name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LockError(f"{lock.path.name} is not UTF-8", hint="write it again with the tool that made it") from None
