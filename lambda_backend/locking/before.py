"""The lock that is there before a new one is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.pylock import Pylock, PylockValidationError
from packaging.utils import canonicalize_name

from lambda_backend.documents import read_toml
from lambda_backend.errors import LockError
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from packaging.pylock import Package

    from lambda_backend.targets import Target

__all__ = ["Before", "versions_in"]


class Before(Value):
    """What a lock says; nothing where there is none, or none that can be read: it is about to be written anew."""

    lock: Pylock | None

    @classmethod
    def read(cls, path: Path) -> Before:
        """The lock of that path."""
        try:
            document = read_toml(path)
            return cls(lock=Pylock.from_dict(document) if document else None)
        except (LockError, PylockValidationError):
            return cls(lock=None)

    def versions(self, target: Target) -> dict[str, str]:
        """What a target had, with all extras and groups, by name."""
        lock = self.lock
        if lock is None:
            return {}
        environment: dict[str, Any] = dict(target.marker_environment())
        if lock.environments and not any(
            marker.evaluate(environment, context="requirement") for marker in lock.environments
        ):
            return {}
        environment["extras"] = frozenset(map(canonicalize_name, lock.extras or ()))
        environment["dependency_groups"] = frozenset(map(canonicalize_name, lock.dependency_groups or ()))
        return {
            package.name: str(package.version)
            for package in lock.packages
            if package.version is not None
            and (package.marker is None or package.marker.evaluate(environment, context="lock_file"))
        }

    def all_versions(self) -> Mapping[str, frozenset[str]]:
        """Every version of every distribution, for whatever target; an empty one for a local folder."""
        return versions_in(self.lock.packages if self.lock is not None else ())


def versions_in(packages: Iterable[Package]) -> Mapping[str, frozenset[str]]:
    """The versions of distributions by their name."""
    found: dict[str, frozenset[str]] = {}
    for package in packages:
        version = "" if package.version is None else str(package.version)
        found[package.name] = found.get(package.name, frozenset()) | {version}
    return found
