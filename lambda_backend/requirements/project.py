"""What a project declares for a target: its dependencies, those of chosen extras, and PEP 735 groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.dependency_groups import resolve_dependency_groups
from packaging.errors import ExceptionGroup
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from lambda_backend.errors import LockError
from lambda_backend.settings.interpolate import redact_urls
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from lambda_backend.targets import Target

__all__ = ["Offered", "declared", "poetry_dependencies"]


class Offered(Value):
    """Extras and groups that a lock has of its own."""

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


def declared(  # noqa: PLR0913 - all but the first two by keyword
    requires_dist: Sequence[str],
    provides_extra: Sequence[str],
    *,
    project: str,
    extras: Sequence[str],
    groups: Sequence[str],
    dependency_groups: Mapping[str, Any],
    target: Target,
    key: str,
    of_lock: Offered | None = None,
) -> tuple[str, ...]:
    """The requirements that apply to the target, without their markers, each once.

    An extra of the project's own (``shop[pdf]`` within shop's extras or groups) stands for what it brings.

    Args:
        requires_dist: as the wheel's metadata has them (core metadata, Requires-Dist).
        provides_extra: the extras that the metadata has (Provides-Extra).
        project: its own name.
        extras: the chosen ones.
        groups: the chosen dependency groups.
        dependency_groups: the ``[dependency-groups]`` table, as read from pyproject.toml.
        target: whose markers decide.
        key: the table whose ``extras`` and ``groups`` were chosen, such as ``tool.lambda.layers.deps``.
        of_lock: extras and groups that the lock knows; what they bring is in the lock alone.

    Raises:
        LockError: for unknown extras and groups (all at once) and for a requirement that cannot be read.
    """
    of_lock = of_lock or Offered()
    problems = [
        *_unknown(extras, (*provides_extra, *of_lock.extras), "extra", key),
        *_unknown(groups, (*dependency_groups, *of_lock.groups), "group", key),
    ]
    if problems:
        raise LockError("\n".join(problems))
    known = {canonicalize_name(group) for group in dependency_groups}
    own_groups = [group for group in groups if canonicalize_name(group) in known]
    of_groups = _requirements(_group_lines(dependency_groups, own_groups), "[dependency-groups]")
    of_project = _requirements(requires_dist, f"the metadata of {project}")

    own = canonicalize_name(project)
    active: set[str] = {canonicalize_name(extra) for extra in extras}
    environment = {name: str(value) for name, value in target.marker_environment().items()}
    while True:
        applying = list(_applying(of_project, active, environment)) + list(_applying(of_groups, (), environment))
        new = {
            canonicalize_name(extra)
            for found in applying
            if canonicalize_name(found.name) == own
            for extra in found.extras
        }
        if new <= active:
            break
        active |= new
    return tuple(dict.fromkeys(_text(found) for found in applying if canonicalize_name(found.name) != own))


def _unknown(chosen: Iterable[str], known: Iterable[str], kind: str, key: str) -> Iterator[str]:
    names: dict[str, str] = {canonicalize_name(name): name for name in known}
    for name in chosen:
        if canonicalize_name(name) in names:
            continue
        import difflib

        near = difflib.get_close_matches(canonicalize_name(name), names, n=1)
        if near:
            rest = f"did you mean {names[near[0]]!r}?"
        elif names:
            rest = f"there are {', '.join(sorted(names.values()))}"
        else:
            rest = "it has none"
        yield f"{key}.{kind}s: the project has no {kind} {name!r}; {rest}"


def _group_lines(dependency_groups: Mapping[str, Any], groups: Sequence[str]) -> tuple[str, ...]:
    if not groups:
        return ()
    # PEP 735: group names are normalised; includes are resolved; cycles are errors.
    try:
        return resolve_dependency_groups(dependency_groups, *groups)
    except ExceptionGroup as error:
        lines = "\n".join(f"  - {redact_urls(str(problem))}" for problem in error.exceptions)
        raise LockError(f"[dependency-groups] in pyproject.toml cannot be used:\n{lines}") from None


def _requirements(lines: Iterable[str], where: str) -> list[Requirement]:
    found = []
    problems = []
    for line in lines:
        try:
            found.append(Requirement(line))
        except InvalidRequirement as error:  # noqa: PERF203 - all are reported at once
            problems.append(f"  - {redact_urls(line)!r}: {redact_urls(str(error)).splitlines()[0]}")
    if problems:
        raise LockError(f"{where} has requirements that cannot be read:\n" + "\n".join(problems))
    return found


def _applying(
    requirements: Iterable[Requirement], extras: Collection[str], environment: Mapping[str, str]
) -> Iterator[Requirement]:
    for requirement in requirements:
        marker = requirement.marker
        # PEP 508: `extra` has one value at a time; without any extra it is the empty string.
        if marker is None or any(marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras)):
            yield requirement


def _text(requirement: Requirement) -> str:
    bare = Requirement(str(requirement))
    bare.marker = None
    return str(bare)


def poetry_dependencies(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a pyproject.toml names in ``[tool.poetry.dependencies]``, Python aside."""
    table: Any = document
    for name in ("tool", "poetry", "dependencies"):
        table = table.get(name, {})
        if not isinstance(table, dict):
            return {}
    return {name: wanted for name, wanted in table.items() if name.lower() != "python"}
