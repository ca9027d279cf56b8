"""What the locks of Poetry and Pipenv say beside what these tools export of them.

The tools' own exports decide what is installed. They leave out what is needed all the same: which index each
distribution comes from, the names of local folders, which groups and extras there are. Reading is lenient: what is
broken in a lock is told by its tool, which is run on every lock.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from lambda_backend.patterns import pattern
from lambda_backend.settings.interpolate import without_user
from lambda_backend.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from packaging.utils import NormalizedName

__all__ = ["DEV_CATEGORY", "LockedPackage", "Source", "ToolLock", "pipenv_lock", "poetry_lock"]

DEV_CATEGORY = "dev-packages"
"""Pipenv's name for the category that its lock calls ``develop``."""
_NO_CATEGORY = frozenset({"packages", "pipenv", "requires", "scripts", "source"})
_POETRY = "2.5"
_PIPENV = "2026.10"
# Since Poetry 2 a lock says which groups and markers a distribution has (lock-version 2.1). The exporter has to work
# that out for an older one, and with Poetry 2.5 it loses what extras of dependencies bring.
_POETRY_OF_OLD_LOCKS = "2.4"
_WITH_GROUPS = (2, 1)
# What of a project's own tables decides an export; not its version, its authors, or the settings of its linter.
_OF_PROJECT = ("requires-python", "dependencies", "optional-dependencies", "dynamic")
_OF_POETRY = (
    "dependencies",
    "dev-dependencies",
    "extras",
    "group",
    "name",
    "package-mode",
    "requires-plugins",
    "requires-poetry",
    "source",
)
_CONSTRAINT = pattern(r"(\^|~=|~|>=|<=|==|!=|>|<|=|)\s*v?(\d+(?:\.\d+)*(?:\.\*)?)")
_NUMBERS = pattern(r"\d+(?:\.\d+)*")


class LockedPackage(Value):
    """One distribution in a lock."""

    name: NormalizedName
    version: str | None = None
    path: str | None = None
    """Of a local folder or archive, relative to the lock's folder."""
    index: str | None = field(default=None, repr=False)
    """Poetry: address of the index that it comes from, without user part and slash at its end. Pipenv: name of it."""
    marker: str | None = None
    hashes: frozenset[str] = frozenset()
    """``sha256:…``."""
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Requirements that its extras bring; Poetry only."""
    groups: frozenset[str] = frozenset()
    """Groups that it is for (Poetry 2), or section of the lock (Pipenv); empty where the lock does not say."""


class Source(Value):
    """An index that a Pipfile names."""

    name: str
    template: str = field(repr=False)
    """Its address as written, with references to the environment."""
    verified: bool
    """Whether its certificate counts."""


class ToolLock(Value):
    """A lock that its own tool exports."""

    tool: Literal["poetry", "pipenv"]
    version: str
    """Of the tool, where nobody asks for another: a series, such as ``2.5``."""
    packages: tuple[LockedPackage, ...]
    extras: tuple[str, ...]
    """Those that can be chosen."""
    groups: tuple[str, ...]
    """Those that can be chosen beside the main one, as the tool calls them."""
    sources: tuple[Source, ...] = ()
    """Pipenv only."""
    python: str | None = None
    """The Pythons that it was locked for, in the tool's words."""
    deciding: str = field(repr=False)
    """What of the file that the tool locked decides an export; may hold secrets."""

    def chosen_groups(self, groups: Iterable[str]) -> tuple[str, ...]:
        """Groups by the names that the tool has for them."""
        known = {canonicalize_name(group): group for group in self.groups}
        if self.tool == "pipenv" and DEV_CATEGORY in self.groups:
            known |= {canonicalize_name(alias): DEV_CATEGORY for alias in ("dev", "develop")}
        found = (known.get(canonicalize_name(group)) for group in groups)
        return tuple(dict.fromkeys(group for group in found if group is not None))

    def packages_of(self, groups: Iterable[str]) -> tuple[LockedPackage, ...]:
        """What an export with those groups is about; of a name that two of Pipenv's categories have, the later one's.

        Args:
            groups: by the tool's names.
        """
        if self.tool == "poetry":
            chosen = {"main", *map(canonicalize_name, groups)}
            return tuple(one for one in self.packages if not one.groups or one.groups & chosen)
        sections = ("default", *("develop" if group == DEV_CATEGORY else group for group in groups))
        found = {
            package.name: package for section in sections for package in self.packages if section in package.groups
        }
        return tuple(found.values())

    def refuses(self, python: str) -> bool:
        """Whether it was locked for other Pythons than that minor version.

        Poetry's words for versions are read as far as they bound one; what is not understood refuses none.
        """
        if self.python is None:
            return False
        if self.tool == "pipenv":
            return self.python.split(".")[:2] != python.split(".")
        return not any(_allows(one, python) for one in re.split(r"\s*\|\|?\s*", self.python))

    @property
    def group_names(self) -> tuple[str, ...]:
        """Every name that a group may be chosen by."""
        return (*self.groups, *(("dev",) if self.tool == "pipenv" and DEV_CATEGORY in self.groups else ()))


def _allows(constraint: str, python: str) -> bool:
    """Whether versions in Poetry's words (``^3.10``, ``~3.12``, ``>=3.10,<4``) allow a patch of the minor version."""
    specifiers = []
    for operator, version in _CONSTRAINT.findall(constraint):
        numbers = [int(part) for part in version.removesuffix(".*").split(".")]
        if operator in {"^", "~"}:
            # Poetry: ^3.10 ends before 4, ~3.10 before 3.11, and ~3 before 4.
            kept = numbers[:1] if operator == "^" or len(numbers) == 1 else numbers[:2]
            above = ".".join(map(str, [*kept[:-1], kept[-1] + 1]))
            specifiers += [f">={version}", f"<{above}"]
        else:
            exact = operator in {"", "=", "=="}
            specifiers.append(f"=={version.removesuffix('.*')}.*" if exact else f"{operator}{version}")
    # Lambda's runtimes are at a late patch of their minor version (see pylock).
    return SpecifierSet(",".join(specifiers)).contains(f"{python}.99")


def poetry_lock(lock: Mapping[str, Any], project: Mapping[str, Any]) -> ToolLock:
    """A poetry.lock, of Poetry 1 or 2.

    Args:
        lock: the document.
        project: the pyproject.toml beside it.
    """
    poetry = _table(_table(project.get("tool")).get("poetry"))
    own = _table(project.get("project"))
    metadata = _table(lock.get("metadata"))
    dependency_groups = _table(project.get("dependency-groups"))
    groups = [*_table(poetry.get("group")), *dependency_groups, *(["dev"] if "dev-dependencies" in poetry else [])]
    extras = [
        *_table(lock.get("extras")),
        *_table(poetry.get("extras")),
        *_table(own.get("optional-dependencies")),
    ]
    deciding = {
        "project": {key: own[key] for key in _OF_PROJECT if key in own},
        "poetry": {key: poetry[key] for key in _OF_POETRY if key in poetry},
        "groups": dependency_groups,
    }
    numbers = _NUMBERS.match(str(metadata.get("lock-version", "")))
    format_version = tuple(int(part) for part in numbers[0].split(".")) if numbers else ()
    return ToolLock(
        tool="poetry",
        version=_POETRY if format_version >= _WITH_GROUPS else _POETRY_OF_OLD_LOCKS,
        packages=tuple(_of_poetry(lock)),
        extras=tuple(dict.fromkeys(extras)),
        groups=tuple(dict.fromkeys(group for group in groups if canonicalize_name(group) != "main")),
        python=_text(metadata.get("python-versions")),
        deciding=json.dumps(deciding, sort_keys=True, default=str),
    )


def _of_poetry(lock: Mapping[str, Any]) -> Iterator[LockedPackage]:
    for package in _tables(lock.get("package")):
        name = _text(package.get("name"))
        if name is None:
            continue
        source = _table(package.get("source"))
        kind, url = source.get("type"), _text(source.get("url"))
        path = url if kind in {"directory", "file"} else None
        if path is not None and (inner := _text(source.get("subdirectory"))) and kind == "directory":
            path = f"{path.rstrip('/')}/{inner}"
        yield LockedPackage(
            name=canonicalize_name(name),
            version=_text(package.get("version")),
            path=path,
            index=without_user(url).rstrip("/") if url and kind == "legacy" else None,
            marker=_text(package.get("markers")),
            groups=frozenset(canonicalize_name(group) for group in _list(package.get("groups")) if _text(group)),
            extras={
                canonicalize_name(extra): tuple(line for line in lines if isinstance(line, str))
                for extra, lines in _table(package.get("extras")).items()
                if isinstance(lines, list)
            },
        )


def pipenv_lock(lock: Mapping[str, Any], pipfile: Mapping[str, Any], text: str) -> ToolLock:
    """A Pipfile.lock.

    Args:
        lock: the document.
        pipfile: the Pipfile beside it.
        text: the Pipfile's text.
    """
    meta = _table(lock.get("_meta"))
    requires = _table(meta.get("requires"))
    sources = (
        Source(
            name=str(source.get("name", "")), template=url, verified=str(source.get("verify_ssl")).lower() != "false"
        )
        for source in _tables(meta.get("sources"))
        if (url := _text(source.get("url")))
    )
    categories = (name for name, table in pipfile.items() if isinstance(table, dict) and name not in _NO_CATEGORY)
    return ToolLock(
        tool="pipenv",
        version=_PIPENV,
        packages=tuple(_of_pipenv(lock)),
        extras=(),
        groups=tuple(categories),
        sources=tuple(sources),
        python=_text(requires.get("python_full_version")) or _text(requires.get("python_version")),
        deciding=text,
    )


def _of_pipenv(lock: Mapping[str, Any]) -> Iterator[LockedPackage]:
    for section, table in lock.items():
        if section == "_meta":
            continue
        for name, package in _table(table).items():
            found = _table(package)
            path = _text(found.get("path")) or _text(found.get("file"))
            yield LockedPackage(
                name=canonicalize_name(name),
                version=_text(found.get("version")),
                path=path if path and "://" not in path else None,
                index=_text(found.get("index")),
                marker=_text(found.get("markers")),
                hashes=frozenset(value for value in _list(found.get("hashes")) if isinstance(value, str)),
                groups=frozenset({section}),
            )


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(value: object) -> list[Mapping[str, Any]]:
    return [item for item in _list(value) if isinstance(item, dict)]


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
