"""What Poetry and Pipenv export, for one target: folders, and requirements that uv finds the archives of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from lambda_backend.errors import LockError
from lambda_backend.patterns import pattern
from lambda_backend.requirements.model import Pin
from lambda_backend.requirements.requirement_line import BadLineError, requirement_line, split
from lambda_backend.requirements.requirements_txt import logical_lines
from lambda_backend.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from packaging.utils import NormalizedName

    from lambda_backend.requirements.exporters import Export
    from lambda_backend.requirements.requirement_line import RequirementLine
    from lambda_backend.requirements.tool_lock import LockedPackage
    from lambda_backend.targets import Target

__all__ = ["Exported", "ExportedLine", "read_export"]

_NAME = pattern(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?")
_SUBDIRECTORY = pattern(r"(?:^|&)subdirectory=([^&\[]+)")
# Pipenv writes $NAME in the address of a repository as it stands in the Pipfile; uv knows ${NAME}.
_BARE_VARIABLE = pattern(r"\$([A-Za-z_]\w*)")


class ExportedLine(Value):
    """A requirement that applies to the target."""

    name: NormalizedName
    text: str = field(repr=False)
    """As PEP 508 has it, without marker; for an archive of the project all but its address. May hold secrets."""
    path: str | None = None
    """Of an archive of the project, relative to the root, with forward slashes."""
    index: str | None = field(default=None, repr=False)
    """``LockedPackage.index``."""


class Exported(Value):
    """What of an export applies to a target."""

    folders: tuple[Pin, ...]
    lines: tuple[ExportedLine, ...]
    hashes: Mapping[str, frozenset[str]]
    """Allowed hashes by name."""


class _Place(Value):
    """What was exported, and for what."""

    directory: Path
    root: Path
    target: Target
    extras: Sequence[str]
    packages: Sequence[LockedPackage]
    markers_decide: bool
    """Lines lack markers that the lock has."""


def read_export(text: str, export: Export, *, root: Path, target: Target) -> Exported:
    """Read an export.

    Args:
        text: a requirements.txt as the tool writes it, with paths of this machine.
        export: what was exported.
        root: the folder that paths are relative to, and which nothing may leave.
        target: whose markers decide.

    Raises:
        LockError: with every line that cannot be used.
    """
    tool = export.exporter.tool
    place = _Place(
        directory=export.path.parent,
        root=root,
        target=target,
        extras=export.extras,
        packages=export.lock.packages_of(export.groups),
        markers_decide=tool == "pipenv",
    )
    found: list[tuple[RequirementLine, LockedPackage | None]] = []
    problems = []
    for number, line in logical_lines(text):
        try:
            read = _read(line, place)
        except BadLineError as error:  # noqa: PERF203 - all are reported at once
            problems.append(f"line {number} of its export: {error}")
        else:
            found += [] if read is None else [read]
    problems += _gaps(found, place)
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise LockError(
            f"{export.path.name} cannot be used for {target.name}:\n{lines}",
            hint=f"renew it with `{tool} lock`, or name the version that wrote it in tool.lambda.bundling.tools.{tool}",
        )
    return _exported(found, root)


def _exported(found: Iterable[tuple[RequirementLine, LockedPackage | None]], root: Path) -> Exported:
    folders: dict[NormalizedName, Pin] = {}
    lines: dict[str, ExportedLine] = {}
    hashes: dict[str, frozenset[str]] = {}
    for read, package in found:
        name = read.name or (package.name if package else None)
        assert name is not None  # noqa: S101 - a line without one is a problem
        hashes[name] = hashes.get(name, frozenset()) | read.hashes | (package.hashes if package else frozenset())
        if read.path is not None and (root / read.path).is_dir():
            folders[name] = Pin(name=name, version=None, kind="directory", path=read.path)
        else:
            made = _line(read, name, package)
            lines[made.text] = made
    return Exported(folders=tuple(folders.values()), lines=tuple(lines.values()), hashes=hashes)


def _read(line: str, place: _Place) -> tuple[RequirementLine, LockedPackage | None] | None:
    """A line and what the lock says of it; None where it does not apply, is the project itself, or an option."""
    text, editable, options = split(line)
    if not text:
        return None
    started = _NAME.match(text)
    named = _named(canonicalize_name(started[0]), place) if started and not editable else []
    # Before the line is read: where a marker does not hold, Pipenv locks no version, and writes lines that are none.
    if place.markers_decide and named and not any(_holds(package.marker, place) for package in named):
        return None
    read = requirement_line(
        text,
        where="",
        base=place.directory,
        root=place.root,
        hashes=[str(value) for option, value in options if option == "--hash"],
        editable=editable,
        constraint=False,
    )
    package = _package(read, place)
    marker = read.marker or (package.marker if package and place.markers_decide else None)
    if not _holds(marker, place) or _same(read.path, place.directory, place.root):
        return None
    if read.name is None and package is None:
        raise BadLineError(f"the lock does not say the name of {read.path or read.url}")
    requirement = read.requirement
    if requirement is not None and not any(one.operator in {"==", "==="} for one in requirement.specifier):
        raise BadLineError(
            f"{requirement.name} has no version, since its marker did not hold where it was locked: "
            f"lock it with Python {place.target.runtime.python_version}"
        )
    return read, package


def _same(path: str | None, folder: Path, root: Path) -> bool:
    return path is not None and (root / path).resolve() == folder.resolve()


def _named(name: NormalizedName, place: _Place) -> list[LockedPackage]:
    return [package for package in place.packages if package.name == name]


def _package(read: RequirementLine, place: _Place) -> LockedPackage | None:
    """What the lock says of a line's distribution."""
    if read.name is None:
        local = (package for package in place.packages if package.path is not None)
        return next((one for one in local if _same(read.path, place.directory / str(one.path), place.root)), None)
    found = _named(read.name, place)
    if read.requirement is not None:
        exact = {one.version for one in read.requirement.specifier}
        found = [package for package in found if (package.version or "").lstrip("=") in exact] or found
    # One version may come from two indexes, each for its own platform.
    return next(iter([package for package in found if _holds(package.marker, place)] or found), None)


def _holds(marker: str | None, place: _Place) -> bool:
    if marker is None:
        return True
    try:
        parsed = Marker(marker)
    except InvalidMarker:
        raise BadLineError(f"{marker!r} is no marker") from None
    return any(parsed.evaluate(_environment(place.target, extra)) for extra in ("", *place.extras))


def _environment(target: Target, extra: str) -> dict[str, str]:
    return {**{name: str(value) for name, value in target.marker_environment().items()}, "extra": extra}


def _line(read: RequirementLine, name: NormalizedName, package: LockedPackage | None) -> ExportedLine:
    extras = f"[{','.join(read.extras)}]" if read.extras else ""
    index = package.index if package else None
    if read.requirement is not None:
        bare = Requirement(str(read.requirement))
        bare.marker = None
        return ExportedLine(name=name, text=str(bare), index=index)
    if read.path is not None:
        return ExportedLine(name=name, text=f"{name}{extras} @ ", path=read.path)
    address = read.text.removeprefix("-e ")
    if read.marker is not None:
        address = address.removesuffix(f" ; {read.marker}")
    address, _, fragment = address.rpartition(" @ ")[2].partition("#")
    inner = _SUBDIRECTORY.search(fragment)
    address = _BARE_VARIABLE.sub(r"${\1}", address)
    return ExportedLine(name=name, text=f"{name}{extras} @ {address}{f'#subdirectory={inner[1]}' if inner else ''}")


def _gaps(found: Iterable[tuple[RequirementLine, LockedPackage | None]], place: _Place) -> Iterator[str]:
    """What extras of dependencies bring, and the export lacks."""
    known = [(read, package) for read, package in found if package is not None]
    exported = {package.name for _, package in known}
    locked = {package.name for package in place.packages}
    for read, package in known:
        for extra in read.extras:
            for line in package.extras.get(canonicalize_name(extra), ()):
                name = _brought(line, extra, place.target)
                if name in locked - exported:
                    yield f"{package.name}[{extra}] brings {name}, which the export lacks"


def _brought(line: str, extra: str, target: Target) -> NormalizedName | None:
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return None
    applies = requirement.marker is None or requirement.marker.evaluate(_environment(target, extra))
    return canonicalize_name(requirement.name) if applies else None
