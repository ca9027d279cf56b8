"""A container of an engine that speaks Docker's API."""

from __future__ import annotations

import contextlib
import tempfile
from typing import IO, TYPE_CHECKING, Any, cast

from lambda_backend.engines.docker_errors import told
from lambda_backend.engines.failures import ended, last_words, stopped
from lambda_backend.engines.ids import ids_of
from lambda_backend.engines.protocol import ExecResult
from lambda_backend.engines.streams import LineReader, frames
from lambda_backend.engines.tarball import pack, unpack
from lambda_backend.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path, PurePosixPath

    from docker import APIClient

__all__ = ["DockerContainer"]

_CANNOT_INVOKE = ("executable file not found", "no such file or directory", "permission denied")


class DockerContainer:
    """See ``protocol.Container``."""

    def __init__(
        self, api: APIClient, name: str, user: str | None, platform: str, *, environment: Mapping[str, str]
    ) -> None:
        self._api = api
        self._name = name
        self._user = user
        self._platform = platform
        self._environment = dict(environment)

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
        from docker.errors import APIError, DockerException

        output, log = LineReader(), LineReader(on_line)
        with told(f"docker cannot run {argv[0]} in the container {self._name}"):
            try:
                created = self._api.exec_create(
                    self._name,
                    list(argv),
                    environment={**self._environment, **(environment or {})},
                    workdir=None if cwd is None else str(cwd),
                    user="0:0" if as_root else self._user or "",
                )
                stream: Any = self._api.exec_start(created["Id"], stream=True, demux=True)
                try:
                    # The package reads below this buffer, and loses what came together with the answer's head.
                    for is_log, piece in frames(stream._response.raw._fp.fp):  # noqa: SLF001
                        (log if is_log else output).feed(piece)
                finally:
                    # It does not close its connection by itself; over ssh it cannot.
                    with contextlib.suppress(DockerException, OSError):
                        stream.close()
                    stream._response.close()  # noqa: SLF001 - without it the connection stays half open
                code = self._api.exec_inspect(created["Id"])["ExitCode"]
            except APIError as error:
                # Newer engines refuse to start what they cannot find; older ones let it end with 127.
                log.feed(f"{error.explanation}\n".encode())
                if any(reason in str(error.explanation).lower() for reason in _CANNOT_INVOKE):
                    code = 127
                elif ended(None, self._runs):
                    code = None
                else:
                    raise
        if code is None or ended(code, self._runs):
            said = f"{log.close()}\n{last_words(self._log)}"
            raise stopped(self._name, argv[0], said, platform=self._platform)
        return ExecResult(exit_code=code, output=output.close(), log=log.close())

    def _runs(self) -> bool:
        from docker.errors import NotFound

        with contextlib.suppress(NotFound), told(f"docker cannot find the container {self._name}", NotFound):
            return bool(self._api.inspect_container(self._name)["State"]["Running"])
        return False

    def _log(self) -> str:
        with contextlib.suppress(EngineError), told(f"docker cannot read the log of the container {self._name}"):
            return self._api.logs(self._name, tail=20).decode("utf-8", "replace")
        return ""

    def copy_in(self, source: Path, target: PurePosixPath) -> None:
        """Copy a file or the contents of a folder into the container."""
        ids = ids_of(self, self._user or "0:0")
        with told(f"docker cannot copy {source} to {target}"), pack(source, target, ids) as tar:
            self._api.put_archive(self._name, "/", cast("Any", tar))

    def copy_out(self, source: PurePosixPath, target: Path) -> None:
        """Copy a file or the contents of a folder out of the container."""
        with told(f"docker cannot copy {source} out of the container"), tempfile.TemporaryFile() as file:
            pieces, _ = self._api.get_archive(self._name, str(source))
            for piece in pieces:
                file.write(piece)
            file.seek(0)
            unpack(cast("IO[bytes]", file), target)
