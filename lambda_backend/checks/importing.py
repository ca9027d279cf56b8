"""What importing a handler has shown, for whoever asked for it: it runs the user's code, so no rule does it unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.checks.model import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lambda_backend.running.model import Imported

__all__ = ["NAME", "figures", "problems", "ships_bytecode"]

NAME = "import-handler"
"""The key in ``[tool.lambda.checks]``; its level is that of ``handler``."""


def problems(handler: str, imported: Imported) -> Iterator[Problem]:
    """Why Lambda could not call the handler; nothing where it could."""
    if imported.ok:
        return
    error = f"{imported.error_type}: {imported.message or 'no message'}"
    yield Problem(
        message=f"the handler {handler!r} cannot be imported: {error}",
        hint=_hint(imported),
    )


def _hint(imported: Imported) -> str:
    if imported.error_type == "Runtime.HandlerNotFound":
        return "define it at the module's top"
    if imported.missing_module is not None:
        return f"add what brings the module {imported.missing_module} to the dependencies, or to one of the layers"
    return "Lambda imports the module at every cold start, and meets the same error"


def ships_bytecode(paths: Iterable[str]) -> bool:
    """Whether a function comes with bytecode: then the import is worth a comparison."""
    return any("__pycache__/" in path and path.endswith(".pyc") for path in paths)


def figures(imported: Imported, uncompiled: Imported | None = None) -> Iterator[str]:
    """What the import costs, in lines.

    Args:
        imported: as the artefact is.
        uncompiled: the same without the bytecode that the artefact ships.
    """
    beside = ""
    if uncompiled is not None and uncompiled.ok and uncompiled.seconds:
        share = imported.seconds / uncompiled.seconds
        beside = f", {share:.0%} of the {uncompiled.seconds * 1000:.0f} ms without its bytecode"
    yield (
        f"imports in {imported.seconds * 1000:.0f} ms {imported.where}{beside}, "
        f"with {imported.peak_bytes / (1 << 20):.0f} MiB of memory; the slowest modules by their own time:"
    )
    width = max((len(module.name) for module in imported.slowest), default=0)
    for module in imported.slowest:
        own, all_ = module.seconds * 1000, module.cumulative * 1000
        yield f"  {module.name.ljust(width)}  {own:7.1f} ms  ({all_:.1f} ms with what it imports)"
