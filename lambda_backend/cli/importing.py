"""``lambda-backend check --import``: the handler is imported as Lambda would, and the import measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambda_backend.values import Value, as_dict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lambda_backend.checks.model import Subject
    from lambda_backend.findings import Finding, Level
    from lambda_backend.running.model import Imported

__all__ = ["Import", "import_of"]


class Import(Value):
    """What came of importing a zip's handler."""

    handler: str
    imported: Imported
    uncompiled: Imported | None
    """Without the bytecode that the zip ships; None where it ships none."""

    def findings(self, level: Level) -> tuple[Finding, ...]:
        """What is wrong."""
        from lambda_backend.checks.importing import problems
        from lambda_backend.checks.run import finding

        return tuple(finding("handler", level, problem) for problem in problems(self.handler, self.imported))

    def lines(self) -> Iterator[str]:
        """For a person: what the import costs."""
        from lambda_backend.checks.importing import figures

        if self.imported.ok:
            yield from (f"  {line}" for line in figures(self.imported, self.uncompiled))

    def document(self) -> dict[str, Any]:
        """For a script."""
        seconds = None if self.uncompiled is None else self.uncompiled.seconds
        return {**as_dict(self.imported), "seconds_without_bytecode": seconds}


def import_of(path: Path, subject: Subject, layers: Sequence[Path], engine: str, network: str | None) -> Import:
    """Import a function's handler.

    Args:
        path: of the zip.
        subject: what it is; a function with a handler.
        layers: its layers' zips.
        engine: where: ``auto``, ``host`` or an engine's name.
        network: of the container.

    Raises:
        RunningError: it can be run neither here nor in a container.
    """
    from lambda_backend.checks.importing import ships_bytecode
    from lambda_backend.cli.surroundings import surroundings
    from lambda_backend.running.model import Function
    from lambda_backend.running.open import import_handler

    assert subject.handler is not None  # noqa: S101 - see the arguments
    function = Function(name=path.stem, zip=path, layers=tuple(layers), target=subject.target, handler=subject.handler)
    compare = ships_bytecode(name for part in subject.everything for name in part.files)
    imported, uncompiled = import_handler(function, engine, surroundings(network), compare=compare)
    return Import(handler=subject.handler, imported=imported, uncompiled=uncompiled)
