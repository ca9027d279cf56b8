"""Engines that are spoken to by their command line."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from lambda_backend.engines import owner
from lambda_backend.engines.building import build, built
from lambda_backend.engines.cli_container import CliContainer
from lambda_backend.engines.command import Command
from lambda_backend.engines.flavors import FLAVORS, Flavor
from lambda_backend.engines.protocol import ContainerSpec, Image, ImageBuild, registry_digest
from lambda_backend.engines.streams import last_lines
from lambda_backend.errors import EngineError, EngineUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path, PurePosixPath

__all__ = ["CliEngine"]

_PROBE_TIMEOUT = 20
"""Seconds; the first call after a boot sets up Podman's storage."""


class CliEngine:
    """An engine that answered. Made by ``connect``."""

    def __init__(self, flavor: Flavor, environ: Mapping[str, str], *, version: str, rootless: bool) -> None:
        self.name = flavor.program
        self._flavor = flavor
        self._command = Command(program=flavor.program, environ=dict(environ))
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
        result = self._command.run(["image", "inspect", reference])
        if result.exit_code:
            if any(words in result.log.lower() for words in self._flavor.missing_image):
                return None
            raise self._command.failed(what, result)
        found = self._command.parsed(what, result.output)[0]
        if platform.split("/")[:2] != [found.get("Os"), found.get("Architecture")]:
            return None
        return Image(
            reference=reference,
            id=found["Id"] if ":" in found["Id"] else f"sha256:{found['Id']}",
            digest=registry_digest(reference, found.get("RepoDigests") or ()),
        )

    def pull(self, reference: str, platform: str, on_line: Callable[[str], None] | None = None) -> Image:
        """Get an image from its registry."""
        result = self._command.run(["pull", "--platform", platform, reference], on_line=on_line)
        hint = f"{self.name} pull --platform {platform} {reference}"
        if result.exit_code:
            failed = self._command.failed(f"{self.name} cannot pull the image {reference} for {platform}", result)
            raise EngineUnavailableError(failed.message, hint=hint)
        image = self.image(reference, platform)
        if image is None:
            raise EngineUnavailableError(
                f"{self.name} pulled the image {reference}, but not for {platform}",
                hint="name an image for that platform in tool.lambda.bundling.image",
            )
        return image

    def build(self, asked: ImageBuild, on_line: Callable[[str], None] | None = None) -> Image:
        """Build an image and keep it under its tag, with our label on it."""
        build(
            self._command,
            asked,
            what=f"{self.name} cannot build the image {asked.tag}",
            more=self._flavor.build,
            on_line=on_line,
            cleans_up=True,
        )
        return built(self, asked)

    @contextlib.contextmanager
    def start(self, spec: ContainerSpec) -> Iterator[CliContainer]:
        """A container that is removed on every way out."""
        self._sweep()
        spec.require_sources()
        name = owner.container_name()
        with owner.terminates_cleanly():
            try:
                user = spec.user or self._host_user()
                result = self._command.run(self._start_arguments(name, spec, user))
                if result.exit_code:
                    raise self._command.failed(f"{self.name} cannot start a container of {spec.image}", result)
                yield CliContainer(self._command, name, user, spec.platform)
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
        for option in spec.security_options():
            argv += ["--security-opt", option]
        for container in spec.volumes_from:
            argv += ["--volumes-from", container]
        if spec.network is not None:
            argv += ["--network", spec.network]
        if spec.working_directory is not None:
            argv += ["--workdir", spec.working_directory]
        return [*argv, "--entrypoint", owner.IDLE[0], spec.image, *owner.IDLE[1:]]

    def _remove(self, name: str) -> None:
        # A session of its own: a second Ctrl-C reaches us, not the removal.
        argv = ["rm", "--force", "--volumes", *self._flavor.remove, name]
        result = self._command.run(argv, detached=True)
        if result.exit_code and "no such container" not in result.log.lower():
            raise self._command.failed(f"{self.name} cannot remove the container {name}", result)

    def _sweep(self) -> None:
        # Housekeeping: whatever goes wrong here shows soon enough in what the build itself does.
        with contextlib.suppress(EngineError):
            result = self._command.run(["ps", "--all", "--filter", f"label={owner.OWNER_LABEL}", "--format", "json"])
            for found in self._command.parsed(f"{self.name} cannot list containers", result.output or "[]") or ():
                if owner.is_leftover(found.get("Labels") or {}, found.get("State") or ""):
                    with contextlib.suppress(EngineError):
                        self._remove(found["Id"])


def _field(name: str, path: Path | PurePosixPath) -> str:
    # The value of --mount is read as a line of CSV.
    text = f"{name}={path}"
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"') else text
