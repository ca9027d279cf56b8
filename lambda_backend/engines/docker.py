"""Docker through its API, with the ``docker`` package; Podman's socket and remote engines speak it too."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lambda_backend.engines import owner
from lambda_backend.engines.building import build, built, failed
from lambda_backend.engines.buildkit import PLAIN, buildkit_command
from lambda_backend.engines.connection import connected
from lambda_backend.engines.docker_container import DockerContainer
from lambda_backend.engines.docker_errors import told
from lambda_backend.engines.endpoint import container_proxies, find_endpoint
from lambda_backend.engines.protocol import ContainerSpec, Image, ImageBuild, registry_digest
from lambda_backend.engines.streams import LineReader, last_lines
from lambda_backend.engines.tarball import pack_context
from lambda_backend.engines.traits import Traits
from lambda_backend.errors import EngineError, EngineUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from docker import APIClient

__all__ = ["DockerEngine"]

_PROFILES = frozenset({"", "builtin", "unconfined"})
"""Of seccomp; everything else is a file."""


class DockerEngine:
    """An engine that answered. Made by ``connect``."""

    def __init__(self, api: APIClient, *, name: str = "docker", environ: Mapping[str, str]) -> None:
        self.name = name
        self._api = api
        self._environ = dict(environ)
        self._exec_environment = container_proxies(environ)

    @classmethod
    def connect(cls, environ: Mapping[str, str]) -> DockerEngine:
        """The engine that Docker's own command would use.

        Raises:
            MissingExtraError: the ``docker`` package is not installed.
            EngineUnavailableError: it does not answer; says why.
        """
        with contextlib.ExitStack() as stack:
            engine = cls(connected(find_endpoint(environ), environ, stack), environ=environ)
            weakref.finalize(engine, stack.pop_all().close)
            return engine

    def version(self) -> str:
        """``Docker Engine - Community 29.1.0``, or what else speaks Docker's API."""
        with told("cannot ask Docker for its version"):
            found = self._api.version()
        components = found.get("Components") or [{}]
        product = components[0].get("Name") or "Engine"
        return f"{'Docker ' if product == 'Engine' else ''}{product} {found['Version']}"

    def image(self, reference: str, platform: str) -> Image | None:
        """The image, when the engine has it for the platform."""
        from docker.errors import ImageNotFound

        try:
            with told(f"cannot look for the image {reference}", ImageNotFound):
                found = cast("Any", self._api).inspect_image(reference)
        except ImageNotFound:
            return None
        if platform.split("/")[:2] != [found.get("Os"), found.get("Architecture")]:
            return None
        return Image(
            reference=reference,
            id=found["Id"] if ":" in found["Id"] else f"sha256:{found['Id']}",
            digest=registry_digest(reference, found.get("RepoDigests") or ()),
        )

    def pull(self, reference: str, platform: str, on_line: Callable[[str], None] | None = None) -> Image:
        """Get an image from its registry."""
        from docker.utils import parse_repository_tag

        repository, tag = parse_repository_tag(reference)
        try:
            with told(f"docker cannot pull the image {reference} for {platform}"):
                self._follow(
                    self._api.pull(repository, tag=tag or "latest", platform=platform, stream=True, decode=True),
                    on_line,
                )
            image = self.image(reference, platform)
        except EngineError as error:
            raise EngineUnavailableError(
                error.message, hint=f"docker pull --platform {platform} {reference}"
            ) from error
        if image is None:
            raise EngineUnavailableError(
                f"docker pulled the image {reference}, but not for {platform}",
                hint="name an image for that platform in tool.lambda.bundling.image",
            )
        return image

    def build(self, asked: ImageBuild, on_line: Callable[[str], None] | None = None) -> Image:
        """Build an image and keep it under its tag, with our label on it.

        A project's own Containerfile may say what only BuildKit knows, which the package does not speak: it is built by
        Docker's command, where there is one that can.
        """
        what = f"docker cannot build the image {asked.tag}"
        command = buildkit_command(self._environ) if asked.of_project and self._has_buildkit() else None
        if command is not None:
            build(command, asked, what=what, more=PLAIN, on_line=on_line)
        else:
            try:
                with told(what):
                    self._build_classic(asked, on_line)
            except EngineError as error:
                raise failed(asked, error.message, buildkit=False, hint=error.hint) from error.__cause__
        return built(self, asked)

    def _build_classic(self, asked: ImageBuild, on_line: Callable[[str], None] | None) -> None:
        proxies = self._exec_environment if asked.of_project else {}
        with pack_context(asked.context) as tar:
            steps = self._api.build(
                fileobj=tar,
                custom_context=True,
                dockerfile=asked.file,
                tag=asked.tag,
                platform=asked.platform,
                target=asked.target,
                buildargs={**proxies, **asked.build_args},
                network_mode=asked.network,
                labels=owner.image_labels(),
                rm=True,
                forcerm=True,
                decode=True,
                use_config_proxy=False,
            )
            self._follow(cast("Iterable[dict[str, Any]]", steps), on_line)

    def _has_buildkit(self) -> bool:
        """Whether it is Docker's own engine; others that speak its API have builders of their own."""
        with told("cannot ask Docker what it is"):
            components = self._api.version().get("Components") or [{}]
        return bool(components[0].get("Name") == "Engine")

    @contextlib.contextmanager
    def start(self, spec: ContainerSpec) -> Iterator[DockerContainer]:
        """A container that is removed on every way out."""
        self._sweep()
        spec.require_sources()
        name = owner.container_name()
        user = spec.user or self._host_user
        with owner.terminates_cleanly():
            try:
                with told(f"docker cannot start a container of {spec.image}"):
                    self._create(name, spec, user)
                    self._api.start(name)
                yield DockerContainer(self._api, name, user, spec.platform, environment=self._exec_environment)
            finally:
                self._remove(name)

    def _create(self, name: str, spec: ContainerSpec, user: str | None) -> None:
        from docker.types import Mount

        mounts = [
            # Unlike a volume string, such a mount fails for a missing source instead of making it as root.
            Mount(target=str(mount.target), source=str(mount.source), type="bind", read_only=mount.read_only)
            for mount in spec.mounts
        ]
        self._api.create_container(
            spec.image,
            name=name,
            entrypoint=[owner.IDLE[0]],
            command=list(owner.IDLE[1:]),
            labels=owner.labels(),
            environment={"HOME": "/tmp", **spec.environment},  # noqa: S108 - the host's user has no home in there
            user=user,
            working_dir=spec.working_directory,
            platform=spec.platform,
            use_config_proxy=False,
            host_config=self._api.create_host_config(
                mounts=mounts,
                network_mode=spec.network,
                security_opt=self._security_options(spec),
                volumes_from=list(spec.volumes_from) or None,
            ),
        )

    def _security_options(self, spec: ContainerSpec) -> list[str]:
        return [self._security_option(option) for option in spec.security_options(selinux=self._traits.selinux)]

    def _security_option(self, option: str) -> str:
        """The API wants a seccomp profile where the ``docker`` command takes its path."""
        name, _, value = option.partition("=")
        if name != "seccomp" or value in _PROFILES or self._is_podman:
            return option
        try:
            return f"seccomp={json.dumps(json.loads(Path(value).read_bytes()))}"
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise EngineError(f"the seccomp profile {value} cannot be read: {reason}") from error

    @functools.cached_property
    def _is_podman(self) -> bool:
        return "podman" in self.version().lower()

    @functools.cached_property
    def _traits(self) -> Traits:
        with told("cannot ask Docker about itself"):
            return Traits.of(self._api.info())

    @property
    def _host_user(self) -> str | None:
        # In a rootless engine the container's root is the host's user.
        if self._traits.rootless:
            return "0:0"
        return f"{os.getuid()}:{os.getgid()}" if hasattr(os, "getuid") else None

    def _remove(self, name: str) -> None:
        from docker.errors import NotFound

        with told(f"docker cannot remove the container {name}"), contextlib.suppress(NotFound):
            self._api.remove_container(name, v=True, force=True)

    def _sweep(self) -> None:
        # Housekeeping: whatever goes wrong here shows soon enough in what the build itself does.
        with contextlib.suppress(EngineError), told("docker cannot list containers"):
            for found in self._api.containers(all=True, filters={"label": owner.OWNER_LABEL}):
                if owner.is_leftover(found.get("Labels") or {}, found.get("State") or ""):
                    with contextlib.suppress(EngineError):
                        self._remove(found["Id"])

    def _follow(self, steps: Iterable[dict[str, Any]], on_line: Callable[[str], None] | None) -> None:
        said: list[str] = []

        def say(line: str) -> None:
            said.append(line)
            if on_line is not None and line.strip():
                on_line(line)

        reader = LineReader(say)
        failed = None
        for step in steps:  # to its end also after an error, which frees the connection
            failed = step.get("error") or failed
            text = step.get("stream") or ""
            if step.get("status") and not step.get("progressDetail"):
                text = f"{step['id']}: {step['status']}\n" if step.get("id") else f"{step['status']}\n"
            reader.feed(text.encode())
        reader.close()
        if failed is not None:
            raise EngineError(f"{failed}\n{last_lines(said)}".rstrip())
