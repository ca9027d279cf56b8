"""The commands by which Poetry and Pipenv export their own locks; uv fetches and runs them at their versions.

Only argv lists are made here; nothing runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lambda_backend.values import Value

if TYPE_CHECKING:
    from pathlib import Path

    from lambda_backend.requirements.tool_lock import ToolLock

__all__ = ["Export", "Exporter", "check_command", "export_command"]

_EXACT = 2
"""Dots of a version that names one release."""
_POETRY_PLUGIN = "poetry-plugin-export<2"
"""``poetry export`` is a plugin's since Poetry 2; each of its versions says which Poetry it is for."""


class Exporter(Value):
    """The tool that exports a lock, and how it is asked to."""

    tool: Literal["poetry", "pipenv"]
    version: str
    """``2.5`` takes the newest of that series."""
    hashes: bool = True
    urls: bool = True
    """Addresses of indexes are exported; Poetry only."""


class Export(Value):
    """A lock that its own tool exports, and how."""

    lock: ToolLock
    path: Path
    exporter: Exporter
    extras: tuple[str, ...]
    groups: tuple[str, ...]
    """By the tool's names for them."""


def check_command(exporter: Exporter, *, python: str) -> list[str] | None:
    """What fails where the lock is stale; None where the export itself does.

    Args:
        exporter: the tool.
        python: the interpreter that runs it.
    """
    if exporter.tool == "pipenv":
        return [*_run(exporter, python), "verify"]
    # Poetry 1 exports a stale lock too, with a warning.
    if exporter.version.partition(".")[0] == "1":
        return [*_run(exporter, python), "check", "--lock"]
    return None


def export_command(export: Export, *, python: str) -> list[str]:
    """What leaves the lock on stdout, in the form of a requirements.txt.

    Args:
        export: what is exported.
        python: the interpreter that runs the tool.
    """
    exporter = export.exporter
    command = _run(exporter, python)
    if exporter.tool == "pipenv":
        command += ["requirements", "--hash"]
        return [*command, "--categories", ",".join(("packages", *export.groups))] if export.groups else command
    command += ["export", "--format", "requirements.txt", "--with-credentials"]
    command += [] if exporter.hashes else ["--without-hashes"]
    command += [] if exporter.urls else ["--without-urls"]
    command += [word for extra in export.extras for word in ("--extras", extra)]
    return [*command, *(word for group in export.groups for word in ("--with", group))]


def _run(exporter: Exporter, python: str) -> list[str]:
    version = exporter.version if exporter.version.count(".") >= _EXACT else f"{exporter.version}.*"
    # Isolated: what the user has installed with `uv tool install` neither counts nor is touched.
    command = ["tool", "run", "--quiet", "--isolated", "--no-python-downloads", "--python", python]
    command += ["--from", f"{exporter.tool}=={version}"]
    if exporter.tool == "poetry":
        return [*command, "--with", _POETRY_PLUGIN, "poetry", "--no-interaction", "--no-ansi"]
    return [*command, "pipenv"]
