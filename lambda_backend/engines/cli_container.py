"""A container of an engine that is spoken to by its command line."""

from __future__ import annotations

import os
import tempfile
from typing import IO, TYPE_CHECKING, cast

from lambda_backend.engines.failures import ended, last_words, stopped
from lambda_backend.engines.ids import ids_of
from lambda_backend.engines.protocol import ExecResult
from lambda_backend.engines.tarball import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path, PurePosixPath

    from lambda_backend.engines.command import Command

__all__ = ["PACK", "UNPACK", "CliContainer"]

_NOT_FOUND = 127
_CANNOT_INVOKE = ("executable file not found", "no such file or directory: unknown", "permission denied: unknown")
# It stops reading at the tar's own end, block by block: nerdctl may lose its standard input's (issue 5029 there). No
# filter, since the tar is ours, and Python's default one drops owners.
UNPACK = """\
import sys, tarfile
archive = tarfile.open(fileobj=sys.stdin.buffer, mode="r|", bufsize=tarfile.BLOCKSIZE)
archive.extraction_filter = getattr(tarfile, "fully_trusted_filter", None)
archive.extractall("/", numeric_owner=True)
"""
PACK = """\
import os, sys, tarfile
path = sys.argv[1]
if not os.path.lexists(path):
    sys.exit("no such file or folder in the container: " + path)
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT) as archive:
    archive.add(path, os.path.basename(path))
"""


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
        hear = None if on_line is None else self._own(on_line)
        result = self._command.run(["exec", *arguments, self._name, *argv], environ=environ, on_line=hear)
        if ended(self._told(result), self._runs):
            said = f"{result.log}\n{last_words(self._log)}"
            raise stopped(self._name, argv[0], said, platform=self._platform)
        return self._result(result)

    def _own(self, on_line: Callable[[str], None]) -> Callable[[str], None]:
        """Leaves what the engine adds out of what the command says."""
        added = self._command.flavor.last_words
        if added is None:
            return on_line

        def hear(line: str) -> None:
            own = added.sub("", line)
            if own or not line:
                on_line(own)

        return hear

    def _told(self, result: ExecResult) -> int | None:
        """The command's exit code; None where the engine tells none."""
        added = self._command.flavor.last_words
        if added is None or result.exit_code == 0:
            return result.exit_code
        told = next((int(code) for code in added.findall(result.log) if code), None)
        missing = any(reason in result.log.lower() for reason in _CANNOT_INVOKE)
        return _NOT_FOUND if told is None and missing else told

    def _result(self, result: ExecResult) -> ExecResult:
        added = self._command.flavor.last_words
        if added is None:
            return result
        code = self._told(result)
        log = added.sub("", result.log)
        return ExecResult(exit_code=result.exit_code if code is None else code, output=result.output, log=log)

    def _log(self) -> str:
        result = self._command.run(["logs", "--tail", "20", self._name], merged=True)
        return "" if result.exit_code else result.log

    def _runs(self) -> bool:
        argv = ["container", "inspect", "--format", "{{.State.Running}}", self._name]
        return self._command.run(argv).output.strip() == "true"

    def copy_in(self, source: Path, target: PurePosixPath) -> None:
        """Copy a file or the contents of a folder into the container."""
        with pack(source, target, ids_of(self, self._user or _own_ids())) as tar:
            result = self._command.run(self._copying(["cp", "-", f"{self._name}:/"], UNPACK), stdin=tar)
        if result.exit_code:
            raise self._command.failed(f"{self._command.program} cannot copy {source} to {target}", result)

    def copy_out(self, source: PurePosixPath, target: Path) -> None:
        """Copy a file or the contents of a folder out of the container."""
        with tempfile.TemporaryFile() as file:
            arguments = self._copying(["cp", f"{self._name}:{source}", "-"], PACK, str(source))
            result = self._command.run(arguments, stdout=file)
            if result.exit_code:
                what = f"{self._command.program} cannot copy {source} out of the container"
                raise self._command.failed(what, result)
            file.seek(0)
            unpack(cast("IO[bytes]", file), target)

    def _copying(self, with_tars: list[str], script: str, *arguments: str) -> list[str]:
        if self._command.flavor.streams_copies:
            return with_tars
        as_root = ("exec", "--interactive", "--user", "0:0", self._name)
        return [*as_root, "python3", "-I", "-c", script, *arguments]


def _own_ids() -> str:
    return f"{os.getuid()}:{os.getgid()}" if hasattr(os, "getuid") else "0:0"
