"""What is run, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lambda_backend.errors import LambdaBackendError
from lambda_backend.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lambda_backend.cache import Cache
    from lambda_backend.targets import Target

__all__ = [
    "MOST_MEMORY",
    "MOST_SECONDS",
    "Configuration",
    "Function",
    "Imported",
    "ImportedModule",
    "Invocation",
    "RunningError",
    "Stage",
    "Surroundings",
]

# Source: AWS documentation, "Lambda quotas" and "Configuring Lambda function memory".
MOST_SECONDS = 900
MOST_MEMORY = (128, 10_240)
"""The least and the most, in MiB."""


class RunningError(LambdaBackendError):
    """A function cannot be run: not on this machine, and not in a container."""


class Function(Value):
    """A zip with what Lambda is told of it."""

    name: str
    zip: Path
    layers: tuple[Path, ...]
    """Zips, in the order in which Lambda unpacks them to ``/opt``."""
    target: Target
    handler: str


class Configuration(Value):
    """What a function is run with; the defaults are Lambda's."""

    timeout: int = 3
    """Seconds."""
    memory: int = 128
    """MiB."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The function's own variables; may be secrets."""


class Invocation(Value):
    """How Lambda would have answered, and the figures of its REPORT."""

    payload: str
    """The handler's answer, which is JSON unless it gave bytes, or Lambda's error object. What is no UTF-8 in it is
    escaped by surrogates (PEP 383)."""
    failed: bool
    request_id: str
    init_seconds: float | None
    """Up to the moment when the function asked for its event; None where that took so long that Lambda starts anew."""
    seconds: float
    billed_ms: int
    peak_bytes: int
    """Memory of the function's process and all that it started."""


class ImportedModule(Value):
    """One module of an import, as ``-X importtime`` has it."""

    name: str
    seconds: float
    """Its own code."""
    cumulative: float
    """With the modules that it imports, in seconds."""


class Imported(Value):
    """What came of importing a handler."""

    where: str
    """``on the host (…)`` or ``in IMAGE (ENGINE)``."""
    seconds: float
    """What the handler's module takes beyond the runtime client, which Lambda imports before it."""
    peak_bytes: int
    slowest: tuple[ImportedModule, ...]
    """At most ten, by their own time."""
    error_type: str | None = None
    """Lambda's word: ``Runtime.ImportModuleError``, ``Runtime.HandlerNotFound``, …, or the exception's name; None when
    all is well."""
    message: str | None = None
    missing_module: str | None = None
    """The module whose absence is the cause."""

    @property
    def ok(self) -> bool:
        """The handler was imported and can be called."""
        return self.error_type is None


class Surroundings(Value):
    """What running a function needs to know of the process, and where it speaks."""

    environ: Mapping[str, str]
    """Of the process. It says where engines, Pythons and packages are; the function sees nothing of it."""
    cache: Cache
    say: Callable[[str], None]
    """Gets a line before what may take long."""
    detail: Callable[[str], None]
    """Gets what engines and uv say."""
    log: Callable[[str], None]
    """Gets the function's log with Lambda's own lines (START, END, REPORT)."""
    network: str | None = None
    """Of containers; the engine's default otherwise."""


class Stage(Protocol):
    """A function, unpacked where it can be run, as often as one likes."""

    where: str
    """As in ``Imported``."""

    def invoke(self, event: str, configuration: Configuration) -> Invocation:
        """Run the handler; what it logs and Lambda's own lines are handed on as they come.

        Args:
            event: JSON.
            configuration: timeout, memory, variables.

        Raises:
            RunningError: it could not be run; what the handler itself does wrong is a failed invocation.
        """

    def import_handler(self, configuration: Configuration, *, uncompiled: bool = False) -> Imported:
        """Import the handler's module as the runtime client does, without calling it; the same errors.

        Args:
            configuration: its variables.
            uncompiled: as if no bytecode were there.
        """
