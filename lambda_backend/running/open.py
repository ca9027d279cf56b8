"""Opens the stage that a function is run on: this machine where it can, or a container."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lambda_backend.engines import choice
from lambda_backend.install.interpreter import find_interpreter
from lambda_backend.running.container import in_container
from lambda_backend.running.host import doubt, obstacle, on_host
from lambda_backend.running.model import Configuration, RunningError
from lambda_backend.running.stage import lay_out
from lambda_backend.running.unpack import machines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambda_backend.engines.protocol import Engine
    from lambda_backend.running.host import Obstacle
    from lambda_backend.running.model import Function, Imported, Stage, Surroundings

__all__ = ["import_handler", "staged"]


@contextlib.contextmanager
def staged(function: Function, engine: str, surroundings: Surroundings) -> Iterator[Stage]:
    """A stage for a function; nothing of it is left afterwards.

    Args:
        function: what to run.
        engine: ``host``, an engine's name, or ``auto``: this machine where it has a Python of the runtime's minor
            version and can run the compiled code, and else the first engine that answers.
        surroundings: of the process.

    Raises:
        RunningError: it can be run neither here nor there, or a zip cannot be unpacked.
        EngineError: the engine failed.
    """
    # In the cache: what a process left that was killed is swept there, and its files can be linked.
    with surroundings.cache.scratch() as folder:
        root = folder.resolve()
        root.chmod(0o700)  # the function's variables may be secrets
        lay_out(function, root)
        if extensions := sorted(path.name for path in root.glob("opt/extensions/*")):
            surroundings.say(f"the layers' extensions are not started: {', '.join(extensions)}")
        reason = None
        if engine in {"auto", "host"}:
            compiled = bool(machines(root / "var/task") | machines(root / "opt"))
            interpreter = find_interpreter(function.target.runtime.python_version, surroundings.environ)
            reason = obstacle(function.target, interpreter, compiled=compiled)
            if reason is None and engine == "auto":
                reason = doubt(function.target, compiled=compiled)
            if interpreter is not None and reason is None:
                yield on_host(function, root, interpreter, surroundings)
                return
        with in_container(function, root, _engine(function, engine, reason, surroundings), surroundings) as stage:
            yield stage


def _engine(function: Function, name: str, reason: Obstacle | None, surroundings: Surroundings) -> Engine:
    """The engine.

    Args:
        function: for messages.
        name: of the engine, ``auto`` or ``host``.
        reason: why this machine will not do; None where an engine was named.
        surroundings: of the process.
    """
    notes: list[str] = []
    found = choice.choose(name, environ=surroundings.environ, note=notes.append)
    if found is None:
        # What the note ends with is what a build would do.
        others = [note.removesuffix(": building on the host") for note in notes]
        words = "; ".join([*([reason.words] if reason else []), *others])
        raise RunningError(
            f"{function.zip.name} cannot run on this machine: {words}", hint=reason.hint if reason else None
        )
    if reason is not None:
        surroundings.say(f"{reason.words}: taking {found.name}")
    return found


def import_handler(
    function: Function, engine: str, surroundings: Surroundings, *, compare: bool
) -> tuple[Imported, Imported | None]:
    """Import a function's handler where ``staged`` runs it; for the check ``import-handler``.

    Args:
        function: what to import.
        engine: see ``staged``.
        surroundings: of the process.
        compare: import it without its bytecode too.

    Returns:
        What came of it, and the same without bytecode where that was asked for and the handler can be imported.
    """
    with staged(function, engine, surroundings) as stage:
        imported = stage.import_handler(Configuration())
        if not compare or not imported.ok:
            return imported, None
        # By now the files are in the system's memory, for both alike.
        uncompiled = stage.import_handler(Configuration(), uncompiled=True)
        return stage.import_handler(Configuration()), uncompiled
