"""A container with files of this machine: mounted, or copied where the engine does not see them.

An engine may run on another machine (``DOCKER_HOST``), in a virtual machine that shares some folders only, or beside
the container that this process runs in (Docker-in-Docker by way of the host's socket). Such engines refuse a mount, or
mount an empty or another folder of the same name. So what a mount shows is looked at before it is relied on.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lambda_backend.errors import EngineError
from lambda_backend.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import PurePosixPath

    from lambda_backend.engines.protocol import Container, ContainerSpec, Engine, Mount

__all__ = ["FileAccess", "Reached", "started"]

FileAccess = Literal["auto", "bind-mount", "volume-copy"]
_PROBE = ".lambda-backend-probe-"
_HINT = 'take "auto" or "volume-copy" for tool.lambda.bundling.file-access: files are copied then'


class Reached(Value):
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
    spec.require_sources()
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
            if not _is_about_own_mounts(error, spec):
                raise
            if must:
                raise EngineError(error.message, hint=_HINT) from error
            return None
        unseen = _unseen(container, spec)
        if unseen is None:
            stack.enter_context(inner.pop_all())
            return container
    if must:
        raise EngineError(
            f"{engine.name} does not see {unseen.source} of this machine: it mounts something else of that name",
            hint=_HINT,
        )
    return None


def _copied(engine: Engine, spec: ContainerSpec, stack: contextlib.ExitStack) -> Container:
    kept = tuple(mount for mount in spec.mounts if mount.on_engine)
    container = stack.enter_context(engine.start(replace(spec, mounts=kept)))
    empty = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lambda-backend-")))
    for mount in spec.mounts:
        if not mount.on_engine and not mount.source.is_socket():  # of which a copy is none
            container.copy_in(empty if mount.is_cache else mount.source, mount.target)
    return container


def _is_about_own_mounts(error: EngineError, spec: ContainerSpec) -> bool:
    return any(str(mount.source) in error.message for mount in spec.mounts if not mount.on_engine)


def _unseen(container: Container, spec: ContainerSpec) -> Mount | None:
    """The first of this machine's files and folders that is not what the container sees.

    All are looked at: an engine in a virtual machine may share the user's folder, and have certificates of its own.
    """
    with contextlib.ExitStack() as stack:
        looks = [look for mount in spec.mounts if (look := _look(mount, stack)) is not None]
        # As root, for the container's user need not be able to read what this machine's user alone may.
        found = container.exec(["sha256sum", *(str(path) for _, path, _ in looks)], as_root=True) if looks else None
    # GNU's sha256sum puts a backslash before a line with an unusual name, and leaves out what it cannot read.
    lines = found.output.splitlines() if found is not None else ()
    seen = {line.lstrip("\\").partition(" ")[0] for line in lines}
    return next((mount for mount, _, digest in looks if digest not in seen), None)


def _look(mount: Mount, stack: contextlib.ExitStack) -> tuple[Mount, PurePosixPath, str] | None:
    """A path in the container and the sha256 that it has if the mount shows this machine's files."""
    if mount.on_engine or mount.source.is_socket():
        return None
    if mount.source.is_dir():
        # A name of its own: builds may share the folder of a cache.
        token = secrets.token_hex(16)
        probe = mount.source / f"{_PROBE}{token}"
        stack.callback(probe.unlink, missing_ok=True)
        probe.write_text(token, "ascii")
        return mount, mount.target / probe.name, hashlib.sha256(token.encode()).hexdigest()
    return mount, mount.target, hashlib.sha256(mount.source.read_bytes()).hexdigest()
