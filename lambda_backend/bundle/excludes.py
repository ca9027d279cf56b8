"""What an artefact leaves out: defaults by place, and the user's gitignore patterns over the whole artefact.

Defaults depend on where a file comes from:

- **an entry folder**: ``SOURCE`` at any depth (version control, caches, editors' folders, ``node_modules``), virtual
  environments (any folder with a ``pyvenv.cfg``), and ``ENTRY`` at its root (``build/``; pyproject.toml, lock and
  requirements files, which are inputs and may hold an index's password). A ``*.dist-info`` always ships.
- **a path dependency's folder**: ``SOURCE``, and ``build/`` and ``dist/`` at its root.
- **an include**: ``SOURCE`` below the folder that is included or searched.
- **an installed tree, a wheel**: ``INSTALLED`` only; a package may well be called ``build`` or ``node_modules``.

The user's patterns come after the defaults, so that ``!pattern`` takes one back in.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lambda_backend.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pathspec import GitIgnoreSpec

__all__ = ["ENTRY", "INSTALLED", "SOURCE", "Excludes"]

INSTALLED = ("__pycache__/", "*.pyc")
SOURCE = (
    *INSTALLED,
    "*.egg-info",
    "*.pyo",
    ".coverage",
    ".coverage.*",
    ".DS_Store",
    ".git",
    ".hg",
    ".hypothesis/",
    ".idea/",
    ".mypy_cache/",
    ".nox/",
    ".pytest_cache/",
    ".ruff_cache/",
    ".svn",
    ".tox/",
    ".venv",
    ".vscode/",
    "htmlcov/",
    "node_modules/",
)
ENTRY = (
    "/build/",
    "/Pipfile",
    "/Pipfile.lock",
    "/poetry.lock",
    "/pylock.toml",
    "/pylock.*.toml",
    "/pyproject.toml",
    "/requirements.txt",
    "/uv.lock",
)
_OUTPUTS = ("/build/", "/dist/")
# What an sdist has at its root and the source tree has not: artefacts must be the same from both.
_SDIST = ("/PKG-INFO", "/setup.cfg")
_ENVIRONMENT = "pyvenv.cfg"


class Excludes:
    """The user's patterns for one artefact; each method puts the defaults of one place before them.

    Paths are those in the artefact: a pattern with a slash in it is relative to the zip's root.

    Args:
        patterns: gitignore lines (``tool.lambda.exclude``); the last one that matches wins. A pattern that starts with
            ``!`` takes a file back in even where the folder above is left out, which git does not.

    Raises:
        BundleError: a line that is no pattern.
    """

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self.patterns = tuple(patterns)
        # A folder that is left out need not be walked, unless something below it may be taken back in.
        self._prunes = not any(pattern.startswith("!") for pattern in self.patterns)
        self._specs: dict[tuple[str, ...], GitIgnoreSpec] = {}
        for pattern in self.patterns:
            _spec((pattern,))

    @property
    def key(self) -> list[list[str]]:
        """What decides the answers, for a cache key."""
        return [list(SOURCE), list(ENTRY), list(INSTALLED), list(self.patterns)]

    def excluded(self, path: str, *, is_dir: bool = False) -> bool:
        """Whether the user's own patterns leave a path out: what counts for the artefact as a whole."""
        return bool(self.patterns) and bool(self._verdict((), path, is_dir=is_dir))

    def excluded_installed(self, path: str) -> bool:
        """Whether a file of an installed distribution is left out."""
        if not self.patterns:
            # The same without a pattern engine, for the thousands of files of a tree.
            return path.endswith(".pyc") or "__pycache__" in path.split("/")[:-1]
        return bool(self._verdict(INSTALLED, path, is_dir=False))

    def excluded_dependency(self, path: str, source: Path, *, is_dir: bool) -> bool:
        """Whether a file in the folder of a path dependency is left out, or a folder need not be looked into.

        A virtual environment, known by its ``pyvenv.cfg``, is left out as a whole; ``!`` and its own name takes
        it back in, ``!`` and a file in it does not.

        Args:
            path: from the dependency's folder.
            source: the path on disk.
            is_dir: it is a folder or a link to one.
        """
        return self._excluded((*SOURCE, *_OUTPUTS), path, source, is_dir=is_dir)

    def excluded_entry(self, path: str, source: Path, *, is_dir: bool, is_project: bool = False) -> bool:
        """The same in an entry folder.

        Args:
            path: in the artefact.
            source: the path on disk.
            is_dir: it is a folder or a link to one.
            is_project: the entry is the project's root, where ``dist/`` is the frontends' output, and which may be an
                unpacked sdist.
        """
        defaults = (*SOURCE, *ENTRY, *((*_OUTPUTS, *_SDIST) if is_project else ()))
        return self._excluded(defaults, path, source, is_dir=is_dir)

    def excluded_include(self, path: str, place: str, source: Path, *, is_dir: bool, is_project: bool = False) -> bool:
        """The same in a folder that is included.

        Args:
            path: from that folder, for the defaults.
            place: in the artefact, for the user's patterns.
            source: the path on disk.
            is_dir: it is a folder or a link to one.
            is_project: that folder is the project's root.
        """
        own = self._verdict((), place, is_dir=is_dir)
        if own is None:
            defaults = (*SOURCE, *(_SDIST if is_project else ()))
            return Excludes()._excluded(defaults, path, source, is_dir=is_dir) and (self._prunes or not is_dir)  # noqa: SLF001
        return own and (self._prunes or not is_dir)

    def _excluded(self, defaults: tuple[str, ...], path: str, source: Path, *, is_dir: bool) -> bool:
        # Not Path.is_file(), which raises for a folder that is closed to us.
        if is_dir and os.path.isfile(source / _ENVIRONMENT):  # noqa: PTH113
            return self._verdict((), path, is_dir=True) is not False
        return bool(self._verdict(defaults, path, is_dir=is_dir)) and (self._prunes or not is_dir)

    def _verdict(self, defaults: tuple[str, ...], path: str, *, is_dir: bool) -> bool | None:
        """True for out, False for taken back in, None where no pattern matches."""
        if defaults not in self._specs:
            self._specs[defaults] = _spec((*defaults, *self.patterns))
        return self._specs[defaults].check_file(f"{path}/" if is_dir else path).include


def _spec(patterns: Sequence[str]) -> GitIgnoreSpec:
    import re

    from pathspec import GitIgnoreSpec

    try:
        # The one backend that is always there; which regex engine a host has must not matter.
        return GitIgnoreSpec.from_lines(patterns, backend="simple")
    except (ValueError, re.error) as error:
        raise BundleError(f"tool.lambda.exclude: {error}", hint="patterns are those of a .gitignore file") from error
