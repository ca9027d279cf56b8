"""A container with files of this machine: mounted, or copied where the engine does not see them.

An engine may run on another machine (``DOCKER_HOST``), in a virtual machine that shares some folders only, or beside
the container that this process runs in (Docker-in-Docker by way of the host's socket). Such engines refuse a mount, or
mount an empty or another folder of the same name. So what a mount shows is looked at before it is relied on.
"""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lambda_backend.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambda_backend.engines.protocol import Container, ContainerSpec, Engine, Mount

__all__ = ["FileAccess", "Reached", "started"]

FileAccess = Literal["auto", "bind-mount", "volume-copy"]
_PROBE = ".lambda-backend-probe"
_REFUSALS = ("mounts denied", "bind source path does not exist")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reached:
    """A running container."""

    container: Container
    shared: bool
    """The spec's mounts are this machine's files; else they are copies, and what changes has to be copied again."""


@contextlib.contextmanager
def started(engine: Engine, spec: ContainerSpec, access: FileAccess) -> Iterator[Reached]:
    """A container that is removed on every way out; nothing else is left behind.

    Args:
        engine: where.
        spec: what to start. Its mounts may be copied, those that are ``on_engine`` stay what they are.
        access: ``auto`` mounts where the engine sees this machine's files, and copies where it does not.

    Raises:
        EngineError: the container cannot be started, or does not see this machine's files though it must.
    """
    with contextlib.ExitStack() as stack:
        container = None
        if access != "volume-copy":
            container = _mounted(engine, spec, stack, must=access == "bind-mount")
        if container is not None:
            yield Reached(container=container, shared=True)
            return
        yield Reached(container=_copied(engine, spec, stack), shared=False)


def _mounted(engine: Engine, spec: ContainerSpec, stack: contextlib.ExitStack, *, must: bool) -> Container | None:
    with contextlib.ExitStack() as inner:
        try:
            container = inner.enter_context(engine.start(spec))
        except EngineError as error:
            if must or not _is_about_mounts(error, spec):
                raise
            return None
        if _sees(container, spec):
            stack.enter_context(inner.pop_all())
            return container
    if must:
        raise EngineError(
            f"{engine.name} does not see this machine's files: what it mounts is another folder",
            hint='take "auto" or "volume-copy" for tool.lambda.bundling.file-access',
        )
    return None


def _copied(engine: Engine, spec: ContainerSpec, stack: contextlib.ExitStack) -> Container:
    kept = tuple(mount for mount in spec.mounts if mount.on_engine)
    # A working folder that is not mounted is made by the first copy; the engine would make it as root.
    container = stack.enter_context(engine.start(dataclasses.replace(spec, mounts=kept, working_directory=None)))
    empty = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lambda-backend-")))
    for mount in spec.mounts:
        if not mount.on_engine and not mount.source.is_socket():  # of which a copy is none
            container.copy_in(empty if mount.is_cache else mount.source, mount.target)
    return container


def _is_about_mounts(error: EngineError, spec: ContainerSpec) -> bool:
    text = error.message
    return any(words in text for words in _REFUSALS) or any(
        str(mount.source) in text for mount in spec.mounts if not mount.on_engine
    )


def _sees(container: Container, spec: ContainerSpec) -> bool:
    """Whether a file that is written here now is there."""
    mount = _writable(spec)
    if mount is None:
        return True
    token = secrets.token_hex(16)
    probe = mount.source / _PROBE
    probe.write_text(token, "ascii")
    try:
        found = container.exec(["cat", str(mount.target / _PROBE)])
    finally:
        probe.unlink()
    return found.exit_code == 0 and found.output.strip() == token


def _writable(spec: ContainerSpec) -> Mount | None:
    own = (mount for mount in spec.mounts if not mount.on_engine and not mount.read_only)
    return next((mount for mount in own if mount.source.is_dir()), None)
