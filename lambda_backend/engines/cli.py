"""Engines that are spoken to by their command line."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from lambda_backend.engines import owner
from lambda_backend.engines.building import build, built
from lambda_backend.engines.cli_container import CliContainer
from lambda_backend.engines.command import Command
from lambda_backend.engines.flavors import FLAVORS
from lambda_backend.engines.protocol import ContainerSpec, Image, ImageBuild, registry_digest
from lambda_backend.engines.streams import last_lines
from lambda_backend.engines.traits import Traits
from lambda_backend.errors import EngineError, EngineUnavailableError
from lambda_backend.settings.interpolate import redact_urls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import PurePath

__all__ = ["CliEngine"]

_MISSING_IMAGE = ("no such image", "no such object", "image not known")
_PROBE_TIMEOUT = 20
"""Seconds; the first call after a boot sets up Podman's storage."""


class CliEngine:
    """An engine that answered. Made by ``connect``."""

    def __init__(self, command: Command, traits: Traits) -> None:
        self.name = command.program
        self._flavor = command.flavor
        self._command = command
        self._traits = traits

    @classmethod
    def connect(cls, name: str, environ: Mapping[str, str]) -> CliEngine:
        """The engine of that name, found on PATH.

        Raises:
            EngineUnavailableError: it is not installed or does not answer; says why.
        """
        command = Command(program=name, environ=dict(environ), flavor=FLAVORS[name])
        if shutil.which(command.program, path=environ.get("PATH", os.defpath)) is None:
            raise EngineUnavailableError(f"{name} is not installed", hint=f"install {name}, or name another engine")
        return cls(command, Traits.of(_info(command)))

    def version(self) -> str:
        """``podman 5.6.0``."""
        # "nerdctl version 2.1.0": all of them copy this, while what `version` and `info` print is their own.
        result = self._command.run(["--version"])
        if result.exit_code or not result.output.strip():
            raise self._command.failed(f"{self.name} does not tell its version", result)
        return f"{self.name} {result.output.split()[-1].removeprefix('v')}"

    def image(self, reference: str, platform: str) -> Image | None:
        """The image, when the engine has it for the platform."""
        what = f"{self.name} cannot look for the image {reference}"
        chosen = ["--platform", platform] if self._flavor.sees_platforms else []
        result = self._command.run(["image", "inspect", *chosen, reference])
        if result.exit_code:
            if any(words in result.log.lower() for words in _MISSING_IMAGE):
                return None
            raise self._command.failed(what, result)
        # nerdctl 2.0 does not call it an error when there is none.
        answer = self._command.parsed(what, result.output or "[]")
        found = answer[0] if answer else {}
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
        self._require(spec)
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

    def _require(self, spec: ContainerSpec) -> None:
        """See that there is what the container shall have; not every engine does.

        nerdctl takes other containers' volumes from those that it finds, and says nothing of the others.
        """
        spec.require_sources()
        for mount in spec.mounts:
            for path in (mount.source, mount.target):
                mark = next((mark for mark in self._flavor.unmountable if mark in str(path)[len(path.drive) :]), None)
                if mark is not None:
                    raise EngineError(
                        f"{self.name} cannot mount {mount.source} as {mount.target}: it takes no {mark} in a path",
                        hint="give that folder another name, or build with docker or podman",
                    )
        for taken in spec.volumes_from:
            other, _, mode = taken.partition(":")
            if mode and not self._flavor.volume_modes:
                raise EngineError(
                    f"{self.name} cannot take volumes from {taken}: it does not know the mode {mode} here",
                    hint=f"name the container alone: {other}",
                )
            found = self._command.run(["container", "inspect", other])
            if found.exit_code:
                what = f"{self.name} cannot take volumes from the container {other}"
                raise EngineError(
                    self._command.failed(what, found).message, hint=f"see which there are: {self.name} ps --all"
                )

    def _host_user(self) -> str | None:
        if self._traits.rootless:
            return self._flavor.rootless_user
        return f"{os.getuid()}:{os.getgid()}" if hasattr(os, "getuid") else None

    def _start_arguments(self, name: str, spec: ContainerSpec, user: str | None) -> list[str]:
        environment = {"HOME": "/tmp", **spec.environment}  # noqa: S108 - the host's user has no home in there
        argv = ["run", "--detach", "--name", name, "--pull", "never", "--platform", spec.platform, *self._flavor.start]
        if self._traits.rootless and spec.user is None:
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
        for option in spec.security_options(selinux=self._traits.selinux):
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
            ours = self._command.run(
                ["ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={owner.OWNER_LABEL}"]
            ).output.split()
            if not ours:
                return
            # What `ps` prints as JSON differs from engine to engine.
            result = self._command.run(["container", "inspect", *ours])
            for found in self._command.parsed(f"{self.name} cannot look at containers", result.output or "[]"):
                labels, state = found["Config"].get("Labels") or {}, found["State"]["Status"]
                if owner.is_leftover(labels, state):
                    with contextlib.suppress(EngineError):
                        self._remove(found["Id"])


def _info(command: Command) -> Mapping[str, Any]:
    """The engine's answer to ``info``.

    Raises:
        EngineUnavailableError: there is none.
    """
    try:
        found = subprocess.run(
            [command.program, "info", "--format", "{{json .}}"],
            env=dict(command.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PROBE_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _silent(command, str(error), str(error)) from error
    said = found.stderr or found.stdout
    if found.returncode == 0:
        with contextlib.suppress(ValueError):
            answer = json.loads(found.stdout)
            if isinstance(answer, dict):
                return answer
        said = found.stdout or found.stderr  # Rancher Desktop's nerdctl says so that there is no engine
    reason = last_lines(said.splitlines()[-1:]).strip() or f"exit code {found.returncode}"
    raise _silent(command, reason, said)


def _silent(command: Command, reason: str, said: str) -> EngineUnavailableError:
    variable = command.flavor.address
    host = command.environ.get(variable) if variable else None
    if not host:
        return EngineUnavailableError(f"{command.program} does not answer: {reason}", hint=command.hint(said))
    return EngineUnavailableError(
        f"{command.program} does not answer at {redact_urls(host)} ({variable}): {reason}",
        hint=f"start an engine there, or point {variable} to one that runs (unset: this machine's)",
    )


def _field(name: str, path: PurePath) -> str:
    # The value of --mount is read as a line of CSV.
    text = f"{name}={path}"
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"') else text
