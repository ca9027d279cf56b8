"""What Python makes of the names of compiled modules, and of the tags of the wheels that brought them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from lambda_backend.patterns import pattern
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from packaging.tags import Tag

    from lambda_backend.checks.model import Subject
    from lambda_backend.targets import Target

__all__ = ["Extension", "Wheels", "extension_of", "is_shared_object", "names_its_platform"]

_MODULE = pattern(r"(?P<stem>[^\W\d]\w*)(?P<tag>\.(?:abi3|cpython|pypy|graalpy|cp\d)[\w-]*)?\.(?P<kind>so|pyd)")
_CPYTHON = pattern(r"\.(?:cpython-|cp)(?P<major>\d)(?P<minor>\d+)(?P<flags>[a-z]*)(?:-(?P<platform>.+))?")
_SHARED_OBJECT = pattern(r"\.so(?:\.\d+)*$")
_PLATFORM = pattern(
    r"(?<![a-z0-9])(?:x86_64|amd64|x64|x86|i[3-6]86|aarch64|arm64|arm|armv\d\w*|riscv64|ppc64|ppc64le|s390x"
    r"|linux(?:32|64)|win|win32|win64|windows|macos|macosx|darwin|osx|musl|musllinux)(?![a-z0-9])"
)


class Extension(Value):
    """A file that has the name of a compiled module."""

    module: str
    """Path of the module without suffixes, below the folder on ``sys.path``: ``numpy/random/_pcg64``."""
    tag: str
    """``.cpython-312-x86_64-linux-gnu``, ``.abi3``, or empty."""
    kind: str
    """``so``, or ``pyd`` for Windows."""

    @property
    def name(self) -> str:
        """Of the module, without the package."""
        return self.module.rpartition("/")[2]

    def fits(self, target: Target) -> bool:
        """The target's import system takes this name (``importlib.machinery.EXTENSION_SUFFIXES``)."""
        major, minor = target.runtime.version
        return self.kind == "so" and self.tag in {"", ".abi3", f".cpython-{major}{minor}-{target.machine}-linux-gnu"}

    @property
    def is_musl(self) -> bool:
        """Named for a system with musl."""
        return self.tag.endswith(("-linux-musl", "-linux-musleabihf"))

    @property
    def interpreter(self) -> str | None:
        """``CPython 3.11``, from the name."""
        if (found := _CPYTHON.match(self.tag)) is None:
            return {"p": "PyPy", "g": "GraalPy"}.get(self.tag[1:2])
        threads = ", free-threaded" if "t" in found["flags"] else ""
        return f"CPython {found['major']}.{found['minor']}{threads}"


def extension_of(path: str, roots: Iterable[str]) -> Extension | None:
    """The module that a file is by its name and place, or None.

    Args:
        path: in the artefact.
        roots: folders on ``sys.path``.
    """
    for root in roots:
        if path.startswith(root):
            *folders, name = path[len(root) :].split("/")
            if (found := _MODULE.fullmatch(name)) and all(folder.isidentifier() for folder in folders):
                module = "/".join((*folders, found["stem"]))
                return Extension(module=module, tag=found["tag"] or "", kind=found["kind"])
    return None


def is_shared_object(path: str) -> bool:
    """By its name: ``x.so``, ``libx.so.1.2``."""
    return _SHARED_OBJECT.search(path) is not None


def names_its_platform(path: str) -> bool:
    """The name or a folder says which platform it is for, so code chooses among such files by the platform."""
    return _PLATFORM.search(path.lower()) is not None


class Wheels(Value):
    """Tags of the wheels that the distributions were installed from, by distribution (PEP 427, ``WHEEL``)."""

    subject: Subject

    @functools.cached_property
    def tags(self) -> Mapping[str, Sequence[Tag]]:
        """Read from the artefact when they are asked for, which is when something looks wrong."""
        from packaging.tags import parse_tag

        found: dict[str, list[Tag]] = {}
        for path, file in self.subject.files.items():
            folder, _, name = path.rpartition("/")
            if name == "WHEEL" and folder.endswith(".dist-info") and _is_root(folder, self.subject.roots):
                for line in self.subject.read(path).decode("utf-8", "replace").splitlines():
                    key, _, value = line.partition(":")
                    if key.strip() == "Tag" and value.count("-") == 2:  # noqa: PLR2004 (python-abi-platform)
                        found.setdefault(file.owner, []).extend(parse_tag(value.strip()))
        return found

    def knows(self, owner: str) -> bool:
        """There is a distribution of that name, and it says what its wheel was for."""
        return owner in self.tags

    def is_pure(self, owner: str) -> bool:
        """A wheel for every platform: compiled files in it are chosen by its code."""
        tags = self.tags.get(owner, ())
        return bool(tags) and all(tag.platform == "any" for tag in tags)

    def is_for_linux(self, owner: str) -> bool:
        """Some tag names Linux or every platform; true where nothing is known."""
        tags = self.tags.get(owner, ())
        return not tags or any(tag.platform == "any" or "linux" in tag.platform for tag in tags)

    def fits_python(self, owner: str, target: Target) -> bool:
        """Some tag names an interpreter and ABI of the target; true where nothing is known."""
        tags = self.tags.get(owner, ())
        taken = {(tag.interpreter, tag.abi) for tag in target.tags()}
        return not tags or any((tag.interpreter, tag.abi) in taken for tag in tags)


def _is_root(folder: str, roots: Iterable[str]) -> bool:
    return any(folder.startswith(root) and "/" not in folder[len(root) :] for root in roots)
