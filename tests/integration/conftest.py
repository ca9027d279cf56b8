from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers import deployable as deployables
from tests.helpers import machine as machines
from tests.helpers.aws import Aws, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.helpers.machine import Machine


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return machines.machine(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For tools that the tests install: a folder that CI keeps between its runs."""
    return Path(os.environ.get("CI_CACHE_DIR") or tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def deployable(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with what it takes to deploy it in ``dist/``; tests put their tool's folder beside that."""
    made = deployables.make(tmp_path_factory.mktemp("deployable") / "project")
    machine.build(made)
    return made


@pytest.fixture(scope="session")
def aws(kept: Path) -> Iterator[Aws]:
    """AWS as moto's server plays it."""
    with serving(kept) as served:
        yield served
