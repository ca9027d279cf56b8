"""What a resolution of dependencies depends on: the key under which its answer is kept, and for how long."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lambda_backend.install.wanted import read_lock
from lambda_backend.values import as_dict

if TYPE_CHECKING:
    from lambda_backend.install.wanted import Wanted

__all__ = ["asked", "lasts"]

_IN_ITS_FOLDER = frozenset({"uv", "poetry", "pipenv"})
"""Locks that their tool reads in the folder they lie in."""


def lasts(wanted: Wanted) -> bool:
    """Whether the same question has the same answer for ever."""
    if wanted.export is not None:
        return wanted.export.exporter.hashes
    hashed = wanted.requirements is not None and wanted.requirements.requires_hashes
    return hashed or (wanted.lock is not None and wanted.lock.kind == "uv")


def asked(wanted: Wanted) -> dict[str, object]:
    """What decides a resolution, without secrets."""
    from lambda_backend.settings.interpolate import redact_urls

    if wanted.requirements is not None:
        given = wanted.requirements
        hashes = sorted((name, sorted(allowed)) for name, allowed in given.hashes.items())
        text = given.text() + given.constraints_text() + json.dumps([given.options, hashes, given.requires_hashes])
    elif wanted.lock is not None:
        text = read_lock(wanted.lock)
    else:
        text = ""
    export = wanted.export
    return {
        "lock": redact_urls(text),
        "export": redact_urls(export.lock.deciding) if export else None,
        "exporter": as_dict(export.exporter) if export else None,
        "kind": wanted.lock.kind if wanted.lock else None,
        # Requirements are resolved in the root, wherever they lie: functions with the same ones are asked for once.
        "folder": wanted.relative(wanted.folder) if wanted.lock and wanted.lock.kind in _IN_ITS_FOLDER else None,
        "root": wanted.relative(wanted.root),
        "project": wanted.project,
        # A lock stands for them; some backends write absolute paths there, which no two builds have in common.
        "declared": [redact_urls(line) for line in wanted.declared] if wanted.lock is None else [],
        "extras": wanted.extras,
        "groups": wanted.groups,
        "constraints": wanted.constraints,
        "metadata": dict(wanted.metadata),
    }
