"""Opens the workbench that the settings ask for: which engine, which image, and what is in sight of it."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from lambda_backend.engines import choice
from lambda_backend.engines.ca import ca_bundle_mount, ca_environment
from lambda_backend.engines.environment import exec_environment
from lambda_backend.engines.image import bundling_image, find_python
from lambda_backend.engines.protocol import ContainerSpec, Mount
from lambda_backend.errors import EngineUnavailableError
from lambda_backend.install.workbench import INPUT, OUTPUT, Builder, ContainerWorkbench, HostWorkbench, with_uv_index
from lambda_backend.settings.interpolate import expand, secrets_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lambda_backend.engines.image import BundlingImage
    from lambda_backend.engines.protocol import Engine
    from lambda_backend.install.workbench import Workbench
    from lambda_backend.report.words import Words
    from lambda_backend.settings.model import BundlingSettings
    from lambda_backend.targets import Target

__all__ = ["DEFAULT_UV", "Opener"]

DEFAULT_UV = "0.13.9"
"""The uv in the bundling image unless ``tools.uv`` says otherwise."""
_UV_CACHE = PurePosixPath("/var/cache/uv")
_NETRC = PurePosixPath("/etc/lambda-backend/netrc")


class Opener:
    """Chooses the engine once for a build, and opens workbenches with it.

    Args:
        engine: value of the key ``engine``.
        environ: of the process.
        cache: folder for uv's caches and binaries.
        words: what is done is said there.
    """

    def __init__(self, engine: str, *, environ: Mapping[str, str], cache: Path, words: Words) -> None:
        self._name = engine
        self._environ = environ
        self._cache = cache
        self._words = words
        self._engine: Engine | None = None
        self._chosen = False

    @contextlib.contextmanager
    def open(
        self, target: Target, bundling: BundlingSettings, scratch: Path, sources: Mapping[str, Path], key: str
    ) -> Iterator[Workbench]:
        """A workbench for a target, with the project's sources in its input.

        Args:
            target: what is installed for.
            bundling: where and how.
            scratch: an empty folder that is removed by the caller.
            sources: files by the path that they get below the input.
            key: path of the bundling settings, for messages.
        """
        _copy(sources, scratch / "input")
        (scratch / "output").mkdir()
        bundling = _filled(bundling, self._environ, key)
        templates = bundling.environment
        filled = {name: expand(value, self._environ, f"{key}.environment.{name}") for name, value in templates.items()}
        # In uv's words before it meets the host's: the project's PIP_INDEX_URL wins over a UV_DEFAULT_INDEX there.
        environment = with_uv_index(filled)
        secrets = [secret for value in templates.values() for secret in secrets_in(value, self._environ)]
        engine = self._choose()
        image = None
        if engine is not None:
            image = self._image(engine, target, bundling, environment)
        if engine is None or image is None:
            yield HostWorkbench(
                scratch, environ={**self._environ, **environment}, secrets=secrets, on_line=self._words.detail
            )
            return
        self._words.say(f"starting a container for {target.name} ({engine.name})")
        with engine.start(self._spec(target, bundling, scratch, image)) as container:
            yield ContainerWorkbench(
                container,
                scratch,
                builder=Builder(
                    engine=engine.name, image=image.base.reference, digest=image.base.digest or image.base.id
                ),
                interpreter=find_python(container, target),
                environment=self._inside(bundling, environment),
                secrets=secrets,
                on_line=self._words.detail,
            )

    def _choose(self) -> Engine | None:
        if not self._chosen:
            self._engine = choice.choose(self._name, environ=self._environ, note=self._words.say)
            self._chosen = True
        return self._engine

    def _image(
        self, engine: Engine, target: Target, bundling: BundlingSettings, environment: Mapping[str, str]
    ) -> BundlingImage | None:
        """The bundling image; None where it cannot be had and ``auto`` may fall back to the host."""
        try:
            return bundling_image(
                engine,
                target,
                base=bundling.image if isinstance(bundling.image, str) else None,
                uv_version=bundling.tools.uv or DEFAULT_UV,
                network=bundling.network,
                cache_dir=self._cache,
                exec_environment=self._inside(bundling, environment),
                ca_bundle=ca_bundle_mount(bundling.ca_bundle, self._environ),
                on_line=self._words.detail,
            )
        except EngineUnavailableError as error:
            if self._name != "auto":
                raise
            self._words.say(f"{' '.join(error.message.split())}: building on the host")
            return None

    def _inside(self, bundling: BundlingSettings, environment: Mapping[str, str]) -> dict[str, str]:
        """The environment of every command in the container. It may hold secrets, so it is no part of the spec."""
        return {
            **exec_environment(self._environ),
            **(ca_environment() if ca_bundle_mount(bundling.ca_bundle, self._environ) else {}),
            **({"NETRC": str(_NETRC)} if _netrc(self._environ) else {}),
            "UV_CACHE_DIR": str(_UV_CACHE),
            "UV_LINK_MODE": "copy",
            "UV_NO_PROGRESS": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            **environment,
        }

    def _spec(self, target: Target, bundling: BundlingSettings, scratch: Path, image: BundlingImage) -> ContainerSpec:
        # Wheels that uv builds fit the image they were built in, so each image has its own cache.
        uv_cache = self._cache / "uv-cache" / image.reference.rpartition(":")[2]
        uv_cache.mkdir(parents=True, exist_ok=True)
        mounts = [
            Mount(source=scratch / "input", target=INPUT),
            Mount(source=scratch / "output", target=OUTPUT),
            Mount(source=uv_cache, target=_UV_CACHE),
        ]
        if bundle := ca_bundle_mount(bundling.ca_bundle, self._environ):
            mounts.append(bundle)
        if netrc := _netrc(self._environ):
            mounts.append(Mount(source=netrc, target=_NETRC, read_only=True))
        return ContainerSpec(
            image=image.reference,
            platform=target.container_platform,
            mounts=tuple(mounts),
            network=bundling.network,
            user=bundling.user,
            working_directory=str(INPUT),
        )


def _filled(bundling: BundlingSettings, environ: Mapping[str, str], key: str) -> BundlingSettings:
    """The bundling settings with every ``${NAME}`` filled in but those of ``environment``, which may be secrets."""

    def fill(text: str | None, name: str) -> str | None:
        return text if text is None else expand(text, environ, f"{key}.{name}")

    return dataclasses.replace(
        bundling,
        image=fill(bundling.image, "image") if isinstance(bundling.image, str) else bundling.image,
        network=fill(bundling.network, "network"),
        user=fill(bundling.user, "user"),
        ca_bundle=fill(bundling.ca_bundle, "ca-bundle") or "auto",
    )


def _netrc(environ: Mapping[str, str]) -> Path | None:
    """The host's netrc file, by curl's and uv's rule: the one that NETRC names, or ``~/.netrc``."""
    named = environ.get("NETRC")
    path = Path(named) if named else Path(environ.get("HOME", "~")).expanduser() / ".netrc"
    return path.resolve() if path.is_file() else None


def _copy(sources: Mapping[str, Path], folder: Path) -> None:
    folder.mkdir()
    for relative, source in sources.items():
        target = folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
