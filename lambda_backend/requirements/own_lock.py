"""The text of ``pylock.lambda.toml``: one PEP 751 lock for many targets, extras and dependency groups."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from lambda_backend.requirements.writer import origin, toml_string
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lambda_backend.requirements.model import Pin
    from lambda_backend.targets import Target

__all__ = ["Selection", "own_lock_text"]


class Selection(Value):
    """What a person may choose: nothing, or one extra, or one dependency group."""

    extra: str | None = None
    group: str | None = None

    @property
    def condition(self) -> str | None:
        """PEP 751's marker for it; None where nothing is chosen."""
        if self.extra is not None:
            return f"'{canonicalize_name(self.extra)}' in extras"
        return f"'{canonicalize_name(self.group)}' in dependency_groups" if self.group is not None else None


@dataclass(slots=True)
class _Entry:
    """One ``[[packages]]``: a version of a distribution, with all archives that targets take of it."""

    name: str
    version: str | None
    tables: dict[str, dict[str, None]] = field(default_factory=dict)
    """Inline tables by key, each once."""
    uses: dict[Selection, set[Target]] = field(default_factory=dict)


def own_lock_text(found: Mapping[tuple[Target, Selection], Iterable[Pin]], *, prefix: str) -> str:
    """A lock out of which each target takes what was found for it.

    Args:
        found: the pins of each target with nothing chosen, and with each extra and group that is asked for there.
            Within a target, one distribution has one version, whatever is chosen.
        prefix: goes before the paths of local folders and archives: from the lock's folder to that of the pins.

    Raises:
        LockError: for a name that is no valid Unicode, which TOML cannot hold.
    """
    targets = list(dict.fromkeys(target for target, _ in found))
    selections = list(dict.fromkeys(selection for _, selection in found))
    pythons = sorted({target.runtime.version for target in targets})
    extras = sorted({canonicalize_name(one.extra) for one in selections if one.extra is not None})
    groups = sorted({canonicalize_name(one.group) for one in selections if one.group is not None})
    lines = [
        'lock-version = "1.0"',
        f"environments = {_array(_environment(target) for target in targets)}",
        f'requires-python = ">={pythons[0][0]}.{pythons[0][1]}"',
        f"extras = {_array(extras)}",
        f"dependency-groups = {_array(groups)}",
        'created-by = "lambda-backend"',
    ]
    entries = sorted(_entries(found, prefix), key=lambda entry: (entry.name, entry.version or "", sorted(entry.tables)))
    if not entries:
        lines.append("packages = []")
    for entry in entries:
        lines += ["", "[[packages]]", f"name = {toml_string(entry.name)}"]
        lines += [f"version = {toml_string(entry.version)}"] if entry.version is not None else []
        marker = _marker(entry.uses, targets)
        lines += [f"marker = {toml_string(marker)}"] if marker is not None else []
        lines += _sources(entry.tables)
    return "\n".join(lines) + "\n"


def _array(texts: Iterable[str]) -> str:
    written = [toml_string(text) for text in texts]
    if len(written) > 1:
        return "[\n" + "".join(f"    {text},\n" for text in written) + "]"
    return f"[{''.join(written)}]"


def _environment(target: Target) -> str:
    return f"sys_platform == 'linux' and {_of_target(target)}"


def _of_target(target: Target) -> str:
    return f"python_version == '{target.runtime.python_version}' and platform_machine == '{target.machine}'"


def _entries(found: Mapping[tuple[Target, Selection], Iterable[Pin]], prefix: str) -> Iterable[_Entry]:
    entries: dict[tuple[str, str | None, str], _Entry] = {}
    for (target, selection), pins in found.items():
        for pin in pins:
            kind, table = origin(pin, prefix)
            # PEP 751: wheels and an sdist may stand together, whatever else there is stands alone.
            alone = "" if kind in {"wheels", "sdist"} else table
            entry = entries.setdefault((pin.name, pin.version, alone), _Entry(name=pin.name, version=pin.version))
            entry.tables.setdefault(kind, {})[table] = None
            entry.uses.setdefault(selection, set()).add(target)
    return entries.values()


def _sources(tables: Mapping[str, Mapping[str, None]]) -> Iterator[str]:
    for kind, found in sorted(tables.items()):
        written = sorted(found)
        if kind != "wheels":
            yield f"{kind} = {written[0]}"
        elif len(written) == 1:
            yield f"wheels = [{written[0]}]"
        else:
            yield "wheels = [\n" + "".join(f"    {table},\n" for table in written) + "]"


def _marker(uses: Mapping[Selection, set[Target]], targets: Sequence[Target]) -> str | None:
    """When an entry is taken; None for always."""
    always = uses.get(Selection(), set())
    if len(always) == len(targets):
        return None
    terms = [str(_where(always, targets))] if always else []
    chosen = {selection: where for selection, where in uses.items() if selection.condition and where - always}

    def places(item: tuple[Selection, set[Target]]) -> list[str]:
        return sorted(target.name for target in item[1])

    for _, same in itertools.groupby(sorted(chosen.items(), key=places), key=places):
        members = list(same)
        conditions = sorted(str(selection.condition) for selection, _ in members)
        either = _either(conditions)
        where = _where(members[0][1], targets)
        terms.append(either if where is None else f"{either} and {where}")
    return " or ".join(f"({term})" if len(terms) > 1 and " and " in term else term for term in terms)


def _where(some: set[Target], targets: Sequence[Target]) -> str | None:
    """A marker for some of the targets; None for all. Targets that are none of the lock's do not matter."""
    if len(some) == len(targets):
        return None
    pythons = sorted({target.runtime.version for target in some})
    versions = _either([f"python_version == '{major}.{minor}'" for major, minor in pythons])
    machines = sorted({target.machine for target in some})
    of_machines = _either([f"platform_machine == '{machine}'" for machine in machines])
    by_python = {target for target in targets if target.runtime.version in pythons}
    by_machine = {target for target in targets if target.machine in machines}
    if by_python == some:
        return versions
    if by_machine == some:
        return of_machines
    if by_python & by_machine == some:
        return f"{versions} and {of_machines}"
    ordered = sorted(some, key=lambda target: (target.runtime.version, target.machine))
    return _either([f"({_of_target(target)})" for target in ordered])


def _either(terms: Sequence[str]) -> str:
    return terms[0] if len(terms) == 1 else f"({' or '.join(terms)})"
