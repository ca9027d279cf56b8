"""The wheel with everything beside it: made aside, then moved into place together."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING

from lambda_backend.cache import Cache
from lambda_backend.errors import LambdaBackendError
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lambda_backend.last_build import LastBuild
    from lambda_backend.pipeline import Build
    from lambda_backend.report.model import Artifact
    from lambda_backend.settings.model import Settings
    from lambda_backend.wheels.kept import KeptWheels
    from lambda_backend.wheels.own import Made, OwnWheel

__all__ = ["LambdaStep"]


class LambdaStep(Value):
    """One call of the hook ``build_wheel`` for a project with ``[tool.lambda]``."""

    build: Build
    settings: Settings
    directory: Path
    """Where the wheel goes."""
    metadata_directory: str | None
    """As the frontend has it."""
    last: LastBuild | None
    """Takes down what was done."""

    def run(self) -> str:
        """Make it all; gives the wheel's name."""
        cache = Cache.default(self.build.environ)
        with contextlib.ExitStack() as stack:
            stage = stack.enter_context(cache.scratch(held=False))
            if self.last:
                stack.enter_context(self.last.observed(self._outputs))
            wheels = self._wheels(cache, stage)
            own = stack.enter_context(wheels.begun(stage / "wheel", functools.partial(self._wheel_here, stage)))
            self._package(cache, stage, own, keep=wheels.may_keep)
        return own.made.path.name

    @property
    def _output(self) -> Path:
        return self.build.output(self.settings, self.directory)

    @property
    def _outputs(self) -> tuple[Path, ...]:
        return (self.directory, self._output)

    def _wheels(self, cache: Cache, stage: Path) -> KeptWheels:
        from lambda_backend.wheels.kept import KeptWheels

        (stage / "wheel").mkdir()
        build = self.build
        told = bool(self.metadata_directory or build.loaded.inner_config_settings)
        return KeptWheels(
            cache,
            root=build.root,
            document=build.loaded.document,
            backend=build.wheel_backend_in(stage / "build"),
            # What it is told, the backend may write into the wheel as it likes; and who wants to hear it lets it run.
            told=told or bool(build.environ.get("LAMBDA_BACKEND_VERBOSE")),
            outputs=self._outputs,
            environ=build.environ,
        )

    def _wheel_here(self, stage: Path) -> str:
        backend, inner = self.build.wheel_backend_in(stage / "build"), self.build.loaded.inner_config_settings
        return backend.call("build_wheel", str(stage / "wheel"), inner, self.metadata_directory)

    def _package(self, cache: Cache, stage: Path, own: OwnWheel, *, keep: bool) -> None:
        """Make the artefacts beside the wheel, and move everything into place together."""
        from lambda_backend.output import Delivery, delivered
        from lambda_backend.packing.packer import Packer
        from lambda_backend.report.manifest import manifest
        from lambda_backend.report.terminal import table

        if self.settings.sbom:
            from lambda_backend.report.sbom.write import require_library

            require_library()
        words, output = self.build.words, self._output
        order = self.build.order(self.settings, own, outputs=self._outputs)
        ahead = self.last.ahead if self.last else None
        packer = Packer(order, cache=cache, stage=stage, words=words, ahead=ahead)
        artifacts = packer.artifacts()
        made, project = own.made, own.made.project
        boms: list[Path] = []
        if self.settings.sbom:
            from lambda_backend.report.sbom.write import write_sboms

            boms = write_sboms(artifacts, project, stage)
        places = {item.file_name: item.file_name for item in artifacts}
        text = manifest(project.name, project.version, artifacts, places, sboms=self.settings.sbom)
        described = stage / f"{project.stem}.lambda.json"
        described.write_text(text, "utf-8")
        deliveries = [
            *(Delivery(source=item.archive.path, target=output / item.file_name) for item in artifacts),
            *(Delivery(source=path, target=output / path.name) for path in boms),
            Delivery(source=described, target=output / described.name),
            Delivery(source=made.path, target=self.directory / made.path.name),
        ]
        with delivered(deliveries):
            words.block(table(artifacts))
            words.say(f"{len(artifacts)} in {output}")
            # All is in place: where the cache is full, the next build does it all again.
            with contextlib.suppress(LambdaBackendError, OSError):
                packer.needs.keep()
                if self.last and keep:
                    self.last.keep(
                        wheel=made.path.name,
                        made=tuple(self._paths(made, artifacts, described.name)),
                        bases=packer.bases,
                        said="\n".join(words.lines),
                        until=packer.until,
                    )

    def _paths(self, made: Made, artifacts: tuple[Artifact, ...], manifest: str) -> Iterator[Path]:
        """Everything that was made, as ``Again`` has it."""
        from lambda_backend.report.manifest import sbom_of

        yield self.directory / made.path.name
        for artifact in artifacts:
            yield self._output / artifact.file_name
            if self.settings.sbom:
                yield self._output / sbom_of(artifact.file_name)
        yield self._output / manifest
