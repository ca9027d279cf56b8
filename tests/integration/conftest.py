from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.helpers import machine as machines

if TYPE_CHECKING:
    from tests.helpers.machine import Machine


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return machines.machine(tmp_path_factory.getbasetemp())
