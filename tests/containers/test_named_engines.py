"""Whole builds with Finch and nerdctl, for which Podman stands in: see conftest.py."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.helpers.machine import artifacts, example, machine, manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.helpers.machine import Machine

pytestmark = [pytest.mark.engine, pytest.mark.network]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return machine(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def by_podman(here: Machine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The digest of the zip that Podman under its own name makes."""
    project = example("quickstart", tmp_path_factory.mktemp("podman") / "quickstart")
    here.build(project, env={"LAMBDA_BACKEND_ENGINE": "podman", "LAMBDA_BACKEND_BUNDLING_NETWORK": "host"})
    return zips(project)


def zips(project: Path) -> dict[str, str]:
    return {name: digest for name, digest in artifacts(project / "dist").items() if name.endswith(".zip")}


@pytest.fixture(params=["finch", "nerdctl"])
def stand_in(request: pytest.FixtureRequest, here: Machine, podman_as: Callable[[str], Path]) -> dict[str, str]:
    """The variables with which a build takes that engine."""
    path = f"{podman_as(request.param)}{os.pathsep}{here.environment()['PATH']}"
    return {"PATH": path, "LAMBDA_BACKEND_ENGINE": request.param, "LAMBDA_BACKEND_BUNDLING_NETWORK": "host"}


@pytest.mark.parametrize("access", ["bind-mount", "volume-copy"])
def test_quickstart(
    access: str, stand_in: dict[str, str], here: Machine, by_podman: dict[str, str], tmp_path: Path
) -> None:
    project = example("quickstart", tmp_path / "quickstart")
    settings = {
        "LAMBDA_BACKEND_BUNDLING_FILE_ACCESS": access,
        "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache"),  # nothing is there yet that another engine made
    }
    outcome = here.build(project, env={**stand_in, **settings})
    name = stand_in["LAMBDA_BACKEND_ENGINE"]
    assert f"({name})" in outcome.log
    (artifact,) = manifest(project / "dist")["artifacts"]
    assert artifact["engine"] == name
    assert zips(project) == by_podman
