"""Where the steps of an installation run: on the host, or in one container for all steps of a target."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

from lambda_backend.engines.process import run
from lambda_backend.errors import EngineError
from lambda_backend.install.builder import Builder
from lambda_backend.install.indexes import added, with_uv_index
from lambda_backend.install.listener import Listener
from lambda_backend.install.telling import SHORTEST
from lambda_backend.install.uv import uv_executable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.engines.protocol import Container

__all__ = ["FOLDERS", "UV_CACHE", "ContainerWorkbench", "HostWorkbench", "Workbench", "let_write"]

FOLDERS = {
    "input": PurePosixPath("/lambda-backend/input"),
    "output": PurePosixPath("/lambda-backend/output"),
    # Known to the commands of those who come from AWS CDK.
    "source": PurePosixPath("/asset-input"),
    "tree": PurePosixPath("/asset-output"),
}
"""A workbench's folders, by the names of its attributes, and where they are in a container."""
UV_CACHE = PurePosixPath("/var/cache/uv")
"""uv's cache in a container."""


class Workbench(Protocol):
    """A place to run uv, with folders for what goes in and what comes out.

    Not every engine sees this machine's files: what was written to a folder is pushed before a command needs it, and
    what a command wrote is pulled before it is read.
    """

    builder: Builder
    native: bool
    """Compiled code that is made here fits the target."""
    links: bool
    """uv may link an installed tree's files to those in its cache: copying and removing them takes longest."""
    trees: Path
    """What trees are installed to, in sight of uv's cache where that is linked to."""
    interpreter: str
    """The Python that uv works with: it builds source distributions."""
    has_target_python: bool
    """That one is of the target's minor version."""
    shell: tuple[str, ...]
    """What runs a line of the user's own, which comes after it."""
    input: Path
    """What is installed from: locks, requirements, local folders."""
    output: Path
    """What comes out of the steps."""
    source: Path
    """What command hooks see as the source."""
    tree: Path
    """What command hooks see as the artefact's tree."""

    def inside(self, path: Path) -> str:
        """The workbench's name of a path in one of its folders."""

    def push(self, path: Path) -> None:
        """Let commands see a file, or a folder's contents, as they are here now; what else a folder has there stays."""

    def pull(self, path: Path) -> None:
        """See a file or folder here as commands left it; one that they did not make stays away."""

    def uv(self, arguments: Sequence[str], *, cwd: Path, what: str, variables: Mapping[str, str] | None = None) -> str:
        """Run uv and give its standard output.

        Args:
            arguments: everything after ``uv``.
            cwd: one of its folders, or one below.
            what: the step in words, for the error.
            variables: added to uv's environment; their values are secrets.

        Raises:
            InstallError: it ended with another code than 0; carries its last lines, without secrets.
        """

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        what: str,
        variables: Mapping[str, str] | None = None,
        wrapped: bool = True,
    ) -> str:
        """The same with any command; ``wrapped``: behind the entrypoint, where there is one."""

    def leave(self) -> None:
        """No command follows: what it takes for them goes, while the folders stay until the workbench is closed."""


class HostWorkbench:
    """Runs uv on this machine."""

    builder = Builder(engine="host")
    native = False
    links = True
    has_target_python = False
    shell: tuple[str, ...] = ("sh", "-c")

    def __init__(
        self,
        scratch: Path,
        *,
        environ: Mapping[str, str],
        secrets: Sequence[str] = (),
        on_line: Callable[[str], None],
    ) -> None:
        self.interpreter = sys.executable
        self.input, self.output, self.source, self.tree = (scratch / name for name in FOLDERS)
        for name in FOLDERS:
            (scratch / name).mkdir(exist_ok=True)
        self.trees = self.output
        self._environ = {
            **with_uv_index(environ),
            "UV_LINK_MODE": "copy",
            "UV_NO_PROGRESS": "1",
            # Any Python will do, since the target's version and platform are told apart; uv shall not look for one.
            "UV_PYTHON": self.interpreter,
            "UV_PYTHON_DOWNLOADS": "never",
            **_places(self),
        }
        # uv would take these for the place to install to or to run in.
        for name in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "CONDA_PREFIX"):
            self._environ.pop(name, None)
        self._secrets = tuple(secrets)
        self._on_line = on_line

    def inside(self, path: Path) -> str:
        """The path itself."""
        return str(path)

    def push(self, path: Path) -> None:
        """Nothing: it is the same file."""

    def pull(self, path: Path) -> None:
        """Nothing: it is the same file."""

    def uv(self, arguments: Sequence[str], *, cwd: Path, what: str, variables: Mapping[str, str] | None = None) -> str:
        """Run uv from the ``uv`` package, or else from PATH."""
        return self.run([uv_executable(self._environ), *arguments], cwd=cwd, what=what, variables=variables)

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        what: str,
        variables: Mapping[str, str] | None = None,
        wrapped: bool = True,
    ) -> str:
        """Run a command of this machine; here is no entrypoint."""
        del wrapped
        listener = Listener((*self._secrets, *_telling(variables)), self._on_line)
        result = run(argv, environ=added(self._environ, variables), cwd=cwd, on_line=listener.hear)
        return listener.output(result, what)

    def leave(self) -> None:
        """Nothing: it takes none."""


class ContainerWorkbench:
    """Runs uv in a container.

    Args:
        container: a running one.
        scratch: holds the folders.
        builder: who installs.
        interpreter: the container's Python.
        environment: of every command; may hold secrets.
        secrets: never shown.
        on_line: gets what commands say.
        shared: the folders are mounted; else they are copied.
        native: the container's machine is the target's.
        trees: a folder on the mount of uv's cache, and its path there: no file is linked from one mount to another.
        entrypoint: comes before every command.
        reclaims: commands run as another user than the host's, who is given what they write.
        leave: removes the container.
    """

    has_target_python = True
    shell: tuple[str, ...] = ("sh", "-c")

    def __init__(  # noqa: PLR0913 - all by name
        self,
        container: Container,
        scratch: Path,
        *,
        builder: Builder,
        interpreter: str,
        environment: Mapping[str, str],
        secrets: Sequence[str] = (),
        on_line: Callable[[str], None],
        shared: bool = True,
        native: bool = True,
        trees: tuple[Path, PurePosixPath] | None = None,
        entrypoint: Sequence[str] = (),
        reclaims: bool = False,
        leave: Callable[[], None],
    ) -> None:
        self.input, self.output, self.source, self.tree = (scratch / name for name in FOLDERS)
        self._there = {scratch / name: there for name, there in FOLDERS.items()}
        self.links = trees is not None
        self.trees = self.output
        if trees is not None:
            self.trees, self._there[self.trees] = trees
        self.builder = builder
        self.native = native
        self.interpreter = interpreter
        self._shared = shared
        self._entrypoint = tuple(entrypoint)
        self._reclaims = reclaims and shared
        self._leave = leave
        self._container = container
        self._environment = {**with_uv_index(environment), "UV_PYTHON": interpreter, **_places(self)}
        self._secrets = tuple(secrets)
        self._on_line = on_line

    def inside(self, path: Path) -> str:
        """The path in the container."""
        for folder, there in self._there.items():
            if path == folder or folder in path.parents:
                return str(there / path.relative_to(folder).as_posix())
        raise ValueError(path)

    def push(self, path: Path) -> None:
        """Copy it into the container, where it is not mounted."""
        if self._reclaims:
            let_write(path)
        if not self._shared:
            self._container.copy_in(path, PurePosixPath(self.inside(path)))

    def pull(self, path: Path) -> None:
        """Copy it out of the container, where it is not mounted; what commands removed is gone here too."""
        if self._reclaims:
            self._reclaim(self.inside(path))
        if self._shared:
            return
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        there = PurePosixPath(self.inside(path))
        if self._container.exec(["test", "-e", str(there)]).exit_code == 0:
            self._container.copy_out(there, path)

    def leave(self) -> None:
        """Let the container go."""
        self._leave()

    def close(self) -> None:
        """Leave nothing on this machine that its user may not remove."""
        if self._reclaims:
            with contextlib.suppress(EngineError):  # the container may be gone, and then something else is told
                self._reclaim(*map(str, [*FOLDERS.values(), UV_CACHE]))

    def _reclaim(self, *paths: str) -> None:
        # Whatever the engine makes of user ids, a folder that this process made belongs to its user.
        self._container.exec(["chown", "-R", f"--reference={FOLDERS['input']}", *paths], as_root=True)

    def uv(self, arguments: Sequence[str], *, cwd: Path, what: str, variables: Mapping[str, str] | None = None) -> str:
        """Run the image's uv."""
        return self.run(["uv", *arguments], cwd=cwd, what=what, variables=variables)

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        what: str,
        variables: Mapping[str, str] | None = None,
        wrapped: bool = True,
    ) -> str:
        """Run a command of the image."""
        listener = Listener((*self._secrets, *_telling(variables)), self._on_line)
        result = self._container.exec(
            [*self._entrypoint, *argv] if wrapped else argv,
            cwd=PurePosixPath(self.inside(cwd)),
            environment=added(self._environment, variables),
            on_line=listener.hear,
        )
        return listener.output(result, what)


def let_write(*folders: Path) -> None:
    """Let a container's user who is nobody here write below folders, which lie behind one that only we may enter."""
    for folder in folders:
        for path, _, _ in os.walk(folder):
            with contextlib.suppress(PermissionError):  # made by that very user, and not given back
                os.chmod(path, 0o777)  # noqa: PTH101, S103 - a str already; see above


def _places(workbench: Workbench) -> dict[str, str]:
    """How the user's own commands find source and tree."""
    return {
        "LAMBDA_INPUT_DIR": workbench.inside(workbench.source),
        "LAMBDA_OUTPUT_DIR": workbench.inside(workbench.tree),
    }


def _telling(variables: Mapping[str, str] | None) -> list[str]:
    """The values that tell something: hiding every ``1`` would hide no secret, and make a log unreadable."""
    return [value for value in (variables or {}).values() if len(value) >= SHORTEST]
