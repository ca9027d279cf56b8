"""What the strings of the table must look like: for each rule a check that says what is wrong."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from lambda_backend.settings.marks import Rule
from lambda_backend.settings.problems import nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["PATTERNS", "SIZE_PATTERN", "broken_rule", "size_in_bytes", "supported_architectures", "supported_runtimes"]

PATTERNS = {
    Rule.TEXT: r"\S",
    Rule.NAME: r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
    Rule.VARIABLE: r"^[A-Za-z_][A-Za-z0-9_]*$",
    Rule.HANDLER: r"^[^\s./-]+([./][^\s./-]+)*\.[^\s./-]+$",
    Rule.INSIDE: r"\S",
    Rule.BELOW: r"",
    Rule.BACKEND: r"^[^\s:.-]+(\.[^\s:.-]+)*(:[^\s:.-]+(\.[^\s:.-]+)*)?$",
    Rule.VERSION: r"^[0-9]+(\.[0-9]+)*([A-Za-z0-9.+]*)$",
}
"""Regular expressions for the JSON schema; no stricter than the checks."""

SIZE_PATTERN = r"^[0-9]+ *([kKMG]i?B|B)?$"
_UNITS = {"": 1, "B": 1}
_UNITS |= {f"{prefix}B": 1000**power for prefix, power in (("k", 1), ("K", 1), ("M", 2), ("G", 3))}
_UNITS |= {f"{prefix}iB": 1024**power for prefix, power in (("k", 1), ("K", 1), ("M", 2), ("G", 3))}


def supported_runtimes() -> tuple[str, ...]:
    """Runtimes that may be asked for; previews may not."""
    from lambda_backend.targets import runtimes

    return tuple(name for name, runtime in runtimes().items() if not runtime.preview)


def supported_architectures() -> tuple[str, ...]:
    """Architectures that may be asked for, the default first."""
    from lambda_backend.targets import architectures

    return architectures()


def size_in_bytes(text: str) -> int | None:
    """``100 MiB`` → 104857600; None for what is no size. ``MB`` is a million bytes, ``MiB`` is 1024 × 1024."""
    found = re.fullmatch(r"([0-9]{1,15}) *([A-Za-z]*)", text)
    if found is None or found[2] not in _UNITS:
        return None
    return int(found[1]) * _UNITS[found[2]]


def broken_rule(rule: Rule, value: str) -> str | None:
    """What is wrong with a string, or None."""
    if "\0" in value:
        return "must not hold a NUL character"
    return _CHECKS[rule](value)


def _text(value: str) -> str | None:
    return None if value.strip() else "must not be empty"


def _name(value: str) -> str | None:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", value):
        return None
    return 'a name starts with a letter or digit, followed by letters, digits, "_" and "-" only'


def _variable(value: str) -> str | None:
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        return None
    return 'a variable\'s name starts with a letter or "_", followed by letters, digits and "_" only'


def _handler(value: str) -> str | None:
    # awslambdaric: the module is what stands before the last dot, and its slashes are read as dots.
    module, dot, function = value.rpartition(".")
    parts = [*module.replace("/", ".").split("."), function]
    if dot and all(part.isidentifier() for part in parts):
        return None
    return f"{quoted(value)} is no handler; expected package.module.function"


def _is_absolute(value: str) -> bool:
    windows = PureWindowsPath(value)
    return PurePosixPath(value).is_absolute() or bool(windows.drive or windows.root)


def _inside(value: str) -> str | None:
    if not value.strip():
        return "must not be empty"
    if _is_absolute(value):
        return f"{quoted(value)} leaves the project: the path is absolute; expected one relative to the project"
    depth = 0
    for part in PureWindowsPath(value).parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return f'{quoted(value)} leaves the project by ".."'
    return None


def _below(value: str) -> str | None:
    if _is_absolute(value):
        return f"{quoted(value)} is absolute; expected a path relative to the zip's root"
    if ".." in PureWindowsPath(value).parts:
        return f'{quoted(value)} must not hold ".."'
    return None


def _backend(value: str) -> str | None:
    module, colon, attribute = value.partition(":")
    parts = [*module.split("."), *(attribute.split(".") if colon else ())]
    if not all(part.isidentifier() for part in parts):
        return f'{quoted(value)} is no build backend; expected one such as "hatchling.build"'
    if parts[0] == "lambda_backend":
        return f"{quoted(value)} is this backend itself; name the one that makes the wheel"
    return None


def _version(value: str) -> str | None:
    if re.fullmatch(r"[0-9]+(\.[0-9]+)*([A-Za-z0-9.+]*)", value):
        return None
    return f'{quoted(value)} is no version; expected one such as "0.13"'


def _runtime(value: str) -> str | None:
    from lambda_backend.targets import runtimes

    known = supported_runtimes()
    if value in known:
        return None
    if value in runtimes():
        return f"runtime {quoted(value)} is a preview and not supported yet; known are {_listed(known)}"
    return f"unknown runtime {quoted(value)}; known are {_listed(known)}{_nearest_runtime(value, known)}"


def _nearest_runtime(value: str, known: Iterable[str]) -> str:
    version = re.search(r"([0-9]{1,3})\.([0-9]{1,3})", value)
    if version is None:
        return nearest(value, known)
    major, minor = int(version[1]), int(version[2])

    def distance(name: str) -> tuple[int, int]:
        other = name.removeprefix("python").split(".")
        return abs(int(other[0]) - major), abs(int(other[1]) - minor)

    return f"; did you mean {quoted(min(known, key=distance))}?"


def _architecture(value: str) -> str | None:
    known = supported_architectures()
    if value in known:
        return None
    other_name = {"amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64"}.get(value.lower())
    hint = f"; did you mean {quoted(other_name)}?" if other_name else nearest(value, known)
    return f"unknown architecture {quoted(value)}; known are {_listed(known)}{hint}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(quoted(name) for name in names)


_CHECKS: dict[Rule, Callable[[str], str | None]] = {
    Rule.TEXT: _text,
    Rule.NAME: _name,
    Rule.VARIABLE: _variable,
    Rule.HANDLER: _handler,
    Rule.INSIDE: _inside,
    Rule.BELOW: _below,
    Rule.BACKEND: _backend,
    Rule.VERSION: _version,
    Rule.RUNTIME: _runtime,
    Rule.ARCHITECTURE: _architecture,
}
