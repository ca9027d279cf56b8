"""Facts of a file, and their form in the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambda_backend.values import Value, fields

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Elf", "Facts", "from_document", "to_document"]


class Elf(Value):
    """An ELF file. Source: System V ABI; gABI "Dynamic Section"; LSB "Symbol Versioning"."""

    machine: int
    """``e_machine``: 62 for x86-64, 183 for AArch64."""
    bits: int
    """32 or 64."""
    soname: str | None
    needed: tuple[str, ...]
    """DT_NEEDED, in order."""
    search: tuple[str, ...]
    """DT_RUNPATH or DT_RPATH, split at ``:``; ``$ORIGIN`` is in it as written."""
    versions: tuple[tuple[str, str], ...]
    """(library, version) of all that it needs (``.gnu.version_r``), such as ``("libc.so.6", "GLIBC_2.34")``."""
    dynamic: bool
    """It has a dynamic section: a program that is linked statically, or an object file, needs nothing."""


class Facts(Value):
    """What a file's bytes tell. A file with nothing to tell has none."""

    elf: Elf | None = None
    foreign: str | None = None
    """``Mach-O`` or ``PE``, code for another system, or ``broken ELF``."""
    secrets: tuple[str, ...] = ()
    """Kinds of credentials that it holds, such as ``"an AWS access key"``; never a credential itself."""
    source_time: int | None = None
    """Of bytecode that Python uses only while its source has this time (PEP 552): seconds since 1970, modulo 2**32."""


_FIELDS = tuple(fields(Facts))
_ELF_FIELDS = tuple(fields(Elf))


def to_document(facts: Mapping[str, Facts]) -> dict[str, Any]:
    """What JSON can hold and ``from_document`` reads back; by path in the artefact."""
    return {path: _document(found) for path, found in sorted(facts.items())}


def _document(facts: Facts) -> dict[str, Any]:
    # Not asdict, which copies what is in the fields.
    found = {name: getattr(facts, name) for name in _FIELDS}
    if facts.elf is not None:
        found["elf"] = {name: getattr(facts.elf, name) for name in _ELF_FIELDS}
    return found


def from_document(document: Mapping[str, Any]) -> dict[str, Facts]:
    """What ``to_document`` made.

    Raises:
        TypeError, KeyError, ValueError: for anything else; a cache takes it as a miss.
    """
    return {path: _facts(raw) for path, raw in document.items()}


def _facts(raw: Mapping[str, Any]) -> Facts:
    elf = raw["elf"]
    return Facts(
        elf=None
        if elf is None
        else Elf(
            **{
                **elf,
                "needed": tuple(elf["needed"]),
                "search": tuple(elf["search"]),
                "versions": tuple((library, version) for library, version in elf["versions"]),
            }
        ),
        foreign=raw["foreign"],
        secrets=tuple(raw["secrets"]),
        source_time=raw["source_time"],
    )
