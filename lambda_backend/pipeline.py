"""Puts the stages together: what each hook does, without how."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from lambda_backend import frontends
from lambda_backend.errors import LambdaBackendError, WheelBackendError
from lambda_backend.report.words import Words
from lambda_backend.settings.filled import filled
from lambda_backend.settings.interpolate import expand
from lambda_backend.settings.load import load
from lambda_backend.settings.resolve import artifacts as artifact_settings
from lambda_backend.values import Value
from lambda_backend.wheel_backend import SETUPTOOLS, WheelBackend, may_require

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambda_backend.last_build import LastBuild
    from lambda_backend.metadata import ProjectMetadata
    from lambda_backend.packing.order import Order
    from lambda_backend.settings.load import Loaded
    from lambda_backend.settings.model import Settings
    from lambda_backend.settings.resolve import ArtifactSettings
    from lambda_backend.wheels.own import Made, OwnWheel

__all__ = ["Build"]

_REQUIREMENTS = {"docker": "docker>=7.1", "host": "uv>=0.13,<0.14"}
_FOR_LOCKS = "filelock>=3.16"
_FOR_COMPILED_CODE = "pyelftools>=0.32"
_FOR_SBOM = "cyclonedx-python-lib>=11,<12"


class Build(Value):
    """One call of one hook: the project, its settings, and the frontend's words."""

    root: Path
    loaded: Loaded
    environ: Mapping[str, str]
    words: Words

    @classmethod
    def load(cls, root: Path, config_settings: Mapping[str, Any], environ: Mapping[str, str]) -> Build:
        """Read the project in ``root``.

        Raises:
            SettingsError: with every problem of the table.
        """
        loaded = load(root / "pyproject.toml", config_settings=config_settings, environ=environ)
        verbose = bool(environ.get("LAMBDA_BACKEND_VERBOSE"))
        return cls(root=root, loaded=loaded, environ=environ, words=Words(verbose=verbose))

    @property
    def artifacts(self) -> tuple[ArtifactSettings, ...]:
        """Every artefact that this build is asked for."""
        return tuple(item for item in self.all_artifacts() if not self.loaded.only or item.name in self.loaded.only)

    def all_artifacts(self) -> tuple[ArtifactSettings, ...]:
        """Every artefact of the project."""
        if self.loaded.settings is None:
            return ()
        artifact_settings(self.loaded.settings, self.loaded.only)  # refuses unknown names
        return tuple(filled(item, self.environ) for item in artifact_settings(self.loaded.settings))

    def _layers(self) -> dict[str, ArtifactSettings]:
        return {item.name: item for item in self.all_artifacts() if item.kind == "layer"}

    @property
    def wheel_backend(self) -> WheelBackend:
        """The backend that makes the wheel and the sdist."""
        return self.wheel_backend_in(None)

    def wheel_backend_in(self, build_base: Path | None) -> WheelBackend:
        """The same, with a folder for what setuptools makes on its way."""
        if self.loaded.wheel_backend.partition(":")[0] == "lambda_backend":
            raise WheelBackendError("tool.lambda.wheel-backend: lambda_backend cannot be its own wheel backend")
        return WheelBackend(
            self.loaded.wheel_backend,
            without_modules=self._is_made_of_entries(),
            no_packages=self._folders_without_packages(),
            build_base=build_base,
        )

    def requires(self, hook: str) -> list[str]:
        """What the wheel backend asks for."""
        # setuptools comes with us, and takes long to say that a project without ``setup_requires`` needs nothing more.
        if self.loaded.wheel_backend == SETUPTOOLS and not may_require(self.root):
            return []
        return self.wheel_backend.requires(hook, self.loaded.inner_config_settings)

    def requires_for_wheel(self) -> list[str]:
        """What the wheel backend asks for, and what this build itself will use.

        That is ``docker`` or ``uv`` where it will install dependencies, with what reads them, and a library for bills
        of materials. What an isolated build does not ask for, nobody waits for.
        """
        asked = self.requires("get_requires_for_build_wheel")
        settings = self.loaded.settings
        if settings is None or self._skipped(None) is not None:
            return asked
        if settings.sbom:
            asked = [*asked, _FOR_SBOM]
        if not self._opens_workbench(settings):
            return [*asked, _FOR_COMPILED_CODE] if self._may_ship_compiled_code() else asked
        from lambda_backend.engines.choice import likely

        engines = [likely(settings.engine, self.environ)]
        # An engine that answers may yet have no build image and no way to pull one: then the host it is. And what runs
        # the handler comes from the package index.
        if settings.engine == "auto" or settings.checks.import_handler:
            engines.append("host")
        chosen = dict.fromkeys(_REQUIREMENTS[engine] for engine in engines if engine in _REQUIREMENTS)
        return [*asked, *chosen, _FOR_LOCKS, _FOR_COMPILED_CODE]

    def _opens_workbench(self, settings: Settings) -> bool:
        """Whether this build may have to install or to run something."""
        from lambda_backend.packing.order import needed
        from lambda_backend.planning import may_compile, may_install

        artifacts = needed(self.artifacts, self._layers())
        if any(artifact.project for artifact in artifacts) and may_compile(self.root, self.loaded.wheel_backend):
            return True
        if settings.checks.import_handler or any(item.bytecode or item.bundling.has_commands for item in artifacts):
            return True
        return any(may_install(item, self.root) for item in artifacts) and not self._all_is_kept(settings)

    def _may_ship_compiled_code(self) -> bool:
        """Whether there is any among the project's own files and those of its path dependencies."""
        from lambda_backend.sources import common_base, has_compiled_code

        try:
            return has_compiled_code(common_base(self.all_artifacts(), self.root))
        except (LambdaBackendError, OSError):
            return True  # whatever is wrong is told by the build itself

    def _all_is_kept(self, settings: Settings) -> bool:
        """Whether all that would have to be installed is in the cache, as far as can be told without a wheel."""
        from lambda_backend.cache import Cache
        from lambda_backend.metadata import declared_by
        from lambda_backend.packing.foresight import all_is_kept

        project = declared_by(self.loaded.document)
        if project is None:
            return False
        from lambda_backend.wheels.own import OwnWheel

        order = self.order(settings, OwnWheel(_no_wheel, project=project), outputs=())
        return all_is_kept(order, cache=Cache.default(self.environ))

    def delegate(self, hook: str, directory: str, *, after: tuple[Any, ...] = ()) -> str:
        """Let the wheel backend do it all."""
        return self.wheel_backend.call(hook, directory, self.loaded.inner_config_settings, *after)

    def metadata(self, scratch: Path) -> ProjectMetadata:
        """Name and dependencies of the project, as pyproject.toml has them or else as the wheel backend says.

        Args:
            scratch: an empty folder.
        """
        from lambda_backend import metadata
        from lambda_backend.documents import read_toml

        found = metadata.declared_by(read_toml(self.root / "pyproject.toml"))
        if found is not None:
            return found
        # PEP 517: the hook is optional, and a wheel says the same.
        if self.wheel_backend.has("prepare_metadata_for_build_wheel"):
            return metadata.read_folder(scratch / self.delegate("prepare_metadata_for_build_wheel", str(scratch)))
        return metadata.read(scratch / self.delegate("build_wheel", str(scratch)))

    def sdist(self, directory: Path) -> str:
        """An sdist that holds everything the Lambda step reads."""
        if self.loaded.settings is None:
            return self.delegate("build_sdist", str(directory))
        from lambda_backend.sdist import complete
        from lambda_backend.sources import project_sources, refuse_outside

        artifacts = self.all_artifacts()
        refuse_outside(artifacts, self.root)
        sources = project_sources(artifacts, self.root, (directory, self.output(self.loaded.settings, directory)))
        name = self.delegate("build_sdist", str(directory))
        if added := complete(directory / name, sources):
            self.words.say(f"added to the sdist, since the Lambda step reads them: {_listed(added)}")
        return name

    def wheel(self, directory: Path, metadata_directory: str | None, *, last: LastBuild | None = None) -> str:
        """The wheel and, unless this build is asked for the wheel alone, the artefacts and their manifest.

        Args:
            directory: where the wheel goes.
            metadata_directory: as the frontend has it.
            last: takes down what was done.
        """
        settings = self.loaded.settings
        skipped = None if settings is None else self._skipped(directory)
        if settings is None or skipped is not None:
            if skipped:
                self.words.say(skipped)
            return self.delegate("build_wheel", str(directory), after=(metadata_directory,))
        from lambda_backend.lambda_step import LambdaStep

        step = LambdaStep(
            build=self, settings=settings, directory=directory, metadata_directory=metadata_directory, last=last
        )
        return step.run()

    def order(self, settings: Settings, own: OwnWheel, outputs: tuple[Path, ...]) -> Order:
        """What there is to make.

        Args:
            settings: the table.
            own: the project's wheel.
            outputs: folders that builds write to.
        """
        from lambda_backend.packing.order import Order

        return Order(
            root=self.root,
            asked=self.artifacts,
            layers=self._layers(),
            engine=settings.engine,
            checks=settings.checks,
            max_size=settings.max_size,
            own=own,
            wheel_backend=self.wheel_backend,
            outputs=outputs,
            environ=self.environ,
        )

    def output(self, settings: Settings, wheel_directory: Path) -> Path:
        """The folder that the artefacts go to."""
        if settings.output_dir is None:
            return wheel_directory
        return wheel_directory / Path(expand(settings.output_dir, self.environ, "tool.lambda.output-dir")).expanduser()

    def _skipped(self, wheel_directory: Path | None) -> str | None:
        """Why this build makes no artefacts: the frontend would throw them away. One line, or None."""
        frontend = frontends.keeps_only_the_wheel(self.environ, wheel_directory)
        asked = self.loaded.output_dir_asked
        if frontend is None or (asked is not None and Path(asked).expanduser().is_absolute()):
            return None
        return (
            f"Lambda step skipped: {frontend} keeps only the wheel. "
            "Ask for it with an absolute folder: -C lambda.output-dir=/path (or LAMBDA_BACKEND_OUTPUT_DIR)"
        )

    def _folders_without_packages(self) -> set[str]:
        """Folders at the top that hold entries or what is included, and no code of the project's own functions."""
        found = artifact_settings(self.loaded.settings) if self.loaded.settings else ()
        named = [item.entry for item in found if item.entry]
        named += [include.from_ for item in found for include in item.include]
        packages = {re.split(r"[./]", item.handler)[0] for item in found if item.project and item.handler}
        tops = {PurePosixPath(path).parts[0] for path in named if PurePosixPath(path).parts}
        return {top for top in tops - packages if (self.root / top).is_dir()}

    def _is_made_of_entries(self) -> bool:
        """Nothing of the project is a Python package: every artefact is an entry or dependencies alone."""
        if self.loaded.settings is None:
            return False
        found = artifact_settings(self.loaded.settings)
        if not any(artifact.entry for artifact in found) or any(artifact.project for artifact in found):
            return False
        from lambda_backend.documents import read_toml
        from lambda_backend.wheel_backend import names_modules

        return not names_modules(
            self.root, read_toml(self.root / "pyproject.toml").get("tool", {}).get("setuptools", {})
        )


def _no_wheel() -> Made:
    raise WheelBackendError("the wheel has not been made")


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"  # noqa: PLR2004 - as many as are shown
