"""An engine's command line: how it is called, and what its failures become."""

from __future__ import annotations

import json
import re
import sys
from typing import IO, TYPE_CHECKING, Any

from lambda_backend.engines.flavors import Flavor
from lambda_backend.engines.process import run as run_process
from lambda_backend.engines.streams import last_lines
from lambda_backend.errors import EngineError
from lambda_backend.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lambda_backend.engines.protocol import ExecResult

__all__ = ["Command"]

_READ = re.compile(
    r"PATH|HOME|TMPDIR|SSL_CERT_(FILE|DIR)|XDG_[A-Z]+_(HOME|DIRS?)|LD_(AUDIT|BIND_NOW|DEBUG|LIBRARY_PATH|PRELOAD)"
    r"|BUILDAH_(FORMAT|HISTORY|ISOLATION|LAYERS|RUNTIME)|STORAGE_(DRIVER|OPTS)|PODMAN_(CONNECTIONS_CONF|USERNS)"
    r"|CONTAINERS_((REGISTRIES_|STORAGE_)?CONF|CONF_OVERRIDE)|CONTAINER_(CONNECTION|HOST|SSHKEY)"
    r"|CONTAINERD_(ADDRESS|NAMESPACE|SNAPSHOTTER)"
    r"|DOCKER_(API_VERSION|BUILDKIT|CERT_PATH|CONFIG|CONTENT_TRUST(_SERVER)?|CONTEXT|DEFAULT_PLATFORM|HOST|TLS(_VERIFY)?)"
)
"""Variables that the engine's command reads itself: they must not reach it with the container's value.

The process list shows what they are given. So these are whole names, of paths, addresses and switches: one that only
starts like them, such as DOCKER_PASSWORD, may be a secret.
"""


class Command(Value):
    """A program that speaks as Docker's command does."""

    program: str
    environ: Mapping[str, str]
    flavor: Flavor = field(default_factory=Flavor)

    def run(
        self,
        arguments: Sequence[str],
        *,
        environ: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        stdin: IO[bytes] | None = None,
        stdout: IO[bytes] | None = None,
        merged: bool = False,
        detached: bool = False,
        cleans_up: bool = False,
    ) -> ExecResult:
        """Run it to its end; see ``process.run``.

        Raises:
            EngineError: it cannot be started.
        """
        try:
            return run_process(
                [self.program, *arguments],
                environ=self.environ if environ is None else environ,
                on_line=on_line,
                stdin=stdin,
                stdout=stdout,
                merged=merged,
                detached=detached,
                cleans_up=cleans_up,
            )
        except OSError as error:
            raise EngineError(f"{self.program} cannot be run: {error}", hint=self.hint(str(error))) from error

    def variables(self, flag: str, values: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        """The environment and the arguments that hand variables on, as far as can be without values in the latter.

        The list of processes shows arguments.
        """
        environ = dict(self.environ)
        arguments = []
        inline = sys.platform != "linux" and flag in self.flavor.inline
        for name, value in values.items():
            if inline or _READ.fullmatch(name):
                arguments += [flag, f"{name}={value}"]
            else:
                environ[name] = value
                arguments += [flag, name]
        return environ, arguments

    def failed(self, what: str, result: ExecResult) -> EngineError:
        """An error with the last lines of what the engine said."""
        lines = last_lines([result.log or result.output])
        return EngineError(
            f"{what} (exit code {result.exit_code}):\n{lines}" if lines else f"{what} (exit code {result.exit_code})",
            hint=self.hint(lines),
        )

    def hint(self, said: str) -> str:
        """What to do about the engine's words."""
        return self.flavor.hint(said) or f"see what `{self.program} info` says"

    def parsed(self, what: str, text: str) -> Any:  # noqa: ANN401 - the engine's own shapes
        """An answer that is JSON.

        Raises:
            EngineError: it is none.
        """
        try:
            return json.loads(text)
        except ValueError as error:
            raise EngineError(f"{what}: its answer is no JSON", hint=f"see what `{self.program} info` says") from error
