"""Compiled files: Lambda's processor, Python and system libraries take each that the code would load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.checks.extensions import Wheels, extension_of, is_shared_object, names_its_platform
from lambda_backend.checks.linking import USERS, Linking, place_of
from lambda_backend.checks.model import Problem, named
from lambda_backend.checks.optional import optional_modules
from lambda_backend.facts.binary import BROKEN, MACHO
from lambda_backend.patterns import pattern
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lambda_backend.checks.extensions import Extension
    from lambda_backend.checks.model import File, Subject
    from lambda_backend.facts.model import Elf, Facts
    from lambda_backend.targets import Runtime

__all__ = ["check"]

_SHOWN = 3
"""Files or libraries named in a message; the rest is counted."""
_PROCESSORS = {3: "i386", 40: "32-bit ARM", 62: "x86_64", 183: "arm64", 243: "RISC-V", 21: "ppc64", 22: "s390x"}
"""``e_machine`` in words (gABI, "Machine Information")."""
_BITS = 64
_SYMBOL_VERSION = pattern(r"([A-Z]+)_(\d+(?:\.\d+)*)")
_TEST_FOLDERS = frozenset({"test", "tests", "testing", "testdata", "test_data"})
_SISTERS = {
    "opencv-python": "opencv-python-headless",
    "opencv-contrib-python": "opencv-contrib-python-headless",
    "psycopg2": "psycopg2-binary",
    "psycopg-c": "psycopg-binary",
}
"""Distributions that have a sister without the system libraries that they need."""


class _Fault(Value):
    """What is wrong with one file; files of an owner with the same fault are one problem."""

    says: str
    """Completes "numpy …"."""
    hint: str
    file: File


def check(subject: Subject) -> Iterator[Problem]:
    """What Lambda would not load.

    Args:
        subject: its layers count where libraries are looked for; their own files are checked with the layer.
    """
    compiled = {path: facts for path, facts in subject.facts.items() if facts.elf or facts.foreign}
    if not compiled:
        return
    wheels = Wheels(subject=subject)
    modules = _modules(subject, compiled)
    kinds = list(_wrong_kinds(subject, compiled, modules, wheels))
    known = {fault.file.owner for fault in kinds}
    loadable = {path: facts.elf for path, facts in compiled.items() if facts.elf and _is_loadable(subject, facts.elf)}
    yield from _problems(
        (
            *kinds,
            *(fault for fault in _wrong_wheels(subject, modules, wheels) if fault.file.owner not in known),
            *_wrong_libraries(subject, loadable, modules),
        ),
        modules,
    )


def _problems(faults: Iterable[_Fault], modules: Mapping[str, Extension]) -> Iterator[Problem]:
    groups: dict[tuple[bool, str, str, str], list[str]] = {}
    for fault in faults:
        # A library that is named for its platform is loaded when code wants it: the rest may well run without.
        path = fault.file.path
        warns = _is_one_of_several(path, modules.get(path))
        groups.setdefault((warns, fault.file.owner, fault.says, fault.hint), []).append(path)
    for (warns, owner, says, hint), paths in sorted(groups.items()):
        paths.sort(key=lambda path: (path.count("/"), path))
        yield Problem(
            message=f"{named(owner)} {says}: {_listed(paths)}",
            hint=hint,
            path=paths[0] if len(paths) == 1 else None,
            warns=warns,
        )


def _modules(subject: Subject, compiled: Mapping[str, Facts]) -> Mapping[str, Extension]:
    found = {path: extension_of(path, subject.roots) for path in compiled}
    return {path: module for path, module in found.items() if module is not None}


def _wrong_kinds(
    subject: Subject, compiled: Mapping[str, Facts], modules: Mapping[str, Extension], wheels: Wheels
) -> Iterator[_Fault]:
    """Of files for another system, processor or Python."""
    loaded = {module.module for path, module in modules.items() if _is_loaded(subject, compiled[path], module)}
    for path, facts in compiled.items():
        module = modules.get(path)
        file = subject.files[path]
        # A module's files for several platforms may lie side by side, and Python takes the one that it can.
        if module is not None and module.module in loaded:
            continue
        if facts.elf is not None and _is_loadable(subject, facts.elf):
            if module is not None:
                yield _other_python(subject, file, module)
        elif _is_tagged(module) or not _is_chosen_by_code(subject, file, facts, module, wheels):
            yield _other_system(subject, file, facts)


def _is_tagged(module: Extension | None) -> bool:
    return module is not None and module.kind == "so" and bool(module.tag)


def _is_loadable(subject: Subject, elf: Elf) -> bool:
    return elf.machine == subject.target.elf_machine and elf.bits == _BITS and not _needs_musl(elf)


def _is_loaded(subject: Subject, facts: Facts, module: Extension) -> bool:
    return facts.elf is not None and _is_loadable(subject, facts.elf) and module.fits(subject.target)


def _needs_musl(elf: Elf) -> bool:
    # musl's libc has the SONAME libc.so, and Alpine's name for it has the machine in it.
    return any(library == "libc.so" or library.startswith("libc.musl-") for library in elf.needed)


def _is_chosen_by_code(subject: Subject, file: File, facts: Facts, module: Extension | None, wheels: Wheels) -> bool:
    """A file for another platform that is no mistake: packages ship such files for several platforms, or as data."""
    if not wheels.is_for_linux(file.owner):
        return False
    folder, _, name = file.path.rpartition("/")
    if _is_one_of_several(file.path, module) or not _TEST_FOLDERS.isdisjoint(folder.split("/")):
        return True
    if is_shared_object(name):
        return False
    if facts.elf is None:
        # Such as the .exe stubs that make commands on Windows; on macOS too, Python's modules are .so files.
        return not name.endswith(".pyd") or wheels.knows(file.owner) or _has_source(subject, folder, name)
    return wheels.is_pure(file.owner) or (name.endswith(".o") and not facts.elf.dynamic)


def _is_one_of_several(path: str, module: Extension | None) -> bool:
    """Code chooses it by the platform, which name or folder say; by a module's tag, Python chooses."""
    return names_its_platform(path.rpartition("/")[0] if module is not None and module.tag else path)


def _has_source(subject: Subject, folder: str, name: str) -> bool:
    return f"{folder}/{name.partition('.')[0]}.py".lstrip("/") in subject.files


def _other_python(subject: Subject, file: File, module: Extension) -> _Fault:
    runtime = subject.target.runtime
    there = "systems with musl" if module.is_musl else module.interpreter or module.tag.lstrip(".")
    return _Fault(
        says=f"is for {there}, and {runtime.name} does not load it",
        hint=f"install it for Python {runtime.python_version} on Linux with glibc: this wheel was made for another one",
        file=file,
    )


def _other_system(subject: Subject, file: File, facts: Facts) -> _Fault:
    if facts.elf is None:
        return _foreign(subject, file, facts.foreign or "")
    if facts.elf.machine != subject.target.elf_machine or facts.elf.bits != _BITS:
        return _machine(subject, file, facts.elf)
    return _musl(subject, file)


def _foreign(subject: Subject, file: File, kind: str) -> _Fault:
    target = subject.target
    if kind == BROKEN:
        return _Fault(
            says="has files that start as ELF and cannot be read: they are cut off or damaged",
            hint="install or copy it again",
            file=file,
        )
    system = "macOS (Mach-O)" if kind == MACHO else "Windows (PE)"
    return _Fault(
        says=f"is for {system}, and Lambda runs Linux",
        hint=f"install it for Linux on {target.architecture}: a build of ours does that, on any machine",
        file=file,
    )


def _machine(subject: Subject, file: File, elf: Elf) -> _Fault:
    wanted = subject.target.architecture
    there = _PROCESSORS.get(elf.machine, f"processor {elf.machine} (e_machine)")
    if elf.machine == subject.target.elf_machine:
        there = f"{elf.bits}-bit {there}"
    hint = f"install it for {wanted}"
    if there in {"x86_64", "arm64"}:
        hint += f', or set architecture = "{there}"'
    return _Fault(says=f"is for {there}, and the function runs on {wanted}", hint=hint, file=file)


def _musl(subject: Subject, file: File) -> _Fault:
    runtime = subject.target.runtime
    return _Fault(
        says=f"is for systems with musl, such as Alpine, and {runtime.name} has glibc",
        hint="install its manylinux wheel: a musllinux one does not load",
        file=file,
    )


def _wrong_wheels(subject: Subject, modules: Mapping[str, Extension], wheels: Wheels) -> Iterator[_Fault]:
    """Of modules whose names do not say which Python they are for, by the wheel that brought them."""
    runtime = subject.target.runtime
    nameless = [path for path, module in modules.items() if module.kind == "so" and module.tag in {"", ".abi3"}]
    owners = {subject.files[path].owner for path in nameless}
    wrong = {owner for owner in owners if not wheels.fits_python(owner, subject.target)}
    for path in nameless:
        file = subject.files[path]
        if file.owner in wrong:
            tag = wheels.tags[file.owner][0]
            yield _Fault(
                says=f"came from a wheel for {tag.interpreter}-{tag.abi}, which {runtime.name} cannot use",
                hint=f"install it for Python {runtime.python_version}",
                file=file,
            )


def _wrong_libraries(
    subject: Subject, loadable: Mapping[str, Elf], modules: Mapping[str, Extension]
) -> Iterator[_Fault]:
    """Of files whose libraries are not there, or older than they need."""
    linking = Linking.of(subject)
    missing: dict[str, dict[str, list[str]]] = {}
    newer: dict[tuple[str, str], list[tuple[tuple[int, ...], str, str]]] = {}
    for path, elf in loadable.items():
        file = subject.files[path]
        providers = {library: linking.provider(place_of(subject, path), file, elf, library) for library in elf.needed}
        if lacking := [library for library, provider in providers.items() if provider is None]:
            missing.setdefault(file.owner, {})[path] = lacking
        of_runtime = {library for library, provider in providers.items() if provider == "runtime"}
        for prefix, number, library in _too_high(subject.target.runtime, elf, of_runtime):
            newer.setdefault((file.owner, prefix), []).append((number, library, path))
    for owner, found in missing.items():
        names = {path: modules[path].name for path in found if path in modules}
        optional = optional_modules(subject, owner, set(names.values()))
        needed = {path: libraries for path, libraries in found.items() if names.get(path) not in optional}
        together = sorted({library for libraries in needed.values() for library in libraries})
        for path in needed:
            yield _missing(subject, subject.files[path], together)
    for (_, prefix), higher in newer.items():
        number, library, _ = max(higher)
        for path in {path for _, _, path in higher}:
            yield _too_new(subject, subject.files[path], prefix, number, library)


def _too_high(runtime: Runtime, elf: Elf, libraries: set[str]) -> Iterator[tuple[str, tuple[int, ...], str]]:
    """Prefix, number and library of the symbol versions that the runtime's libraries do not have."""
    for library, symbol in elf.versions:
        # Others, such as GLIBC_PRIVATE, have no number.
        version = _SYMBOL_VERSION.fullmatch(symbol)
        if version is not None and library in libraries:
            number = tuple(map(int, version[2].split(".")))
            if number > runtime.symbol_versions.get(version[1], number):
                yield version[1], number, library


def _missing(subject: Subject, file: File, libraries: Sequence[str]) -> _Fault:
    runtime = subject.target.runtime
    are = "is neither" if len(libraries) == 1 else "are neither"
    put = "put it" if len(libraries) == 1 else "put them"
    put += " into the folder lib/ of the zip, which Lambda's library path has"
    if file.owner in USERS:
        put += ", or beside the file, linked with -Wl,-rpath,'$ORIGIN'"
    sister = _SISTERS.get(file.owner)
    return _Fault(
        says=f"needs {_listed(libraries)}, which {are} in the zip or its layers nor in {_named(runtime)}",
        hint=f"use {sister} instead, or {put}" if sister else put,
        file=file,
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _too_new(subject: Subject, file: File, prefix: str, number: tuple[int, ...], library: str) -> _Fault:
    runtime = subject.target.runtime
    glibc = "_".join(map(str, runtime.glibc))
    pin = "" if file.owner in USERS else f"pin a version that has a wheel for manylinux_{glibc} or older, or "
    return _Fault(
        says=f"needs {prefix}_{_dotted(number)} of {library}, "
        f"and {_named(runtime)} has {prefix} up to {_dotted(runtime.symbol_versions[prefix])}",
        hint=f"{pin}build it in the container of the runtime",
        file=file,
    )


def _dotted(number: tuple[int, ...]) -> str:
    return ".".join(map(str, number))


def _named(runtime: Runtime) -> str:
    return f"{runtime.name} ({runtime.operating_system})"
