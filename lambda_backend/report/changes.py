"""What differs between two zips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.report.packages import packages
from lambda_backend.values import Value

if TYPE_CHECKING:
    from lambda_backend.archive.contents import Content, Contents
    from lambda_backend.report.packages import Package

__all__ = ["Changes", "PackageChange", "changes"]


class PackageChange(Value):
    """A package that is not the same in both zips."""

    name: str
    """Normalised; empty for the files that belong to none."""
    old: Package | None
    """None where it was added."""
    new: Package | None
    """None where it was removed."""

    @property
    def title(self) -> str:
        """Its name for people."""
        return next(side.title for side in (self.new, self.old) if side is not None)

    @property
    def growth(self) -> int:
        """Bytes unzipped, more than before."""
        return (self.new.size if self.new else 0) - (self.old.size if self.old else 0)

    @property
    def growth_zipped(self) -> int:
        """The same, as they lie in the zip."""
        return (self.new.zipped if self.new else 0) - (self.old.zipped if self.old else 0)


class Changes(Value):
    """All that differs, each sorted by name or path."""

    packages: tuple[PackageChange, ...]
    added: tuple[str, ...]
    """Paths of files."""
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    """Files with other bytes, or another mode; bytes are told apart by length and CRC-32."""

    @property
    def any(self) -> bool:
        """Whether the two hold different files."""
        return bool(self.added or self.removed or self.changed)


def changes(old: Contents, new: Contents) -> Changes:
    """What differs between two zips."""
    before, after = ({file.path: file for file in side.files} for side in (old, new))
    before_packages, after_packages = ({found.name: found for found in packages(side)} for side in (old, new))
    pairs = (
        (name, before_packages.get(name), after_packages.get(name))
        for name in sorted(before_packages.keys() | after_packages.keys())
    )
    return Changes(
        packages=tuple(
            PackageChange(name=name, old=one, new=other) for name, one, other in pairs if not _same_package(one, other)
        ),
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(
            path for path in sorted(before.keys() & after.keys()) if not _same_file(before[path], after[path])
        ),
    )


def _same_package(one: Package | None, other: Package | None) -> bool:
    if one is None or other is None or one.version != other.version or len(one.files) != len(other.files):
        return False
    pairs = zip(one.files, other.files, strict=True)
    return all(left.path == right.path and _same_file(left, right) for left, right in pairs)


def _same_file(one: Content, other: Content) -> bool:
    return (one.size, one.crc, one.executable) == (other.size, other.crc, other.executable)
