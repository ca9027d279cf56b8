"""Engines that run programs of another processor."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lambda_backend.engines.choice import choose
from lambda_backend.engines.protocol import ContainerSpec
from lambda_backend.errors import EngineUnavailableError
from lambda_backend.targets import target
from tests.helpers.interpreters import unavailable

if TYPE_CHECKING:
    from lambda_backend.engines.protocol import Engine


def emulates(name: str, runtime: str, architecture: str) -> Engine:
    """The engine, which runs programs of the architecture; else the test is skipped, or fails in CI."""
    found = choose(name, environ=os.environ, note=print)
    assert found is not None
    wanted = target(runtime, architecture)
    if found.image(wanted.build_image, wanted.container_platform) is None:
        unavailable(f"{name} does not have {wanted.build_image}; .ci/engines makes a stand-in")
    try:
        with found.start(ContainerSpec(image=wanted.build_image, platform=wanted.container_platform)) as container:
            container.exec(["true"])
    except EngineUnavailableError as error:
        unavailable(str(error))
    return found
