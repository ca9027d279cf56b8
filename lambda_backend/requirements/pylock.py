"""The pins that a PEP 751 lock holds for a target."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from packaging.pylock import (
    Package,
    PackageArchive,
    PackageDirectory,
    PackageVcs,
    PackageWheel,
    Pylock,
    PylockSelectError,
    PylockUnsupportedVersionError,
    PylockValidationError,
)
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from lambda_backend.errors import LockError
from lambda_backend.requirements.find import OWN_LOCK
from lambda_backend.requirements.model import Pin
from lambda_backend.requirements.places import Places, file_path
from lambda_backend.settings.interpolate import redact_urls, without_user

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TypeAlias

    from packaging.pylock import PackageSdist
    from packaging.specifiers import SpecifierSet

    from lambda_backend.targets import Target

    _Origin: TypeAlias = PackageVcs | PackageDirectory | PackageArchive | PackageWheel | PackageSdist

__all__ = ["select", "without_wheel"]

_SHOWN = 4
_OUTSIDE = (
    "move it into the project; under `python -m build` the wheel is made from the sdist, which cannot hold it, "
    "`python -m build --wheel` builds from the source tree"
)


def select(  # noqa: PLR0913 - all by keyword
    text: str,
    *,
    target: Target,
    source: str,
    root: Path,
    directory: str = "",
    project: str | None = None,
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    allowed_hashes: Mapping[str, frozenset[str]] | None = None,
    seen_as: str | None = None,
) -> tuple[Pin, ...]:
    """The one archive, repository or folder of every distribution that the target takes, sorted by name.

    Args:
        text: of a pylock, also one that ``uv export`` or ``uv pip compile`` wrote.
        target: whose markers and tags decide.
        source: the lock's name, for messages.
        root: the project's; paths have to lie in it.
        directory: the folder that the lock's paths are relative to, itself relative to the root.
        project: its own name, which is left out.
        extras: for a lock that offers extras.
        groups: for a lock that offers groups; they come on top of the lock's default ones.
        allowed_hashes: by distribution, ``sha256:…``: archives without one of them are passed over, and a distribution
            that has none is an error. None: any archive will do.
        seen_as: the root's absolute path where the lock was made (a container's mount); the root itself if None.

    Raises:
        LockError: when the lock is invalid, does not fit the target, or names a place outside the project.
    """
    lock = _read(text, source)
    _check_offered(lock, extras, groups, source)
    lock = _narrowed(lock, target, project, allowed_hashes, source)
    places = Places(root=root, directory=directory, seen_as=seen_as)
    pins = []
    problems = []
    outside = False
    for package, origin in _chosen(lock, target, extras, groups, source):
        pin = _pin(package, origin, places)
        if pin is None:
            outside = True
            problems.append(f"{package.name}: {origin.path} is outside the project")
            continue
        pins.append(pin)
        if isinstance(origin, PackageArchive):
            problems += _archive_problems(pin, target, allowed_hashes)
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise LockError(f"{source} cannot be used for {target.name}:\n{lines}", hint=_OUTSIDE if outside else None)
    return tuple(sorted(pins, key=lambda pin: pin.name))


def without_wheel(text: str, target: Target) -> tuple[str, ...]:
    """Names of what has wheels in a pylock, and none for the target.

    Args:
        text: as ``uv pip compile`` wrote it for that target.
        target: whose tags decide.

    Raises:
        LockError: it is no pylock.
    """
    return tuple(
        package.name
        for package in _read(text, "what uv wrote").packages
        if package.wheels and not any(_takes(target, wheel.filename) for wheel in package.wheels)
    )


def _read(text: str, source: str) -> Pylock:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return Pylock.from_dict(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise LockError(f"{source} is not valid TOML: {error}") from None
    except PylockUnsupportedVersionError as error:
        raise LockError(f"{source}: {error}", hint="write the lock anew as lock-version 1.0") from None
    except PylockValidationError as error:
        raise LockError(f"{source} is not a valid pylock file: {redact_urls(str(error))}") from None


def _check_offered(lock: Pylock, extras: Iterable[str], groups: Iterable[str], source: str) -> None:
    # PEP 751: a locker need not write multi-use locks. One that offers no extras or groups at all was written for one
    # use; whether that covers the chosen extras is for the check of stale locks to say.
    problems = []
    for kind, chosen, offered in (("extra", extras, lock.extras), ("group", groups, lock.dependency_groups)):
        if offered is None:
            continue
        known = {
            canonicalize_name(one) for one in (*offered, *((lock.default_groups or ()) if kind == "group" else ()))
        }
        problems += [
            f"{source} has no {kind} {one!r}; it has {', '.join(sorted(known)) or 'none'}"
            for one in chosen
            if canonicalize_name(one) not in known
        ]
    if problems:
        raise LockError("\n".join(problems), hint=_anew(source))


def _narrowed(
    lock: Pylock, target: Target, project: str | None, allowed: Mapping[str, frozenset[str]] | None, source: str
) -> Pylock:
    """The lock without the project, without archives whose hash is not allowed, and with a decided requires-python."""
    if not _fits(lock.requires_python, target):
        raise LockError(
            f"{source} requires Python {lock.requires_python}, and {target.name} has not that", hint=_anew(source)
        )
    own = canonicalize_name(project) if project is not None else None
    packages = []
    mismatched = []
    for package in lock.packages:
        if package.name == own:
            continue
        kept = _allowed(_decided(package, target), allowed)
        if kept is None:
            missing = "" if package.name in (allowed or ()) else " (no hash is given for it)"
            mismatched.append(_titled(package) + missing)
        else:
            packages.append(kept)
    if mismatched:
        raise LockError(
            f"hash mismatch: {source} has no archive with one of the hashes in the requirements for "
            f"{', '.join(mismatched)}",
            hint="the archives at the index are not those that were locked; if that is right, renew the hashes",
        )
    return dataclasses.replace(lock, packages=packages, requires_python=None)


def _fits(specifier: SpecifierSet | None, target: Target) -> bool:
    # Lambda keeps its runtimes at the newest patch and does not say which that is. A lower bound within the minor
    # version (>=3.13.2) is therefore met in practice, and an upper one (<3.13.2) is not, so this check alone takes a
    # patch as high as any will be. Markers keep X.Y.0, as uv does it, so that both choose the same packages.
    return specifier is None or specifier.contains(f"{target.runtime.python_version}.99", prereleases=True)


def _decided(package: Package, target: Target) -> Package:
    # A package that does not fit keeps the specifier: packaging refuses it, if its marker selects it at all.
    return dataclasses.replace(package, requires_python=None) if _fits(package.requires_python, target) else package


def _allowed(package: Package, allowed: Mapping[str, frozenset[str]] | None) -> Package | None:
    if allowed is None or package.is_direct:
        return package
    # pip: with one hash, every distribution has to have one, those too that only others depend on.
    hashes = allowed.get(package.name, frozenset())
    wheels = [wheel for wheel in package.wheels or () if _has(wheel.hashes, hashes)]
    sdist = package.sdist if package.sdist is not None and _has(package.sdist.hashes, hashes) else None
    return dataclasses.replace(package, wheels=wheels or None, sdist=sdist) if wheels or sdist else None


def _has(found: Mapping[str, Any], allowed: frozenset[str]) -> bool:
    return any(f"{algorithm}:{value}".lower() in allowed for algorithm, value in found.items())


def _chosen(
    lock: Pylock, target: Target, extras: Sequence[str], groups: Sequence[str], source: str
) -> list[tuple[Package, _Origin]]:
    # A lock that declares none was made for those that were asked for, and no marker in it is about them.
    chosen_extras = [extra for extra in map(canonicalize_name, extras) if extra in (lock.extras or ())]
    # PEP 751: default groups are what is installed unless a person says otherwise; ours are additions.
    default_groups = tuple(lock.default_groups or ())
    declared = {*(lock.dependency_groups or ()), *default_groups}
    chosen_groups = [group for group in map(canonicalize_name, (*default_groups, *groups)) if group in declared]
    try:
        return list(
            lock.select(
                environment=target.marker_environment(),
                tags=target.tags(),
                extras=chosen_extras,
                dependency_groups=chosen_groups,
            )
        )
    except PylockSelectError as error:
        environment: dict[str, Any] = dict(target.marker_environment())
        environment |= {"extras": frozenset(chosen_extras), "dependency_groups": frozenset(chosen_groups)}
        problems = [*_without_archive(lock, target, environment)] or [_words(lock, error)]
    lines = "\n".join(f"  - {problem}" for problem in problems)
    raise LockError(f"{source} cannot be used for {target.name}:\n{lines}", hint=_anew(source))


def _anew(source: str) -> str:
    return "lambda-backend lock" if source == OWN_LOCK else "lock anew, with this target in mind"


def _without_archive(lock: Pylock, target: Target, environment: dict[str, Any]) -> Iterator[str]:
    """Every package that the target needs and that has neither a wheel for it nor an sdist."""
    for package in lock.packages:
        if package.marker is not None and not package.marker.evaluate(environment, context="lock_file"):
            continue
        if package.is_direct or package.sdist is not None:
            continue
        names = [wheel.filename for wheel in package.wheels or ()]
        if not any(_takes(target, name) for name in names):
            there = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
            yield f"{_titled(package)} has no wheel for {target.name} and no sdist; there is {there}"


def _words(lock: Pylock, error: PylockSelectError) -> str:
    message = str(error)
    if "environments specified" in message:
        there = "; ".join(str(marker) for marker in lock.environments or ())
        return f"it was written for other environments: {there}"
    return message


def _takes(target: Target, wheel: str) -> bool:
    return not parse_wheel_filename(wheel)[3].isdisjoint(target.tags())


def _archive_problems(pin: Pin, target: Target, allowed: Mapping[str, frozenset[str]] | None) -> Iterator[str]:
    if allowed is not None and not _has(dict(pin.hashes), allowed.get(pin.name, allowed.get("", frozenset()))):
        yield f"{pin.name}: hash mismatch: {pin.url or pin.path} has none of the hashes in the requirements"
    if pin.kind == "wheel":
        try:
            fits = _takes(target, _file_name(pin.url, pin.path))
        except InvalidWheelFilename as error:
            yield f"{pin.name}: {error}"
        else:
            if not fits:
                yield f"{pin.name}: {pin.url or pin.path} is no wheel for {target.name}"


def _pin(package: Package, origin: _Origin, places: Places) -> Pin | None:
    """None when the path lies outside the project."""
    version = str(package.version) if package.version is not None else None
    url, path = _place(origin, places)
    if url is None and path is None:
        return None
    if isinstance(origin, PackageVcs):
        return Pin(
            name=package.name,
            version=version,
            kind="vcs",
            url=url,
            path=path,
            vcs=origin.type,
            commit=origin.commit_id,
            subdirectory=origin.subdirectory,
        )
    if isinstance(origin, PackageDirectory):
        return Pin(name=package.name, version=version, kind="directory", path=path, subdirectory=origin.subdirectory)
    hashes = tuple(sorted((algorithm, str(value).lower()) for algorithm, value in origin.hashes.items()))
    is_wheel = isinstance(origin, PackageWheel) or _file_name(url, path).endswith(".whl")
    return Pin(
        name=package.name,
        version=version,
        kind="wheel" if is_wheel else "sdist",
        url=url,
        path=path,
        index=without_user(package.index) if package.index is not None and path is None else None,
        direct=isinstance(origin, PackageArchive),
        sha256=dict(hashes).get("sha256"),
        hashes=hashes,
        subdirectory=origin.subdirectory if isinstance(origin, PackageArchive) else None,
        size=origin.size,
    )


def _place(origin: _Origin, places: Places) -> tuple[str | None, str | None]:
    """URL or path; neither when the path lies outside the project."""
    url = None if isinstance(origin, PackageDirectory) else origin.url
    # PEP 751: where both are given, either will do. The URL is the same on every machine.
    if url is None:
        return None, places.relative(str(origin.path))
    if url.startswith("file:") and not isinstance(origin, PackageVcs):
        inner = places.relative(file_path(url))
        if inner is not None:
            return None, inner
    return without_user(url), None


def _file_name(url: str | None, path: str | None) -> str:
    place = path if path is not None else unquote(urlsplit(url or "").path)
    return place.rpartition("/")[2]


def _titled(package: Package) -> str:
    return f"{package.name} {package.version}" if package.version is not None else package.name
