"""What an engine refuses is told by the key that asked for it, and leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.helpers.containers import containers_with, engine_command
from tests.helpers.engine_answers import engine_environment
from tests.helpers.machine import project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.machine import Machine

pytestmark = pytest.mark.engine

TABLE = """
[tool.lambda]
runtime = "python3.13"
handler = "tiny.app.handler"
[tool.lambda.bundling]
{bundling}
"""
BAD = {
    "volumes[1]": "volumes = [{ host-path = '/tmp', container-path = '/t' }, "
    "{ host-path = '/not/there', container-path = '/x' }]",
    "security-opt[0]": "security-opt = ['no-such-option=1']",
    "volumes-from[0]": "volumes-from = ['no-such-container']",
    "user": "user = 'nobody-of-that-name'",
}


@pytest.mark.parametrize("engine", ["docker", "podman"])
@pytest.mark.parametrize("key", BAD)
def test_a_bad_option(key: str, engine: str, machine: Machine, tmp_path: Path) -> None:
    if (engine, key) == ("podman", "security-opt[0]"):
        bundling = "security-opt = ['seccomp=/not/there.json']"
    else:
        bundling = BAD[key]
    folder = project(tmp_path / "tiny", TABLE.format(bundling=bundling), dependencies='["six"]')
    env = {**engine_environment(engine), "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")}
    outcome = machine.build(folder, env=env, check=False)
    assert outcome.exit_code != 0
    assert f"tool.lambda.bundling.{key}" in outcome.message
    assert "→" in outcome.message
    assert "Traceback" not in outcome.log
    assert not list((folder / "dist").glob("*"))
    assert not containers_with(engine_command(engine), tmp_path)


def test_an_unreachable_remote_engine(machine: Machine, tmp_path: Path) -> None:
    folder = project(tmp_path / "tiny", TABLE.format(bundling=""), dependencies='["six"]')
    env = {"LAMBDA_BACKEND_ENGINE": "docker", "DOCKER_HOST": "tcp://127.0.0.1:9"}
    message = machine.build(folder, env=env, check=False).message
    assert "tcp://127.0.0.1:9 (DOCKER_HOST)" in message
    assert "→" in message
