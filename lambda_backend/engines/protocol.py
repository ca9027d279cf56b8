"""The seam between the pipeline and a container engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lambda_backend.errors import EngineError
from lambda_backend.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path, PurePosixPath

__all__ = [
    "LABEL",
    "BuildSecret",
    "Container",
    "ContainerSpec",
    "Engine",
    "ExecResult",
    "Image",
    "ImageBuild",
    "Mount",
    "registry_digest",
]

LABEL = "io.lambda-backend"
"""On every image and container that is ours, so that leftovers can be found and removed."""


class Mount(Value):
    """A file or folder in the container."""

    source: Path
    target: PurePosixPath
    read_only: bool = False
    on_engine: bool = False
    """The source is a path of the machine that the engine runs on, of which nothing is known here."""
    is_cache: bool = False
    """What lies there is of use and not needed: an empty folder will do."""
    option: str | None = None
    """The setting that asks for it, below the bundling table: ``volumes[0]``."""


class Image(Value):
    """An image that the engine has."""

    reference: str
    id: str
    """The engine's content id, ``sha256:…``."""
    digest: str | None
    """The registry's digest, ``sha256:…``; None for an image that came from no registry."""


class BuildSecret(Value):
    """A file of this machine that steps of an image's build may mount, and no layer holds."""

    id: str
    source: Path


class ImageBuild(Value):
    """What an image is built from."""

    context: Path
    """A folder; all of it is given to the engine."""
    tag: str
    platform: str
    file: str = "Containerfile"
    """Path in the context."""
    of_project: bool = False
    """The Containerfile is one of the project's own, which is built as Docker's command would: with BuildKit, and with
    the proxies of Docker's configuration."""
    target: str | None = None
    """The stage to stop at."""
    build_args: Mapping[str, str] = field(default_factory=dict, repr=False)
    network: str | None = None
    secrets: tuple[BuildSecret, ...] = ()
    """For a builder that can mount them: BuildKit, Podman."""
    ssh: str | None = None
    """What ``--ssh`` takes, such as ``default``; for the same builders."""


class ContainerSpec(Value):
    """What a container is started with. It idles until it is told to exec."""

    image: str
    platform: str
    mounts: tuple[Mount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    """Never secrets: it can be inspected. Those go to exec."""
    network: str | None = None
    user: str | None = None
    """``uid:gid``; None lets the engine choose what makes the host's user own the mounts."""
    working_directory: str | None = None
    security_opt: tuple[str, ...] = ()
    volumes_from: tuple[str, ...] = ()
    """Other containers, whose volumes this one gets."""

    def security_options(self, *, selinux: bool) -> tuple[str, ...]:
        """What the engine is told.

        Args:
            selinux: it labels containers.
        """
        # SELinux would refuse the mounts, and relabelling them would change the host's files.
        labelled = any(option.startswith("label") for option in self.security_opt)
        return (*self.security_opt, "label=disable") if selinux and not labelled else self.security_opt

    def require_sources(self) -> None:
        """See that what is to be mounted exists; not every engine does, and some make a folder of root's for it.

        Raises:
            EngineError: a source does not exist.
        """
        for mount in self.mounts:
            if not mount.on_engine and not mount.source.exists():
                raise EngineError(f"cannot mount {mount.source} as {mount.target}: there is no such file or folder")


class ExecResult(Value):
    """How a command ended."""

    exit_code: int
    output: str
    """Standard output."""
    log: str
    """Standard error."""


class Container(Protocol):
    """A running container: few verbs, each an argv list, no shell."""

    def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: PurePosixPath | None = None,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        as_root: bool = False,
    ) -> ExecResult:
        """Run a command to its end; standard error is handed to ``on_line`` line by line as it comes.

        Threads may run commands at one time.

        Args:
            argv: the command.
            cwd: where; by default the container's working folder.
            environment: of the command; may hold secrets.
            on_line: gets its lines.
            as_root: by the container's root, and not by its user.

        Raises:
            EngineError: the engine died or the container is gone. A command's own failure is an exit code.
        """

    def copy_in(self, source: Path, target: PurePosixPath) -> None:
        """Copy a file or the contents of a folder into the container, owned by the container's user.

        ``target`` is the name it gets there; missing parents are made.
        """

    def copy_out(self, source: PurePosixPath, target: Path) -> None:
        """Copy a file or the contents of a folder out of the container; ``target`` is the name it gets here."""


class Engine(Protocol):
    """A container engine that answers."""

    name: str

    def version(self) -> str:
        """The engine's version, for the log and the doctor."""

    def image(self, reference: str, platform: str) -> Image | None:
        """The image, when the engine has it for the platform."""

    def pull(self, reference: str, platform: str, on_line: Callable[[str], None] | None = None) -> Image:
        """Get an image from its registry.

        Raises:
            EngineUnavailableError: it cannot be had; says why.
        """

    def build(self, asked: ImageBuild, on_line: Callable[[str], None] | None = None) -> Image:
        """Build an image and keep it under its tag, with our label on it. A failed build leaves no container.

        Raises:
            EngineError: with the build's last lines.
        """

    def start(self, spec: ContainerSpec) -> AbstractContextManager[Container]:
        """A container that is removed on every way out: return, exception, SIGINT, SIGTERM."""


def registry_digest(reference: str, digests: Iterable[str]) -> str | None:
    """The digest that an image has in its registry.

    Args:
        reference: how the image is asked for.
        digests: the engine's ``RepoDigests``, ``repository@sha256:…``; one that matches the reference wins.
    """
    repository = reference.partition("@")[0]
    if ":" in repository.rpartition("/")[2]:
        repository = repository.rpartition(":")[0]
    found = [digest.partition("@")[::2] for digest in digests if "@" in digest]
    matching = [digest for of, digest in found if of == repository or of.endswith(f"/{repository}")]
    return next(iter([*matching, *(digest for _, digest in found)]), None)
