"""The edge: a frontend's words in, errors out as one message. No logic.

PEP 517 and PEP 660 fix the names and signatures. A frontend runs hooks in the project's folder.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_backend.edge import edge

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "has_hook",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

_Config = dict[str, Any] | None


def _build(config_settings: _Config, environ: Mapping[str, str] = os.environ) -> Any:  # noqa: ANN401 - imported late
    from lambda_backend.pipeline import Build

    return Build.load(Path.cwd(), dict(config_settings or {}), environ)


@edge
def has_hook(name: str) -> bool:
    """Whether the wheel backend has an optional hook (PEP 517: one that is lacking is absent)."""
    return bool(_build(None).wheel_backend.has(name))


@edge
def get_requires_for_build_wheel(config_settings: _Config = None) -> list[str]:
    """PEP 517; asks for ``docker`` or ``uv`` only when this build will use them."""
    return list(_build(config_settings).requires_for_wheel())


@edge
def get_requires_for_build_sdist(config_settings: _Config = None) -> list[str]:
    """PEP 517."""
    return list(_build(config_settings).requires("get_requires_for_build_sdist"))


@edge
def get_requires_for_build_editable(config_settings: _Config = None) -> list[str]:
    """PEP 660."""
    return list(_build(config_settings).requires("get_requires_for_build_editable"))


@edge
def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: _Config = None) -> str:
    """PEP 517."""
    return str(_build(config_settings).delegate("prepare_metadata_for_build_wheel", metadata_directory))


@edge
def prepare_metadata_for_build_editable(metadata_directory: str, config_settings: _Config = None) -> str:
    """PEP 660."""
    return str(_build(config_settings).delegate("prepare_metadata_for_build_editable", metadata_directory))


@edge
def build_wheel(wheel_directory: str, config_settings: _Config = None, metadata_directory: str | None = None) -> str:
    """PEP 517; makes the wheel and, beside it, the Lambda artefacts."""
    if metadata_directory is not None:
        return str(_build(config_settings).wheel(Path(wheel_directory), metadata_directory))
    from lambda_backend.last_build import LastBuild
    from lambda_backend.report.words import Words

    with LastBuild(Path.cwd(), Path(wheel_directory), config_settings or {}, os.environ) as last:
        if (again := last.again(Words())) is not None:
            return again.wheel
        return str(_build(config_settings, last.environ).wheel(Path(wheel_directory), None, last=last))


@edge
def build_editable(wheel_directory: str, config_settings: _Config = None, metadata_directory: str | None = None) -> str:
    """PEP 660; never packages."""
    return str(_build(config_settings).delegate("build_editable", wheel_directory, after=(metadata_directory,)))


@edge
def build_sdist(sdist_directory: str, config_settings: _Config = None) -> str:
    """PEP 517; the sdist holds everything that the Lambda step will read."""
    return str(_build(config_settings).sdist(Path(sdist_directory)))
