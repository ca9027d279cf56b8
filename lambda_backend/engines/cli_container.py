"""A container of an engine that is spoken to by its command line."""

from __future__ import annotations

import os
import tempfile
from typing import IO, TYPE_CHECKING, cast

from lambda_backend.engines.command import ENGINE_FAILED, Command
from lambda_backend.engines.failures import stopped
from lambda_backend.engines.tarball import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path, PurePosixPath

    from lambda_backend.engines.protocol import ExecResult

__all__ = ["CliContainer"]


class CliContainer:
    """See ``protocol.Container``."""

    def __init__(self, command: Command, name: str, user: str | None, platform: str) -> None:
        self._command = command
        self._name = name
        self._user = user
        self._platform = platform

    def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: PurePosixPath | None = None,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        as_root: bool = False,
    ) -> ExecResult:
        """Run a command to its end."""
        environ, arguments = self._command.variables("--env", environment or {})
        if cwd is not None:
            arguments += ["--workdir", str(cwd)]
        user = "0:0" if as_root else self._user
        if user is not None:
            arguments += ["--user", user]
        result = self._command.run(["exec", *arguments, self._name, *argv], environ=environ, on_line=on_line)
        if (result.exit_code < 0 or result.exit_code >= ENGINE_FAILED) and not self._runs():
            raise stopped(self._name, argv[0], f"{result.log}\n{self._said()}", platform=self._platform)
        return result

    def _said(self) -> str:
        """The container's own last words, where there are any."""
        result = self._command.run(["logs", "--tail", "20", self._name], merged=True)
        return "" if result.exit_code else result.log

    def _runs(self) -> bool:
        argv = ["container", "inspect", "--format", "{{.State.Running}}", self._name]
        return self._command.run(argv).output.strip() == "true"

    def copy_in(self, source: Path, target: PurePosixPath) -> None:
        """Copy a file or the contents of a folder into the container."""
        uid, _, gid = (self._user or _own_ids()).partition(":")
        ids = (int(uid), int(gid or uid)) if uid.isdecimal() and (gid or uid).isdecimal() else (0, 0)
        with pack(source, target, ids) as tar:
            result = self._copy(["cp", "-", f"{self._name}:/"], stdin=tar)
        if result.exit_code:
            raise self._command.failed(f"{self._command.program} cannot copy {source} to {target}", result)

    def copy_out(self, source: PurePosixPath, target: Path) -> None:
        """Copy a file or the contents of a folder out of the container."""
        with tempfile.TemporaryFile() as file:
            result = self._copy(["cp", f"{self._name}:{source}", "-"], stdout=file)
            if result.exit_code:
                what = f"{self._command.program} cannot copy {source} out of the container"
                raise self._command.failed(what, result)
            file.seek(0)
            unpack(cast("IO[bytes]", file), target)

    def _copy(
        self, arguments: Sequence[str], *, stdin: IO[bytes] | None = None, stdout: IO[bytes] | None = None
    ) -> ExecResult:
        return self._command.run(arguments, stdin=stdin, stdout=stdout)


def _own_ids() -> str:
    return f"{os.getuid()}:{os.getgid()}" if hasattr(os, "getuid") else "0:0"
