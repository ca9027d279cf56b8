"""Docker through its API, with the ``docker`` package; Podman's socket and remote engines speak it too."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
import time
import weakref
from typing import IO, TYPE_CHECKING, Any, cast

from lambda_backend.engines import owner
from lambda_backend.engines.endpoint import Endpoint, container_proxies, find_endpoint, ping
from lambda_backend.engines.protocol import ContainerSpec, ExecResult, Image, registry_digest
from lambda_backend.engines.streams import LineReader, last_lines
from lambda_backend.engines.tarball import pack, pack_context, unpack
from lambda_backend.errors import EngineError, EngineUnavailableError, MissingExtraError
from lambda_backend.settings.interpolate import redact_urls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path, PurePosixPath

    from docker import APIClient

__all__ = ["DockerEngine"]

_PROBE_TIMEOUT = 10
"""Seconds for an engine to answer at all; a remote one over ssh takes some."""
_CANNOT_INVOKE = ("executable file not found", "no such file or directory", "permission denied")
_KILLED = 137
"""What a command ends with that was killed, alone or with its container (128 and SIGKILL)."""
_LOOKS = 10


class DockerEngine:
    """An engine that answered. Made by ``connect``."""

    def __init__(self, api: APIClient, *, name: str = "docker", exec_environment: Mapping[str, str]) -> None:
        self.name = name
        self._api = api
        self._exec_environment = dict(exec_environment)
        weakref.finalize(self, api.close)

    @classmethod
    def connect(cls, environ: Mapping[str, str]) -> DockerEngine:
        """The engine that Docker's own command would use.

        Raises:
            MissingExtraError: the ``docker`` package is not installed.
            EngineUnavailableError: it does not answer; says why.
        """
        try:
            import docker
            from docker.tls import TLSConfig
        except ImportError as error:
            raise MissingExtraError(
                "the docker package is not installed, and this build talks to Docker with it",
                hint="pip install 'lambda-backend[docker]' (an isolated build asks for it by itself)",
            ) from error
        endpoint = find_endpoint(environ)
        try:
            if endpoint.socket is not None:  # the package leaks the connection of a failed attempt
                ping(endpoint.socket, _PROBE_TIMEOUT)
            arguments: dict[str, Any] = {"base_url": endpoint.host, "use_ssh_client": True}
            if endpoint.tls is not None:
                arguments["tls"] = TLSConfig(
                    client_cert=(str(endpoint.tls / "cert.pem"), str(endpoint.tls / "key.pem")),
                    ca_cert=str(endpoint.tls / "ca.pem"),
                    verify=endpoint.verify,
                )
            with contextlib.closing(docker.APIClient(**arguments, version="auto", timeout=_PROBE_TIMEOUT)) as probe:
                version = probe.api_version
            # Commands and pulls are silent for as long as they like: no time-out from here on.
            api = docker.APIClient(**arguments, version=version, timeout=cast("Any", None))
        except Exception as error:  # the package lets its dependencies' exceptions through as well as its own
            raise _unavailable(endpoint, error) from error
        return cls(api, exec_environment=container_proxies(environ))

    def version(self) -> str:
        """``Docker Engine - Community 29.1.0``, or what else speaks Docker's API."""
        with _told("cannot ask Docker for its version"):
            found = self._api.version()
        components = found.get("Components") or [{}]
        product = components[0].get("Name") or "Engine"
        return f"{'Docker ' if product == 'Engine' else ''}{product} {found['Version']}"

    def image(self, reference: str, platform: str) -> Image | None:
        """The image, when the engine has it for the platform."""
        from docker.errors import ImageNotFound

        try:
            with _told(f"cannot look for the image {reference}", ImageNotFound):
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
            with _told(f"docker cannot pull the image {reference} for {platform}"):
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
        with _told(f"docker cannot build the image {tag}"), pack_context(context) as tar:
            steps = self._api.build(
                fileobj=tar,
                custom_context=True,
                dockerfile="Containerfile",
                tag=tag,
                platform=platform,
                buildargs=dict(build_args),
                network_mode=network,
                labels=owner.image_labels(),
                rm=True,
                forcerm=True,
                decode=True,
                use_config_proxy=False,
            )
            self._follow(cast("Iterable[dict[str, Any]]", steps), on_line)
        image = self.image(tag, platform)
        if image is None:
            raise EngineError(
                f"docker built the image {tag}, but not for {platform}",
                hint="the base image must be one for that platform",
            )
        return image

    @contextlib.contextmanager
    def start(self, spec: ContainerSpec) -> Iterator[_DockerContainer]:
        """A container that is removed on every way out."""
        self._sweep()
        spec.require_sources()
        name = owner.container_name()
        user = spec.user or self._host_user
        with owner.terminates_cleanly():
            try:
                with _told(f"docker cannot start a container of {spec.image}"):
                    self._create(name, spec, user)
                    self._api.start(name)
                yield _DockerContainer(self._api, name, user, self._exec_environment)
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
                # SELinux would refuse the mounts, and relabelling them would change the host's files.
                security_opt=["label=disable"],
            ),
        )

    @functools.cached_property
    def _host_user(self) -> str | None:
        # In a rootless engine the container's root is the host's user.
        with _told("cannot ask Docker how it maps users"):
            options = self._api.info().get("SecurityOptions") or ()
        if any("rootless" in option for option in options):
            return "0:0"
        return f"{os.getuid()}:{os.getgid()}" if hasattr(os, "getuid") else None

    def _remove(self, name: str) -> None:
        from docker.errors import NotFound

        with _told(f"docker cannot remove the container {name}"), contextlib.suppress(NotFound):
            self._api.remove_container(name, v=True, force=True)

    def _sweep(self) -> None:
        # Housekeeping: whatever goes wrong here shows soon enough in what the build itself does.
        with contextlib.suppress(EngineError), _told("docker cannot list containers"):
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


class _DockerContainer:
    """See ``protocol.Container``."""

    def __init__(self, api: APIClient, name: str, user: str | None, environment: Mapping[str, str]) -> None:
        self._api = api
        self._name = name
        self._user = user
        self._environment = dict(environment)

    def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: PurePosixPath | None = None,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> ExecResult:
        """Run a command to its end."""
        from docker.errors import APIError, DockerException

        output, log = LineReader(), LineReader(on_line)
        with _told(f"docker cannot run {argv[0]} in the container {self._name}"):
            try:
                created = self._api.exec_create(
                    self._name,
                    list(argv),
                    environment={**self._environment, **(environment or {})},
                    workdir=None if cwd is None else str(cwd),
                    user=self._user or "",
                )
                stream: Any = self._api.exec_start(created["Id"], stream=True, demux=True)
                try:
                    for of_output, of_log in stream:
                        output.feed(of_output or b"")
                        log.feed(of_log or b"")
                finally:
                    # It does not close its connection by itself; over ssh it cannot.
                    with contextlib.suppress(DockerException, OSError):
                        stream.close()
                    stream._response.close()  # noqa: SLF001 - without it the connection stays half open
                code = self._api.exec_inspect(created["Id"])["ExitCode"]
            except APIError as error:
                # Newer engines refuse to start what they cannot find; older ones let it end with 127.
                if not any(reason in str(error.explanation).lower() for reason in _CANNOT_INVOKE):
                    raise
                log.feed(f"{error.explanation}\n".encode())
                code = 127
        if code is None or (code == _KILLED and not self._lives_on()):
            raise EngineError(
                f"the container {self._name} was stopped while {argv[0]} ran in it",
                hint="see whether the engine ran out of memory or someone removed the container, and build again",
            )
        return ExecResult(exit_code=code, output=output.close(), log=log.close())

    def _lives_on(self) -> bool:
        """Whether only the command was killed. The engine notices a container's end a little after its commands'."""
        from docker.errors import NotFound

        with contextlib.suppress(NotFound), _told(f"docker cannot find the container {self._name}", NotFound):
            for _ in range(_LOOKS):
                if not self._api.inspect_container(self._name)["State"]["Running"]:
                    return False
                time.sleep(0.1)
            return True
        return False

    def copy_in(self, source: Path, target: PurePosixPath) -> None:
        """Copy a file or the contents of a folder into the container."""
        uid, _, gid = (self._user or "0:0").partition(":")
        ids = (int(uid), int(gid or uid)) if uid.isdecimal() and (gid or uid).isdecimal() else (0, 0)
        with _told(f"docker cannot copy {source} to {target}"), pack(source, target, ids) as tar:
            self._api.put_archive(self._name, "/", cast("Any", tar))

    def copy_out(self, source: PurePosixPath, target: Path) -> None:
        """Copy a file or the contents of a folder out of the container."""
        with _told(f"docker cannot copy {source} out of the container"), tempfile.TemporaryFile() as file:
            pieces, _ = self._api.get_archive(self._name, str(source))
            for piece in pieces:
                file.write(piece)
            file.seek(0)
            unpack(cast("IO[bytes]", file), target)


@contextlib.contextmanager
def _told(what: str, *let_through: type[Exception]) -> Iterator[None]:
    """Turn what the package raises into our error.

    Args:
        what: the step and where, as the beginning of the message.
        let_through: the exceptions that the caller expects.
    """
    import requests
    from docker.errors import DockerException, NotFound
    from urllib3.exceptions import HTTPError

    try:
        yield
    except let_through:
        raise
    except EngineError as error:
        if error.message.startswith(what):
            raise
        raise EngineError(f"{what}:\n{last_lines([error.message])}", hint=error.hint) from error
    except NotFound as error:
        raise EngineError(f"{what}:\n{last_lines([_reason(error)])}") from error
    except (DockerException, requests.RequestException, HTTPError, OSError) as error:
        raise EngineError(
            f"{what}:\n{last_lines([_reason(error)])}", hint="see whether the engine answers: docker info"
        ) from error


def _reason(error: BaseException) -> str:
    explanation = getattr(error, "explanation", None)
    return str(explanation or error)


def _unavailable(endpoint: Endpoint, error: Exception) -> EngineUnavailableError:
    cause: BaseException = error
    while (under := cause.__cause__ or cause.__context__) is not None and not isinstance(cause, OSError):
        cause = under
    if isinstance(cause, PermissionError):
        reason, hint = "permission denied", "let your user use Docker (the docker group), or use podman"
    elif isinstance(cause, FileNotFoundError):
        reason, hint = "nothing listens there", "start Docker, or point DOCKER_HOST or docker context to it"
    elif "paramiko" in str(error):  # it wants this even where ssh itself makes the connection
        reason, hint = "over ssh the docker package needs more packages", "pip install 'docker[ssh]'"
    else:
        reason, hint = str(error), "see whether `docker version` answers in this shell"
    where = f"{redact_urls(endpoint.host)} ({endpoint.source})"
    return EngineUnavailableError(f"docker does not answer at {where}: {last_lines([reason]).strip()}", hint=hint)
