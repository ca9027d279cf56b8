"""Where the steps of an installation run: on the host, or in one container for all steps of a target."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

from lambda_backend.engines.process import run
from lambda_backend.errors import InstallError, MissingExtraError
from lambda_backend.settings.interpolate import redact, redact_urls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.engines.protocol import Container, ExecResult

__all__ = ["INPUT", "OUTPUT", "Builder", "ContainerWorkbench", "HostWorkbench", "Workbench", "with_uv_index"]

INPUT = PurePosixPath("/asset-input")
OUTPUT = PurePosixPath("/asset-output")
_SHOWN_LINES = 40
_NOISE = ("Using CPython ", "Using Python ")
_NEXT_STEPS = (
    (
        ("invalid peer certificate", "UnknownIssuer", "certificate verify failed"),
        "name the bundle of your certificate authority in SSL_CERT_FILE; tool.lambda.bundling.ca-bundle hands it on",
    ),
    (
        ("401 Unauthorized", "403 Forbidden"),
        "give the index its credentials: in its URL in the environment, or in a netrc file",
    ),
    (
        ("error sending request", "dns error", "Connection refused", "tcp connect error", "Could not connect"),
        "check the network, UV_DEFAULT_INDEX or PIP_INDEX_URL, the proxy variables, and tool.lambda.bundling.network",
    ),
    (("Hash mismatch",), "lock again if the archive was meant to change; else the index serves another file"),
    (
        ("No solution found", "unsatisfiable"),
        "loosen the requirement that is named, or take a version that has a wheel for the target",
    ),
)
_OTHERWISE = "mend what it names; LAMBDA_BACKEND_VERBOSE=1 shows all that it says"


@dataclass(frozen=True, kw_only=True, slots=True)
class Builder:
    """Who installed: recorded beside a cached tree and in the manifest."""

    engine: str
    image: str | None = None
    digest: str | None = None
    """The image's digest in its registry or, for one that came from none, its id."""


class Workbench(Protocol):
    """A place to run uv, with one folder for what goes in and one for what comes out."""

    builder: Builder
    native: bool
    """Compiled code that is made here fits the target."""
    interpreter: str
    """The Python that uv works with: it builds source distributions."""
    input: Path
    output: Path

    def inside(self, path: Path) -> str:
        """The workbench's name of a path below ``input`` or ``output``."""

    def uv(self, arguments: Sequence[str], *, cwd: Path, what: str, variables: Mapping[str, str] | None = None) -> str:
        """Run uv and give its standard output.

        Args:
            arguments: everything after ``uv``.
            cwd: a folder below ``input`` or ``output``.
            what: the step in words, for the error.
            variables: added to uv's environment; their values are secrets.

        Raises:
            InstallError: it ended with another code than 0; carries its last lines, without secrets.
        """

    def run(self, argv: Sequence[str], *, cwd: Path, what: str, variables: Mapping[str, str] | None = None) -> str:
        """The same with any command."""


class HostWorkbench:
    """Runs uv on this machine."""

    builder = Builder(engine="host")
    native = False

    def __init__(
        self,
        scratch: Path,
        *,
        environ: Mapping[str, str],
        secrets: Sequence[str] = (),
        on_line: Callable[[str], None],
    ) -> None:
        self.interpreter = sys.executable
        self.input = scratch / "input"
        self.output = scratch / "output"
        for folder in (self.input, self.output):
            folder.mkdir(exist_ok=True)
        self._environ = {
            **with_uv_index(environ),
            "UV_LINK_MODE": "copy",
            "UV_NO_PROGRESS": "1",
            # Any Python will do, since the target's version and platform are told apart; uv shall not look for one.
            "UV_PYTHON": self.interpreter,
            "UV_PYTHON_DOWNLOADS": "never",
        }
        # uv would take these for the place to install to or to run in.
        for name in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "CONDA_PREFIX"):
            self._environ.pop(name, None)
        self._secrets = tuple(secrets)
        self._on_line = on_line

    def inside(self, path: Path) -> str:
        """The path itself."""
        return str(path)

    def uv(self, arguments: Sequence[str], *, cwd: Path, what: str, variables: Mapping[str, str] | None = None) -> str:
        """Run uv from the ``uv`` package, or else from PATH."""
        return self.run([_uv_executable(self._environ), *arguments], cwd=cwd, what=what, variables=variables)

    def run(self, argv: Sequence[str], *, cwd: Path, what: str, variables: Mapping[str, str] | None = None) -> str:
        """Run a command of this machine."""
        listener = _Listener((*self._secrets, *(variables or {}).values()), self._on_line)
        result = run(argv, environ=_added(self._environ, variables), cwd=cwd, on_line=listener.hear)
        return listener.output(result, what)


class ContainerWorkbench:
    """Runs uv in a container in which ``input`` and ``output`` are mounted."""

    native = True

    def __init__(
        self,
        container: Container,
        scratch: Path,
        *,
        builder: Builder,
        interpreter: str,
        environment: Mapping[str, str],
        secrets: Sequence[str] = (),
        on_line: Callable[[str], None],
    ) -> None:
        self.input = scratch / "input"
        self.output = scratch / "output"
        self.builder = builder
        self.interpreter = interpreter
        self._container = container
        self._environment = {**with_uv_index(environment), "UV_PYTHON": interpreter}
        self._secrets = tuple(secrets)
        self._on_line = on_line

    def inside(self, path: Path) -> str:
        """The path below the mount."""
        for folder, mount in ((self.input, INPUT), (self.output, OUTPUT)):
            if path == folder or folder in path.parents:
                return str(mount / path.relative_to(folder).as_posix())
        raise ValueError(path)

    def uv(self, arguments: Sequence[str], *, cwd: Path, what: str, variables: Mapping[str, str] | None = None) -> str:
        """Run the image's uv."""
        return self.run(["uv", *arguments], cwd=cwd, what=what, variables=variables)

    def run(self, argv: Sequence[str], *, cwd: Path, what: str, variables: Mapping[str, str] | None = None) -> str:
        """Run a command of the image."""
        listener = _Listener((*self._secrets, *(variables or {}).values()), self._on_line)
        result = self._container.exec(
            argv,
            cwd=PurePosixPath(self.inside(cwd)),
            environment=_added(self._environment, variables),
            on_line=listener.hear,
        )
        return listener.output(result, what)


class _Listener:
    """Hears what a command says, takes the secrets out of it, and keeps it for the error."""

    def __init__(self, secrets: Sequence[str], on_line: Callable[[str], None]) -> None:
        self._secrets = secrets
        self._on_line = on_line
        self._said: list[str] = []

    def hear(self, line: str) -> None:
        """One line of its standard error."""
        line = redact_urls(redact(line, self._secrets))
        if not line.startswith(_NOISE):
            self._said.append(line)
        self._on_line(line)

    def output(self, result: ExecResult, what: str) -> str:
        """Its standard output, or the error with its last lines."""
        if result.exit_code == 0:
            return result.output
        lines = "".join(f"\n    {line}" for line in self._said[-_SHOWN_LINES:])
        raise InstallError(
            f"{what} failed (exit code {result.exit_code}){':' if lines else ''}{lines}", hint=_next_step(lines)
        )


def _next_step(said: str) -> str:
    """What to do about it, by uv's own words for the usual causes."""
    return next((hint for words, hint in _NEXT_STEPS if any(word in said for word in words)), _OTHERWISE)


def _added(environment: Mapping[str, str], variables: Mapping[str, str] | None) -> dict[str, str]:
    """An environment with more variables; further indexes come after the ones that are there."""
    added = {**environment, **(variables or {})}
    if variables and "UV_INDEX" in variables and environment.get("UV_INDEX"):
        added["UV_INDEX"] = f"{environment['UV_INDEX']} {variables['UV_INDEX']}"
    return added


def with_uv_index(environ: Mapping[str, str]) -> dict[str, str]:
    """What pip's index variables say, in uv's words, where uv's own are not set.

    uv documents these names of its own; it does not read pip's variables.
    """
    changed = dict(environ)
    pairs = (
        ("UV_DEFAULT_INDEX", ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")),
        ("UV_INDEX", ("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL")),
        ("UV_FIND_LINKS", ("UV_FIND_LINKS", "PIP_FIND_LINKS")),
        ("UV_NO_INDEX", ("UV_NO_INDEX", "PIP_NO_INDEX")),
        ("UV_INSECURE_HOST", ("UV_INSECURE_HOST", "PIP_TRUSTED_HOST")),
    )
    for name, sources in pairs:
        value = next((environ[source] for source in sources if environ.get(source)), None)
        if value is not None:
            for source in sources:
                if source.startswith("UV_"):
                    changed.pop(source, None)
            changed[name] = value if name != "UV_FIND_LINKS" else ",".join(value.replace(",", " ").split())
    return changed


def _uv_executable(environ: Mapping[str, str]) -> str:
    with contextlib.suppress(ImportError, FileNotFoundError):
        from uv import find_uv_bin

        return str(find_uv_bin())
    found = shutil.which("uv", path=environ.get("PATH", os.defpath))
    if found is None:
        raise MissingExtraError(
            "uv is not installed, and this build resolves and installs on the host with it",
            hint="pip install 'lambda-backend[uv]' (an isolated build asks for it by itself)",
        )
    return found
