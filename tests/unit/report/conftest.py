from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from lambda_backend.archive.writer import write
from lambda_backend.bundle.model import Member
from lambda_backend.findings import Finding
from lambda_backend.install.builder import Builder
from lambda_backend.report.model import Artifact
from lambda_backend.requirements.model import Pin
from lambda_backend.settings.load import load
from lambda_backend.settings.resolve import artifacts
from lambda_backend.targets import target

if TYPE_CHECKING:
    from pathlib import Path

TABLE = """\
[tool.lambda]
runtime = "python3.13"
[tool.lambda.functions.api]
handler = "shop.api.handler"
layers = ["deps"]
[tool.lambda.layers.deps]
"""
BUILDER = Builder(engine="docker", image="public.example/build:latest", digest="sha256:0123")


class MakeArtifact(Protocol):
    def __call__(
        self,
        name: str = "api",
        *,
        builder: Builder | None = BUILDER,
        from_cache: bool = False,
        omitted: tuple[Pin, ...] = (),
    ) -> Artifact: ...


@pytest.fixture
def make_artifact(tmp_path: Path) -> MakeArtifact:
    """Makes a finished artefact with one dependency of 2 KiB, without one where nobody built any."""
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text(TABLE)
    settings = load(pyproject, config_settings=None, environ={}).settings
    assert settings is not None
    by_name = {artifact.name: artifact for artifact in artifacts(settings)}

    def make(
        name: str = "api",
        *,
        builder: Builder | None = BUILDER,
        from_cache: bool = False,
        omitted: tuple[Pin, ...] = (),
    ) -> Artifact:
        members = [
            Member(path="shop/api.py", source=b"x" * 100, owner="project"),
            Member(path="stray.txt", source=b""),
        ]
        pins: tuple[Pin, ...] = ()
        if builder is not None:
            members.insert(0, Member(path="idna/a.py", source=b"a" * 1024, owner="idna"))
            members.insert(1, Member(path="idna/b.py", source=b"b" * 1024, owner="idna"))
            pins = (Pin(name="idna", version="3.20", kind="wheel", sha256="f" * 64),)  # type: ignore[arg-type]
        found = target("python3.13", "arm64")
        file_name = f"shop-1.0.0-{name}-{found.name}.zip"
        return Artifact(
            settings=by_name[name],
            target=found,
            archive=write(tmp_path / file_name, members),
            file_name=file_name,
            pins=pins,
            omitted=omitted,
            lock="uv.lock" if pins else None,
            builder=builder,
            from_cache=from_cache,
            seconds=1.234,
            findings=(Finding(check="runtime-support", level="warn", message="old"),) if pins else (),
        )

    return make
