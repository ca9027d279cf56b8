from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

import pytest
from packaging.utils import canonicalize_name

from lambda_backend.archive.writer import write
from lambda_backend.bundle.model import Member
from lambda_backend.metadata import ProjectMetadata
from lambda_backend.report.model import Artifact
from lambda_backend.requirements.model import Pin
from lambda_backend.settings.load import load
from lambda_backend.settings.resolve import artifacts
from lambda_backend.targets import target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TABLE = """\
[tool.lambda]
runtime = "python3.13"
[tool.lambda.functions.api]
handler = "shop.api.handler"
extras = ["pdf"]
layers = ["deps", "more"]
[tool.lambda.functions.worker]
entry = "functions/worker"
[tool.lambda.layers.deps]
extras = ["pdf"]
[tool.lambda.layers.more]
"""
PROJECT = ProjectMetadata(name="Shop", version="1.0.0", requires_dist=("one", 'two; extra == "pdf"'), stem="shop-1.0.0")


class Ship(Protocol):
    def __call__(
        self,
        distributions: Mapping[str, str],
        pins: Sequence[Pin] = (),
        *,
        name: str = "api",
        more: Mapping[str, object] | None = None,
        epoch: int | None = None,
    ) -> Artifact: ...


def pin(name: str, version: str | None = "1.0", **more: object) -> Pin:
    return Pin(**{"name": canonicalize_name(name), "version": version, "kind": "wheel", **more})  # type: ignore[arg-type]


@pytest.fixture
def ship(tmp_path: Path) -> Ship:
    """Makes an artefact with distributions: for ``NAME-VERSION``, further lines of its METADATA."""
    (tmp_path / "pyproject.toml").write_text(TABLE)
    settings = load(tmp_path / "pyproject.toml", config_settings=None, environ={}).settings
    assert settings is not None
    by_name = {artifact.name: artifact for artifact in artifacts(settings)}

    def make(
        distributions: Mapping[str, str],
        pins: Sequence[Pin] = (),
        *,
        name: str = "api",
        more: Mapping[str, object] | None = None,
        epoch: int | None = None,
    ) -> Artifact:
        chosen = by_name[name]
        start = f"{chosen.path_prefix}/" if chosen.path_prefix else ""
        members = [Member(path=f"{start}x.py", source=b"")]
        for title, lines in distributions.items():
            text = "Metadata-Version: 2.4\nName: {}\nVersion: {}\n".format(*title.split("-")) + lines
            members.append(Member(path=f"{start}{title}.dist-info/METADATA", source=text.encode()))
        for path, content in (more or {}).items():
            source = content if isinstance(content, bytes) else json.dumps(content).encode()
            members.append(Member(path=start + path, source=source))
        found = target("python3.13", "arm64")
        file_name = f"shop-1.0.0-{name}-{found.name}.zip"
        return Artifact(
            settings=chosen,
            target=found,
            archive=write(tmp_path / file_name, members, epoch=epoch),
            file_name=file_name,
            pins=tuple(pins),
            lock=None,
            builder=None,
            from_cache=False,
            seconds=0,
        )

    return make
