"""Whether a lock still covers what the project declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urlsplit, urlunsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from lambda_backend.errors import StaleLockError
from lambda_backend.patterns import pattern
from lambda_backend.requirements.find import OWN_LOCK, lock_kind
from lambda_backend.settings.interpolate import redact_urls, without_user

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambda_backend.requirements.model import Pin
    from lambda_backend.targets import Target

__all__ = ["check_covers", "locked_extras", "renewal"]

_COMMIT = pattern(r"[0-9a-f]{40}")
_RENEWALS = {
    "uv": "uv lock",
    "poetry": "poetry lock",
    "pipenv": "pipenv lock",
}


def renewal(lock: str) -> str:
    """The command that renews a lock file of that name."""
    if lock == OWN_LOCK:
        return "lambda-backend lock"
    kind = lock_kind(lock)
    if kind == "pylock":
        return f"uv export --format pylock.toml --output-file {lock}"
    return _RENEWALS.get(str(kind), f"uv pip compile --generate-hashes pyproject.toml --output-file {lock}")


def locked_extras(document: Mapping[str, Any], project: str) -> Mapping[str, frozenset[str]]:
    """The extras that a project asked of each requirement when its uv.lock was written.

    Args:
        document: the uv.lock.
        project: the project's name; nothing is known of one that the lock does not have.
    """
    found: dict[str, frozenset[str]] = {}
    for package in document.get("package", ()):
        if canonicalize_name(package.get("name", "")) != canonicalize_name(project):
            continue
        metadata = package.get("metadata", {})
        for entries in (metadata.get("requires-dist", ()), *metadata.get("requires-dev", {}).values()):
            for entry in entries:
                name = canonicalize_name(entry["name"])
                extras = frozenset(canonicalize_name(extra) for extra in entry.get("extras", ()))
                found[name] = found.get(name, frozenset()) | extras
    return found


def check_covers(
    declared: Iterable[str],
    pins: Iterable[Pin],
    *,
    lock: str,
    target: Target,
    extras: Mapping[str, frozenset[str]] | None = None,
) -> None:
    """Every declared requirement has to have a pin that satisfies it.

    Args:
        declared: as ``project.declared`` gives them.
        pins: selected from the lock for the target.
        lock: the lock file's name.
        target: for the message.
        extras: as ``locked_extras`` gives them; a requirement that is not among them is taken for covered.

    Raises:
        StaleLockError: names all the requirements that the lock does not cover, and the command that renews it.
    """
    by_name = {pin.name: pin for pin in pins}
    uncovered = []
    for line in declared:
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        reason = _uncovered(requirement, by_name.get(name))
        known = (extras or {}).get(name)
        new = {canonicalize_name(extra) for extra in requirement.extras} - (known or set())
        if reason is None and known is not None and new:
            reason = f"the lock has it without the extra {', '.join(sorted(new))}"
        if reason is not None:
            uncovered.append(f"  - {redact_urls(line)}: {reason}")
    if uncovered:
        raise StaleLockError(
            f"{lock} does not cover what the project declares, for {target.name}:\n" + "\n".join(uncovered),
            hint=f"renew it: {renewal(lock)}",
        )


def _uncovered(requirement: Requirement, pin: Pin | None) -> str | None:
    if pin is None:
        return "not in the lock"
    # A folder stands where the project's author pointed the name to (a workspace, a path): any version and URL will do.
    if pin.kind == "directory":
        return None
    if requirement.url is not None:
        return None if _same_url(requirement.url, pin) else f"the lock has it from {pin.url or pin.path}"
    if pin.version is None:
        return None
    try:
        version = Version(pin.version)
    except InvalidVersion:
        return f"the lock has version {pin.version}"
    # A pinned prerelease was wanted by whoever locked it.
    return None if requirement.specifier.contains(version, prereleases=True) else f"the lock has version {version}"


def _same_url(declared: str, pin: Pin) -> bool:
    if declared.startswith("file:") or pin.url is None:
        return declared.startswith("file:") and pin.path is not None
    if pin.kind != "vcs":
        return _plain(declared) == _plain(pin.url)
    address, revision = _revision(declared.removeprefix(f"{pin.vcs}+"))
    if revision is not None and _COMMIT.fullmatch(revision) and revision != pin.commit:
        return False
    return _plain(address).removesuffix(".git") == _plain(pin.url).removesuffix(".git")


def _revision(url: str) -> tuple[str, str | None]:
    parts = urlsplit(url)
    path, at, revision = parts.path.rpartition("@")
    return (urlunsplit(parts._replace(path=path)), revision) if at else (url, None)


def _plain(url: str) -> str:
    return urldefrag(without_user(url)).url.rstrip("/")
