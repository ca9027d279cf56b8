"""What a file in a zip is for, by its path: what runs, and what might be left out."""

from __future__ import annotations

import re

__all__ = ["KINDS", "kind_of"]

KINDS = ("native code", "Python", "bytecode", "data", "metadata", "tests", "stubs and sources")
"""As people are told of them."""

_NATIVE = re.compile(r".*\.(?:so(?:\.\d+)*|dylib|dll|pyd|a|lib|exe)")
_SOURCES = (".pyi", ".pyx", ".pxd", ".pxi", ".h", ".hpp", ".c", ".cc", ".cpp", ".f", ".f90", ".rs", "/py.typed")
_TESTS = {"test", "tests"}
_METADATA = (".dist-info", ".egg-info")


def kind_of(path: str) -> str:
    """One of ``KINDS``. Where a file lies counts more than what it is: a module of the tests is of the tests."""
    *folders, name = f"/{path}".lower().split("/")
    if any(folder.endswith(_METADATA) for folder in folders):
        return "metadata"
    if not _TESTS.isdisjoint(folders):
        return "tests"
    if _NATIVE.fullmatch(name):
        return "native code"
    if name.endswith((".pyc", ".pyo")):
        return "bytecode"
    if name.endswith(".py"):
        return "Python"
    return "stubs and sources" if f"/{name}".endswith(_SOURCES) else "data"
