"""Podman by its command line. What differs between such engines is a ``Flavor``, so that others can follow."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from lambda_backend.engines import owner
from lambda_backend.engines.process import run
from lambda_backend.engines.protocol import ContainerSpec, ExecResult, Image, registry_digest
from lambda_backend.engines.streams import last_lines
from lambda_backend.engines.tarball import pack, unpack
from lambda_backend.errors import EngineError, EngineUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path, PurePosixPath

__all__ = ["FLAVORS", "CliEngine", "Flavor"]

_PROBE_TIMEOUT = 20
"""Seconds; the first call after a boot sets up Podman's storage."""
_ENGINE_FAILED = 125
"""Exit codes from here on are the engine's own words, or those of a command that was killed."""
_INLINE = (
    "PATH",
    "HOME",
    "TMPDIR",
    "SSL_CERT_",
    "XDG_",
    "LD_",
    "CONTAINER",
    "DOCKER_",
    "STORAGE_",
    "BUILDAH_",
    "PODMAN",
)
"""Variables that the engine's command reads itself: they must not reach it with the container's value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Flavor:
    """How one engine's command line differs from Docker's, which all of them copy."""

    program: str
    probe: tuple[str, ...]
    """Arguments that print the version and ``true`` for a rootless engine, and fail without an engine."""
    start: tuple[str, ...] = ()
    rootless: tuple[str, ...] = ()
    """Arguments of ``run`` that make the host's user the container's one in a rootless engine."""
    build: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    missing_image: tuple[str, ...] = ("no such image",)
    """What it says about an image that it does not have."""


FLAVORS = {
    "podman": Flavor(
        program="podman",
        probe=("info", "--format", "{{.Version.Version}} {{.Host.Security.Rootless}}"),
        # Without --http-proxy=false the host's proxies, passwords included, would be in the container's settings.
        start=("--http-proxy=false", "--security-opt", "label=disable"),
        rootless=("--userns=keep-id",),
        build=("--http-proxy=false",),
        remove=("--time", "0"),
        missing_image=("no such image", "image not known"),
    ),
}


class CliEngine:
    """An engine that answered. Made by ``connect``."""

    def __init__(self, flavor: Flavor, environ: Mapping[str, str], *, version: str, rootless: bool) -> None:
        self.name = flavor.program
        self._flavor = flavor
        self._environ = dict(environ)
        self._version = version
        self._rootless = rootless

    @classmethod
    def connect(cls, name: str, environ: Mapping[str, str]) -> CliEngine:
        """The engine of that name, found on PATH.

        Raises:
            EngineUnavailableError: it is not installed or does not answer; says why.
        """
        flavor = FLAVORS[name]
        if shutil.which(flavor.program, path=environ.get("PATH", os.defpath)) is None:
            raise EngineUnavailableError(f"{name} is not installed", hint=f"install {name}, or name another engine")
        try:
            found = subprocess.run(
                [flavor.program, *flavor.probe],
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=_PROBE_TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EngineUnavailableError(
                f"{name} does not answer: {error}", hint=f"see what `{name} info` says"
            ) from error
        if found.returncode:
            reason = last_lines(found.stderr.splitlines()[-1:]).strip() or f"exit code {found.returncode}"
            raise EngineUnavailableError(f"{name} does not answer: {reason}", hint=f"see what `{name} info` says")
        version, _, rootless = found.stdout.strip().partition(" ")
        return cls(flavor, environ, version=version, rootless=rootless == "true")

    def version(self) -> str:
        """``podman 5.6.0``."""
        return f"{self.name} {self._version}"

    def image(self, reference: str, platform: str) -> Image | None:
        """The image, when the engine has it for the platform."""
        what = f"{self.name} cannot look for the image {reference}"
        result = self._run(["image", "inspect", reference])
        if result.exit_code:
            if any(words in result.log.lower() for words in self._flavor.missing_image):
                return None
            raise self._failed(what, result)
        found = self._json(what, result.output)[0]
        if platform.split("/")[:2] != [found.get("Os"), found.get("Architecture")]:
            return None
        return Image(
            reference=reference,
            id=found["Id"] if ":" in found["Id"] else f"sha256:{found['Id']}",
            digest=registry_digest(reference, found.get("RepoDigests") or ()),
        )

    def pull(self, reference: str, platform: str, on_line: Callable[[str], None] | None = None) -> Image:
        """Get an image from its registry."""
        result = self._run(["pull", "--platform", platform, reference], on_line=on_line)
        hint = f"{self.name} pull --platform {platform} {reference}"
        if result.exit_code:
            failed = self._failed(f"{self.name} cannot pull the image {reference} for {platform}", result)
            raise EngineUnavailableError(failed.message, hint=hint)
        image = self.image(reference, platform)
        if image is None:
            raise EngineUnavailableError(
                f"{self.name} pulled the image {reference}, but not for {platform}",
                hint="name an image for that platform in tool.lambda.bundling.image",
            )
        return image

    def build(
        self,
        context: Path,
        *,
        tag: str,
        platform: str,
        build_args: Mapping[str, str],
        network: str | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Image:
        """Build ``context/Containerfile`` and keep it under a tag, with our label on it."""
        environ, arguments = self._variables("--build-arg", build_args)
        labels = owner.image_labels().items()
        argv = [
            *("build", "--file", str(context / "Containerfile"), "--platform", platform, "--tag", tag),
            *(word for name, value in labels for word in ("--label", f"{name}={value}")),
            *arguments,
            *(() if network is None else ("--network", network)),
            *self._flavor.build,
            str(context),
        ]
        result = self._run(argv, environ=environ, on_line=on_line, merged=True)
        if result.exit_code:
            raise self._failed(f"{self.name} cannot build the image {tag}", result)
        image = self.image(tag, platform)
        if image is None:
            raise EngineError(
                f"{self.name} built the image {tag}, but not for {platform}",
                hint="the base image must be one for that platform",
            )
        return image

    @contextlib.contextmanager
    def start(self, spec: ContainerSpec) -> Iterator[_CliContainer]:
        """A container that is removed on every way out."""
        self._sweep()
        spec.require_sources()
        name = owner.container_name()
        with owner.terminates_cleanly():
            try:
                user = spec.user or self._host_user()
                result = self._run(self._start_arguments(name, spec, user))
                if result.exit_code:
                    raise self._failed(f"{self.name} cannot start a container of {spec.image}", result)
                yield _CliContainer(self, name, user)
            finally:
                self._remove(name)

    def _host_user(self) -> str | None:
        if self._rootless and self._flavor.rootless:
            return None  # the engine maps it
        return f"{os.getuid()}:{os.getgid()}" if hasattr(os, "getuid") else None

    def _start_arguments(self, name: str, spec: ContainerSpec, user: str | None) -> list[str]:
        environment = {"HOME": "/tmp", **spec.environment}  # noqa: S108 - the host's user has no home in there
        argv = ["run", "--detach", "--name", name, "--pull", "never", "--platform", spec.platform, *self._flavor.start]
        if self._rootless and spec.user is None:
            argv += self._flavor.rootless
        if user is not None:
            argv += ["--user", user]
        for label, value in owner.labels().items():
            argv += ["--label", f"{label}={value}"]
        for variable, value in environment.items():
            argv += ["--env", f"{variable}={value}"]
        for mount in spec.mounts:
            options = ",readonly" if mount.read_only else ""
            argv += ["--mount", f"type=bind,{_field('source', mount.source)},{_field('target', mount.target)}{options}"]
        if spec.network is not None:
            argv += ["--network", spec.network]
        if spec.working_directory is not None:
            argv += ["--workdir", spec.working_directory]
        return [*argv, "--entrypoint", owner.IDLE[0], spec.image, *owner.IDLE[1:]]

    def _remove(self, name: str) -> None:
        # A session of its own: a second Ctrl-C reaches us, not the removal.
        argv = ["rm", "--force", "--volumes", *self._flavor.remove, name]
        result = self._run(argv, detached=True)
        if result.exit_code and "no such container" not in result.log.lower():
            raise self._failed(f"{self.name} cannot remove the container {name}", result)

    def _sweep(self) -> None:
        # Housekeeping: whatever goes wrong here shows soon enough in what the build itself does.
        with contextlib.suppress(EngineError):
            result = self._run(["ps", "--all", "--filter", f"label={owner.OWNER_LABEL}", "--format", "json"])
            for found in self._json(f"{self.name} cannot list containers", result.output or "[]") or ():
                if owner.is_leftover(found.get("Labels") or {}, found.get("State") or ""):
                    with contextlib.suppress(EngineError):
                        self._remove(found["Id"])

    def _run(
        self,
        arguments: Sequence[str],
        *,
        environ: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        stdin: IO[bytes] | None = None,
        stdout: IO[bytes] | None = None,
        merged: bool = False,
        detached: bool = False,
    ) -> ExecResult:
        try:
            return run(
                [self._flavor.program, *arguments],
                environ=self._environ if environ is None else environ,
                on_line=on_line,
                stdin=stdin,
                stdout=stdout,
                merged=merged,
                detached=detached,
            )
        except OSError as error:
            raise EngineError(
                f"{self.name} cannot be run: {error}", hint=f"see what `{self.name} info` says"
            ) from error

    def _variables(self, flag: str, values: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        """The environment and the arguments that hand variables on without showing values in the process list."""
        environ = dict(self._environ)
        arguments = []
        for name, value in values.items():
            if name.startswith(_INLINE):
                arguments += [flag, f"{name}={value}"]
            else:
                environ[name] = value
                arguments += [flag, name]
        return environ, arguments

    def _failed(self, what: str, result: ExecResult) -> EngineError:
        lines = last_lines([result.log or result.output])
        return EngineError(
            f"{what} (exit code {result.exit_code}):\n{lines}" if lines else f"{what} (exit code {result.exit_code})",
            hint=f"see what `{self.name} info` says",
        )

    def _json(self, what: str, text: str) -> Any:  # noqa: ANN401 - the engine's own shapes
        try:
            return json.loads(text)
        except ValueError as error:
            raise EngineError(f"{what}: its answer is no JSON", hint=f"see what `{self.name} info` says") from error


class _CliContainer:
    """See ``protocol.Container``."""

    def __init__(self, engine: CliEngine, name: str, user: str | None) -> None:
        self._engine = engine
        self._name = name
        self._user = user

    def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: PurePosixPath | None = None,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> ExecResult:
        """Run a command to its end."""
        environ, arguments = self._engine._variables("--env", environment or {})  # noqa: SLF001 - one class in two
        if cwd is not None:
            arguments += ["--workdir", str(cwd)]
        if self._user is not None:
            arguments += ["--user", self._user]
        result = self._engine._run(["exec", *arguments, self._name, *argv], environ=environ, on_line=on_line)  # noqa: SLF001
        if (result.exit_code < 0 or result.exit_code >= _ENGINE_FAILED) and not self._runs():
            raise EngineError(
                f"the container {self._name} was stopped while {argv[0]} ran in it:\n{last_lines([result.log])}".rstrip(
                    ":\n"
                ),
                hint="see whether the engine ran out of memory or someone removed the container, and build again",
            )
        return result

    def _runs(self) -> bool:
        argv = ["container", "inspect", "--format", "{{.State.Running}}", self._name]
        return self._engine._run(argv).output.strip() == "true"  # noqa: SLF001

    def copy_in(self, source: Path, target: PurePosixPath) -> None:
        """Copy a file or the contents of a folder into the container."""
        uid, _, gid = (self._user or _own_ids()).partition(":")
        ids = (int(uid), int(gid or uid)) if uid.isdecimal() and (gid or uid).isdecimal() else (0, 0)
        with pack(source, target, ids) as tar:
            result = self._copy(["cp", "-", f"{self._name}:/"], stdin=tar)
        if result.exit_code:
            raise self._engine._failed(f"{self._engine.name} cannot copy {source} to {target}", result)  # noqa: SLF001

    def copy_out(self, source: PurePosixPath, target: Path) -> None:
        """Copy a file or the contents of a folder out of the container."""
        with tempfile.TemporaryFile() as file:
            result = self._copy(["cp", f"{self._name}:{source}", "-"], stdout=file)
            if result.exit_code:
                what = f"{self._engine.name} cannot copy {source} out of the container"
                raise self._engine._failed(what, result)  # noqa: SLF001
            file.seek(0)
            unpack(cast("IO[bytes]", file), target)

    def _copy(
        self, arguments: Sequence[str], *, stdin: IO[bytes] | None = None, stdout: IO[bytes] | None = None
    ) -> ExecResult:
        return self._engine._run(arguments, stdin=stdin, stdout=stdout)  # noqa: SLF001


def _own_ids() -> str:
    return f"{os.getuid()}:{os.getgid()}" if hasattr(os, "getuid") else "0:0"


def _field(name: str, path: Path | PurePosixPath) -> str:
    # The value of --mount is read as a line of CSV.
    text = f"{name}={path}"
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"') else text
