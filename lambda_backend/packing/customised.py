"""An artefact that the user's own commands have a hand in: its tree is laid out, and read back when they are done."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from lambda_backend.archive.extract import extract
from lambda_backend.archive.writer import is_whole
from lambda_backend.bundle.assemble import assemble
from lambda_backend.bundle.lay import laid_members, lay
from lambda_backend.bundle.model import Bundle
from lambda_backend.bundle.sources import files_digest, fingerprint
from lambda_backend.cache import key as cache_key
from lambda_backend.errors import DamagedArchiveError
from lambda_backend.install.kept import Made, kept_archive
from lambda_backend.requirements.model import Pin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.archive.model import Archive
    from lambda_backend.bundle.excludes import Excludes
    from lambda_backend.bundle.finish import Finish
    from lambda_backend.bundle.model import Member
    from lambda_backend.cache import Cache
    from lambda_backend.install.installer import Installer
    from lambda_backend.install.kept import Dependencies, Lead
    from lambda_backend.install.steps import Steps

__all__ = ["customised", "installed"]

_FORMAT = 2
"""Raised when the same inputs would give another archive than an older version of ours made."""
_METADATA = re.compile(r"(?P<name>[^/]+)-(?P<version>[^/-]+)\.dist-info/METADATA")


def customised(  # noqa: PLR0913 - all by name
    installer: Installer,
    steps: Steps,
    *,
    cache: Cache,
    base: Dependencies | None,
    code: Bundle,
    parts: Callable[[Path], Iterable[Sequence[Member]]],
    sources: Mapping[str, Path],
    place: Mapping[str, object],
    prefix: str,
    excludes: Excludes,
    finish: Finish,
) -> Dependencies:
    """The whole artefact, made by our installation and the user's commands; they run only when something changed.

    Args:
        installer: opens the workbench, and has run the hooks before the installation by then.
        steps: the commands.
        cache: where the artefact is kept.
        base: the installed dependencies; None where a command installs them.
        code: what goes on top of them, as it is without the commands.
        parts: the same once more from the folder of the source, where a hook may have written.
        sources: what the commands see as the source.
        place: what of the settings decides how dependencies are made.
        prefix: the folder in the artefact that distributions are installed to.
        excludes: the artefact's.
        finish: what is done to what the commands leave.

    Raises:
        InstallError: a command fails.
        DamagedArchiveError: the installed dependencies are not what was kept; they no longer are.
        BundleError: what they leave cannot be shipped, or is nothing.
    """
    target = installer.target
    key = cache_key(
        _FORMAT,
        "customised",
        target.name,
        dict(place),
        [steps.before, steps.after, steps.command, steps.entrypoint, steps.working_directory],
        base.archive.sha256 if base else None,
        fingerprint(code.members),
        files_digest(sources),
        prefix,
        excludes.key,
        installer.finisher.key(finish) if finish else None,
    )

    def make(_: Lead) -> Made:
        workbench = installer.workbench
        owners: dict[str, str] = {}
        if steps.command:
            steps.run_command(workbench)
        elif base is not None:
            if not is_whole(base.archive):
                cache.discard(*base.entry)
                raise DamagedArchiveError(f"{base.archive.path}: its bytes have changed")
            extract(base.archive.path, workbench.tree)
            owners |= {member.path: member.owner for member in base.archive.members}
        own = assemble(parts(workbench.source), excludes, base=base.archive if base else None, may_be_empty=True)
        lay(own.members, workbench.tree, keep=bool(steps.command))
        owners |= {member.path: member.owner for member in own.members}
        steps.run_after(workbench)
        members = laid_members(workbench.tree, prefix, excludes, target_python=target.python, owners=owners)
        members = assemble([members], excludes).members
        if finish:
            members = installer.finisher.installed(members, finish, prefix, excludes)
        shipped = {member.path for member in members}
        lost = (*(base.collisions if base else ()), *own.collisions)
        collisions = tuple(collision for collision in lost if collision.path in shipped)
        return Made(bundle=Bundle(members=members, collisions=collisions), builder=workbench.builder)

    return kept_archive(cache, "customised", key, make)


def installed(archive: Archive, prefix: str, *, apart_from: str) -> tuple[Pin, ...]:
    """The distributions that a command has installed, told by their metadata; sorted by name.

    Args:
        archive: the artefact.
        prefix: the folder in it that distributions are installed to.
        apart_from: the project's own name.
    """
    start = f"{prefix}/" if prefix else ""
    paths = (member.path.removeprefix(start) for member in archive.members if member.path.startswith(start))
    found = filter(None, map(_METADATA.fullmatch, paths))
    pins = (Pin(name=canonicalize_name(info["name"]), version=info["version"], kind="wheel") for info in found)
    own = canonicalize_name(apart_from)
    return tuple(sorted((pin for pin in pins if pin.name != own), key=lambda pin: pin.name))
