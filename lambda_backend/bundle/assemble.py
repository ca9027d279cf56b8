"""Puts an artefact's parts together: no path twice, none that is a file here and a folder there.

Of two files with one path the first one ships, and the other one is told: whether that is an error is for the checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lambda_backend.bundle.model import Bundle, Collision, Member
from lambda_backend.bundle.paths import path_problem
from lambda_backend.bundle.sources import sha256
from lambda_backend.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lambda_backend.bundle.excludes import Excludes

__all__ = ["assemble"]


class _Placed(Protocol):
    """A file that lies in the artefact already."""

    @property
    def path(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def executable(self) -> bool: ...
    @property
    def owner(self) -> str: ...


class _Base(Protocol):
    """An archive that the artefact's new files are put on top of."""

    @property
    def members(self) -> Sequence[_Placed]: ...


def assemble(
    parts: Iterable[Sequence[Member]], excludes: Excludes, *, base: _Base | None = None, may_be_empty: bool = False
) -> Bundle:
    """Merge the parts of an artefact.

    A path that two parts bring is taken from the first; so is its mode. Other bytes in the second are a collision.

    Args:
        parts: the first one wins.
        excludes: the user's patterns in it apply to all parts; its defaults do not, for they apply where files come
            from.
        base: an archive that comes first; what it holds is not in the bundle.
        may_be_empty: something may yet be added.

    Raises:
        BundleError: every impossible path, every file that is a folder too, or nothing at all in the artefact.
    """
    placed: Mapping[str, _Placed] = {member.path: member for member in base.members} if base else {}
    taken: dict[str, Member] = {}
    problems = []
    lost = []
    for member in (member for part in parts for member in part):
        if excludes.excluded(member.path):
            continue
        if problem := path_problem(member.path):
            problems.append(f"{member.path!r} {problem}")
        elif (other := taken.get(member.path) or placed.get(member.path)) is None:
            taken[member.path] = member
        elif _digest(member) != _digest(other):
            lost.append(Collision(path=member.path, owners=(other.owner, member.owner)))
    problems += _file_and_folder({**placed, **taken})
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in sorted(problems))
        raise BundleError(f"The artefact cannot hold these files:\n{lines}", hint="rename one, or list one in exclude")
    if not placed and not taken and not may_be_empty:
        raise BundleError("The artefact is empty", hint="see what exclude leaves out, and that the package has files")
    return Bundle(
        members=tuple(sorted(taken.values(), key=lambda member: member.path)),
        collisions=tuple(sorted(lost, key=lambda collision: (collision.path, collision.owners))),
    )


def _file_and_folder(members: Mapping[str, Member | _Placed]) -> Iterator[str]:
    seen: set[str] = set()
    for path in sorted(members):
        folder = path.rpartition("/")[0]
        while folder and folder not in seen:
            seen.add(folder)
            if folder in members:
                file, below = _owner(members[folder]), _owner(members[path])
                yield f"{folder} is a file from {file} and a folder with {path} from {below}"
            folder = folder.rpartition("/")[0]


def _digest(member: Member | _Placed) -> str:
    return sha256(member.source).hexdigest() if isinstance(member, Member) else member.sha256


def _owner(member: Member | _Placed) -> str:
    return member.owner or "no distribution"
