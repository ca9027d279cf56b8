"""The user's own commands: ``before`` and ``after`` the installation, and ``command`` in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.errors import InstallError
from lambda_backend.patterns import pattern
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lambda_backend.install.workbench import Workbench
    from lambda_backend.settings.model import BundlingSettings

__all__ = ["Steps", "named_variables"]

_NAMED = pattern(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
# What a container's own system sets, or we do.
_OF_THE_CONTAINER = pattern(r"HOME|HOSTNAME|IFS|LANG|LC_.*|LD_.*|LAMBDA_.*|OLDPWD|PATH|PWD|PYTHON.*|SHELL|TMPDIR|USER")
# What a command leaves ships: bytecode only where it makes some on purpose, and then (PEP 552, py_compile) such as does
# not depend on when it was made. All that it says belongs together, in the log and in the error.
_START = "export PYTHONDONTWRITEBYTECODE=1 PIP_COMPILE=0 SOURCE_DATE_EPOCH=315532800\nexec >&2\n"


class Steps(Value):
    """What a bundling table has of them."""

    key: str
    """Path of the table, for messages."""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    working_directory: str | None = None
    variables: Mapping[str, str]
    """Those of the host's that the commands name; secrets."""

    @classmethod
    def of(cls, bundling: BundlingSettings, environ: Mapping[str, str], key: str) -> Steps:
        """The commands of a bundling table."""
        return cls(
            key=key,
            before=bundling.before,
            after=bundling.after,
            command=bundling.command,
            entrypoint=bundling.entrypoint,
            working_directory=bundling.working_directory,
            variables=named_variables((*bundling.before, *bundling.after, *bundling.command), environ),
        )

    def __bool__(self) -> bool:
        return bool(self.before or self.after or self.command)

    def run_before(self, workbench: Workbench) -> None:
        """Run the hooks before the installation; what they left is in ``workbench.source`` and ``workbench.tree``.

        Raises:
            InstallError: the first that fails.
        """
        self._hooks(workbench, "before", self.before)
        if self.before:
            workbench.pull(workbench.source)
            workbench.pull(workbench.tree)

    def run_after(self, workbench: Workbench) -> None:
        """Run the hooks after the installation over what is in ``workbench.tree``.

        Raises:
            InstallError: the first that fails.
        """
        if self.after:
            workbench.push(workbench.tree)
            self._hooks(workbench, "after", self.after)
            workbench.pull(workbench.tree)

    def run_command(self, workbench: Workbench) -> None:
        """Run the command that installs in place of ours.

        Raises:
            InstallError: it fails.
        """
        import shlex

        words = " ".join(shlex.quote(word) for word in (*self.entrypoint, *self.command))
        self._run(workbench, f"exec {words}", f"{self.key}.command", wrapped=False)
        workbench.pull(workbench.tree)

    def _hooks(self, workbench: Workbench, name: str, lines: Sequence[str]) -> None:
        for index, line in enumerate(lines):
            # With a command the entrypoint is that command's: it need not be one that runs what follows it.
            self._run(workbench, line, f"{self.key}.{name}[{index}]", wrapped=not self.command)

    def _run(self, workbench: Workbench, line: str, key: str, *, wrapped: bool = True) -> None:
        import shlex

        folder = self.working_directory
        there = "" if folder is None else f"cd {shlex.quote(folder)} || exit\n"
        argv = [*workbench.shell, _START + there + line]
        try:
            workbench.run(argv, cwd=workbench.source, what=key, variables=self.variables, wrapped=wrapped)
        except OSError as error:
            raise InstallError(
                f"{key}: {workbench.shell[0]} cannot be started: {error.strerror or error}",
                hint="commands need a POSIX shell on PATH; with a container engine they run in the container",
            ) from error


def named_variables(lines: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of the host that shell lines name, so that a container's shell can fill them in."""
    names = {name for line in lines for name in _NAMED.findall(line)}
    return {name: environ[name] for name in sorted(names) if name in environ and not _OF_THE_CONTAINER.fullmatch(name)}
