"""Opens the workbench that the settings ask for: which engine, which image, and what is in sight of it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_backend.cache import Cache
from lambda_backend.engines import choice
from lambda_backend.engines.access import started
from lambda_backend.engines.blame import located
from lambda_backend.engines.image import bundling_image, find_python
from lambda_backend.engines.protocol import ContainerSpec, Mount
from lambda_backend.engines.streams import last_lines
from lambda_backend.errors import EngineUnavailableError, InstallError
from lambda_backend.install.builder import Builder
from lambda_backend.install.own import own_containerfile, tool_environment
from lambda_backend.install.sight import sight
from lambda_backend.install.ssh import prepare
from lambda_backend.install.uv import DEFAULT_UV
from lambda_backend.install.workbench import FOLDERS, UV_CACHE, ContainerWorkbench, HostWorkbench, let_write
from lambda_backend.settings.fill import filled_bundling
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import PurePosixPath

    from lambda_backend.engines.access import FileAccess, Reached
    from lambda_backend.engines.image import BundlingImage
    from lambda_backend.engines.protocol import Container, Engine
    from lambda_backend.install.sight import Sight
    from lambda_backend.install.workbench import Workbench
    from lambda_backend.report.words import Words
    from lambda_backend.settings.model import BundlingSettings
    from lambda_backend.targets import Target

__all__ = ["Opener"]

_PASSED_ON = 42


class _Wish(Value):
    """What one workbench is to be."""

    target: Target
    bundling: BundlingSettings
    """Filled in, but for what may be secret."""
    scratch: Path
    seen: Sight
    key: str

    @property
    def platform(self) -> str:
        """``os/architecture`` or ``os/architecture/variant``."""
        return self.bundling.platform or self.target.container_platform

    @property
    def native(self) -> bool:
        """Whether the container's machine is the target's."""
        return self.platform.split("/")[1:2] == self.target.container_platform.split("/")[1:2]

    @property
    def image_key(self) -> str | None:
        """Path of the setting that names the image, where one does."""
        return None if self.bundling.image is None else f"{self.key}.image"


class Opener:
    """Chooses the engine once for a build, and opens workbenches with it.

    Args:
        engine: value of the key ``engine``.
        root: the project's folder.
        environ: of the process.
        cache: folder for uv's caches and binaries.
        words: what is done is said there.
        outputs: folders that builds write to.
    """

    def __init__(
        self,
        engine: str,
        *,
        root: Path,
        environ: Mapping[str, str],
        cache: Path,
        words: Words,
        outputs: Sequence[Path] = (),
    ) -> None:
        self._name = engine
        self._outputs = outputs
        self._root = root
        self._environ = environ
        self._cache = cache
        self._words = words
        self._engine: Engine | None = None
        self._chosen = False
        self._copies = False

    @contextlib.contextmanager
    def open(
        self,
        target: Target,
        bundling: BundlingSettings,
        scratch: Path,
        sources: Mapping[str, Mapping[str, Path]],
        key: str,
    ) -> Iterator[Workbench]:
        """A workbench for a target.

        Args:
            target: what is installed for.
            bundling: where and how.
            scratch: an empty folder that is removed by the caller.
            sources: for each of the workbench's folders, files by the path that they get in it.
            key: path of the bundling settings, for messages.
        """
        for name in FOLDERS:
            _copy(sources.get(name, {}), scratch / name)
        bundling = filled_bundling(bundling, self._environ, key)
        engine = self._choose()
        seen = sight(bundling, self._environ, key=key, root=self._root, contained=engine is not None)
        wish = _Wish(target=target, bundling=bundling, scratch=scratch, seen=seen, key=key)
        with contextlib.ExitStack() as stack:
            workbench = None if engine is None else self._contained(engine, wish, stack)
            yield workbench or HostWorkbench(
                scratch,
                environ={**self._environ, **seen.chosen},
                secrets=seen.secrets,
                on_line=self._words.detail,
            )

    def _contained(self, engine: Engine, wish: _Wish, stack: contextlib.ExitStack) -> Workbench | None:
        """A workbench in a container; None where the engine turns out to be of no use and ``auto`` takes the host."""
        try:
            with contextlib.ExitStack() as inner:
                workbench = self._in_container(engine, wish, inner)
                stack.enter_context(inner.pop_all())
        except EngineUnavailableError as error:
            if self._name != "auto":
                raise
            self._words.say(f"{' '.join(error.message.split())}: building on the host")
            return None
        return workbench

    def _in_container(self, engine: Engine, wish: _Wish, stack: contextlib.ExitStack) -> Workbench:
        image = self._image(engine, wish)
        self._words.say(f"starting a container for {wish.target.name} ({engine.name})")
        spec = self._spec(wish, image)
        # What is on it goes after the container, for uv may be writing there when a build is ended; and comes after it,
        # for what a killed build left is swept then, and its container when ours starts.
        after = stack.enter_context(contextlib.ExitStack())
        running = stack.enter_context(contextlib.ExitStack())
        with located(spec, wish.key):
            reached = running.enter_context(self._started(engine, spec, wish.bundling.file_access))
        _require_entrypoint(reached.container, wish)
        interpreter = self._python(reached.container, wish, image)
        prepare(wish.bundling, reached, interpreter, engine=engine.name, key=wish.key)
        workbench = ContainerWorkbench(
            reached.container,
            wish.scratch,
            builder=Builder(engine=engine.name, image=image.base.reference, digest=image.base.digest or image.base.id),
            interpreter=interpreter,
            environment=wish.seen.environment,
            secrets=wish.seen.secrets,
            on_line=self._words.detail,
            shared=reached.shared,
            native=wish.native,
            trees=self._trees(wish, image, after) if reached.shared else None,
            entrypoint=wish.bundling.entrypoint,
            reclaims=wish.bundling.user is not None,
            leave=running.close,
        )
        return running.enter_context(contextlib.closing(workbench))

    def _python(self, container: Container, wish: _Wish, image: BundlingImage) -> str:
        """The target's Python in the container, which is looked for once in each image."""
        # What is mounted may hide what the image has.
        if wish.bundling.volumes or wish.bundling.volumes_from:
            return find_python(container, wish.target, key=wish.image_key)
        kept = self._cache / "pythons" / image.reference.replace(":", "-")
        with contextlib.suppress(OSError):
            return kept.read_text("utf-8")
        found = find_python(container, wish.target, key=wish.image_key)
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="python-", dir=kept.parent) as folder:
            made = Path(folder, "name")
            made.write_text(found, "utf-8")
            made.replace(kept)
        return found

    def _choose(self) -> Engine | None:
        if not self._chosen:
            self._engine = choice.choose(self._name, environ=self._environ, note=self._words.say)
            self._chosen = True
        return self._engine

    @contextlib.contextmanager
    def _started(self, engine: Engine, spec: ContainerSpec, access: FileAccess) -> Iterator[Reached]:
        # An engine that did not see this machine's files once is not tried again.
        with started(engine, spec, "volume-copy" if access == "auto" and self._copies else access) as reached:
            if access == "auto" and not reached.shared and not self._copies:
                self._copies = True
                self._words.say(f"{engine.name} does not see this machine's files: they are copied")
            yield reached

    def _image(self, engine: Engine, wish: _Wish) -> BundlingImage:
        bundling, key, seen = wish.bundling, wish.key, wish.seen
        own = own_containerfile(
            bundling, self._environ, root=self._root, key=key, hidden=seen.secrets, outputs=self._outputs
        )
        return bundling_image(
            engine,
            wish.target,
            base=bundling.image if isinstance(bundling.image, str) else own,
            uv_version=bundling.tools.uv or DEFAULT_UV,
            network=bundling.network,
            cache_dir=self._cache,
            exec_environment=tool_environment(bundling, self._environ, seen.environment, key=key),
            ca_bundle=seen.certificates,
            on_line=self._words.detail,
            platform=wish.platform,
            key=wish.image_key,
            on_step=self._words.say,
        )

    def _uv_cache(self, image: BundlingImage) -> Path:
        # Wheels that uv builds fit the image they were built in, so each image has its own cache.
        return self._cache / "uv-cache" / image.reference.rpartition(":")[2]

    def _trees(
        self, wish: _Wish, image: BundlingImage, stack: contextlib.ExitStack
    ) -> tuple[Path, PurePosixPath] | None:
        """A folder for trees whose files are linked to those of uv's cache; None where they have to be copied.

        It lies in that cache, since to the kernel each mount is a file system of its own.
        """
        # What another user installs is given back by chown, which would take the cache's own files with it.
        if wish.bundling.user is not None or wish.seen.environment["UV_CACHE_DIR"] != str(UV_CACHE):
            return None
        cache = self._uv_cache(image)
        folder = stack.enter_context(Cache(cache / "trees").scratch())
        return folder, UV_CACHE / folder.relative_to(cache).as_posix()

    def _spec(self, wish: _Wish, image: BundlingImage) -> ContainerSpec:
        uv_cache = self._uv_cache(image)
        uv_cache.mkdir(parents=True, exist_ok=True)
        bundling = wish.bundling
        if bundling.user is not None:
            wish.scratch.chmod(0o700)
            uv_cache.parent.chmod(0o700)
            let_write(*(wish.scratch / name for name in FOLDERS), uv_cache)
        return ContainerSpec(
            image=image.reference,
            platform=wish.platform,
            mounts=(
                *(Mount(source=wish.scratch / name, target=there) for name, there in FOLDERS.items()),
                Mount(source=uv_cache, target=UV_CACHE, is_cache=True),
                *wish.seen.mounts,
            ),
            network=bundling.network,
            user=bundling.user,
            security_opt=bundling.security_opt,
            volumes_from=bundling.volumes_from,
        )


def _require_entrypoint(container: Container, wish: _Wish) -> None:
    """An entrypoint has to run what follows it; one that does not would pass every hook by in silence.

    That of a command may be anything, such as the ``sh -c`` which has the whole command as its one argument.
    """
    if not wish.bundling.entrypoint or wish.bundling.command:
        return
    result = container.exec([*wish.bundling.entrypoint, "sh", "-c", f"exit {_PASSED_ON}"])
    if result.exit_code != _PASSED_ON:
        lines = last_lines([result.log])
        raise InstallError(
            f"{wish.key}.entrypoint does not run the command that follows it{f':{chr(10)}{lines}' if lines else ''}",
            hint='end it in what does, such as ["env", "NAME=value"] or a script with `exec "$@"` in its last line',
        )


def _copy(sources: Mapping[str, Path], folder: Path) -> None:
    folder.mkdir()
    for relative, source in sources.items():
        target = folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
