"""The files of a wheel, spread as an installer does (PEP 427), without being installed."""

from __future__ import annotations

import base64
import hashlib
import re
import stat
import zipfile
from collections import defaultdict
from typing import TYPE_CHECKING

from lambda_backend.bundle.model import Member
from lambda_backend.bundle.paths import normalised, path_problem
from lambda_backend.bundle.record import read_record, shebang, write_record
from lambda_backend.errors import BundleError
from lambda_backend.patterns import pattern
from lambda_backend.settings.interpolate import redact_urls
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from packaging.tags import Tag

    from lambda_backend.bundle.excludes import Excludes
    from lambda_backend.targets import Target

__all__ = ["fits", "is_pure", "wheel_members", "wheel_tags"]

# PEP 427: signatures of RECORD, which no longer hold once it is written anew.
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")
# Some backends write a path dependency with the folder that it had in this build, which no two builds have in common.
_FILE_REFERENCE = pattern(r"^(Requires-Dist:[^@\r\n]*[^@\r\n ]) *@ *file:\S+", re.MULTILINE | re.IGNORECASE)
_ROOT_SCHEMES = {"purelib", "platlib", "data"}


class _File(Value):
    name: str
    content: bytes
    executable: bool


class _Wheel(Value):
    path: Path
    files: tuple[_File, ...]
    dist_info: str

    def text(self, name: str) -> str:
        found = next((file.content for file in self.files if file.name == f"{self.dist_info}/{name}"), None)
        if found is None:
            raise _damaged(self.path, f"it has no {self.dist_info}/{name}")
        return found.decode("utf-8", "replace")


def wheel_members(
    wheel: Path, prefix: str, *, target_python: str, owner: str, excludes: Excludes | None = None
) -> tuple[Member, ...]:
    """A wheel's files as an installation with ``--target`` places them, sorted by path.

    Purelib, platlib and data go to the root, scripts to ``bin/`` with the target's Python, headers nowhere. Console
    scripts of its entry points are not made: nothing in Lambda calls them. RECORD is true of what ships.

    Args:
        wheel: the file.
        prefix: the root's folder in the artefact; empty for its own root.
        target_python: the interpreter's path at the target, for scripts.
        owner: whose the files are.
        excludes: the artefact's; what its defaults for installed distributions and the user leave out is in RECORD
            neither.

    Raises:
        BundleError: no wheel, one whose files and RECORD differ, a path that leads out of it.
    """
    opened = _open(wheel)
    _verify(opened)
    start = f"{prefix}/" if prefix else ""
    record = f"{opened.dist_info}/RECORD"
    members: dict[str, Member] = {}
    for file in opened.files:
        place = _place(opened, file.name)
        if place is None or place == record or (excludes and excludes.excluded_installed(start + place)):
            continue
        is_script = file.name != place and place.startswith("bin/")
        content = file.content
        if is_script:
            content = shebang(content, target_python)
        elif place == f"{opened.dist_info}/METADATA":
            content = _metadata(content)
        member = Member(
            path=normalised(start + place),
            source=content,
            executable=file.executable or is_script,
            owner=owner,
        )
        if member.path in members:
            raise _damaged(wheel, f"two of its files become {member.path}")
        members[member.path] = member
    made = write_record(members.values(), record, start)
    members[start + record] = Member(path=normalised(start + record), source=made, owner=owner)
    return tuple(sorted(members.values(), key=lambda member: member.path))


def _metadata(content: bytes) -> bytes:
    """METADATA without what is of this build and this machine alone."""
    text = _FILE_REFERENCE.sub(r"\1", content.decode("utf-8", "surrogateescape"))
    # A direct reference in the project's dependencies may hold the password of an index.
    return redact_urls(text).encode("utf-8", "surrogateescape")


def is_pure(wheel: Path) -> bool:
    """Whether a wheel fits every platform: it says so of its root, and all its tags are ``none-any``.

    Raises:
        BundleError: no wheel.
    """
    described = _described(wheel)
    tags = described["tag"]
    return described["root-is-purelib"][:1] == ["true"] and all(tag.endswith("-none-any") for tag in tags)


def fits(wheel: Path, target: Target, *, native: bool) -> bool:
    """Whether a wheel that was built just now may go into an artefact for the target.

    A ``linux_…`` wheel promises nothing of the glibc it needs: it is taken only where it was built for the target.
    """
    if is_pure(wheel):
        return True
    from packaging.utils import parse_wheel_filename

    tags = parse_wheel_filename(wheel.name)[3]
    if not native and any(tag.platform.startswith("linux_") for tag in tags):
        return False
    return any(tag in tags for tag in target.tags())


def wheel_tags(wheel: Path) -> frozenset[Tag]:
    """The tags that a wheel says it fits, from its WHEEL file.

    Raises:
        BundleError: no wheel.
    """
    return _tags(_described(wheel))


def _described(wheel: Path) -> Mapping[str, list[str]]:
    """The WHEEL file's lines: values, all in small letters, by key."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            text = archive.read(f"{_dist_info(wheel, archive.namelist())}/WHEEL").decode("utf-8", "replace")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise _damaged(wheel, str(error)) from error
    found: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        key, _, value = line.partition(":")
        found[key.strip().lower()].append(value.strip().lower())
    return found


def _tags(described: Mapping[str, list[str]]) -> frozenset[Tag]:
    from packaging.tags import parse_tag

    return frozenset(tag for line in described["tag"] for tag in parse_tag(line))


def _dist_info(wheel: Path, names: list[str]) -> str:
    folders = {name.partition("/")[0] for name in names if name.partition("/")[0].endswith(".dist-info")}
    if len(folders) != 1:
        raise _damaged(wheel, f"it has {len(folders)} .dist-info folders")
    return folders.pop()


def _open(wheel: Path) -> _Wheel:
    try:
        with zipfile.ZipFile(wheel) as archive:
            files = tuple(
                _File(
                    name=_safe(wheel, entry),
                    content=archive.read(entry),
                    executable=bool(entry.external_attr >> 16 & stat.S_IXUSR),
                )
                for entry in archive.infolist()
                if not entry.is_dir()
            )
    except (OSError, zipfile.BadZipFile) as error:
        raise _damaged(wheel, str(error)) from error
    return _Wheel(path=wheel, files=files, dist_info=_dist_info(wheel, [file.name for file in files]))


def _safe(wheel: Path, entry: zipfile.ZipInfo) -> str:
    # zipfile has turned backslashes into slashes on Windows and cut the name at a NUL; the name as written counts.
    if problem := path_problem(entry.orig_filename):
        raise _damaged(wheel, f"{entry.orig_filename!r} {problem}")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _damaged(wheel, f"{entry.filename} is a link, which a wheel cannot hold")
    return entry.filename


def _verify(wheel: _Wheel) -> None:
    """PEP 427: RECORD lists every file but itself and its signatures, each with a hash."""
    record = f"{wheel.dist_info}/RECORD"
    rows = {row.path: row.hash for row in read_record(wheel.text("RECORD"), f"{wheel.path.name}: RECORD")}
    exempt = {record, *(f"{wheel.dist_info}/{name}" for name in _SIGNATURES)}
    names = {file.name for file in wheel.files}
    problems = [f"{name} is listed in RECORD and not there" for name in sorted(rows.keys() - names - exempt)]
    for file in wheel.files:
        if file.name in exempt:
            continue
        if not rows.get(file.name):
            problems.append(f"{file.name} has no hash in RECORD")
        elif not _matches(file.content, rows[file.name]):
            problems.append(f"{file.name} has another hash than in RECORD")
    if problems:
        raise _damaged(wheel.path, "its RECORD is not true:\n" + "\n".join(f"  - {line}" for line in problems))


def _matches(content: bytes, recorded: str) -> bool:
    algorithm, _, value = recorded.partition("=")
    # PEP 427: sha256 or better.
    if algorithm not in {"sha256", "sha384", "sha512"}:
        return False
    digest = hashlib.new(algorithm, content).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == value.rstrip("=")


def _place(wheel: _Wheel, name: str) -> str | None:
    """Where an installer places a file; None for nowhere."""
    if name in {f"{wheel.dist_info}/{signature}" for signature in _SIGNATURES}:
        return None
    folder, _, inner = name.partition("/")
    if folder != f"{wheel.dist_info.removesuffix('.dist-info')}.data" or not inner:
        return name
    scheme, _, rest = inner.partition("/")
    if scheme == "headers":
        return None
    if scheme == "scripts" and rest:
        return f"bin/{rest}"
    if scheme in _ROOT_SCHEMES and rest:
        return rest
    raise _damaged(wheel.path, f"{name} is in a place that PEP 427 does not know")


def _damaged(wheel: Path, why: str) -> BundleError:
    return BundleError(f"{wheel.name} is no valid wheel: {why}", hint="build or download it again")
