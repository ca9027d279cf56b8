from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from lambda_backend.engines.blame import located
from lambda_backend.engines.protocol import ContainerSpec, Mount
from lambda_backend.errors import EngineError

SPEC = ContainerSpec(
    image="public.ecr.aws/sam/build-python3.13",
    platform="linux/amd64",
    network="corporate",
    user="builder:staff",
    working_directory="/src",
    security_opt=("no-new-privileges", "apparmor=strict"),
    volumes_from=("777f7dc92da7", "data:ro"),
    mounts=(
        Mount(source=Path("/tmp/scratch/input"), target=PurePosixPath("/asset-input")),  # noqa: S108
        Mount(source=Path("/srv/models"), target=PurePosixPath("/mnt/models"), option="volumes[0]"),
    ),
)
WORDS = {
    "network corporate not found": "network",
    'unable to find network with name or ID corporate: network not found: "x"': "network",
    "no such network: corporate": "network",
    "unable to find user builder: no matching entries in passwd file": "user",
    "unable to find group staff: no matching entries in group file": "user",
    "No such container: 777f7dc92da7": "volumes-from[0]",
    'error looking up container "data": no container with name or ID "data" found': "volumes-from[1]",
    'apparmor failed to apply profile: write strict: apparmor profile "strict" not found': "security-opt[1]",
    'invalid --security-opt 1: "no-new-privileges"': "security-opt[0]",
    "statfs /srv/models: no such file or directory": "volumes[0]",
    "invalid mount config for type bind: bind source path does not exist: /srv/models": "volumes[0]",
    'workdir "/src" does not exist on container': "working-directory",
}
OTHERS = [
    "no space left on device",
    "statfs /tmp/scratch/input: no such file or directory",  # ours, no setting's
    "statfs /srv/models-old: no such file or directory",
    "the corporate proxy refuses",
    "no network in the-corporate-office",
    "connection refused",
]


def failing(words: str) -> EngineError:
    error = EngineError(f"docker cannot start a container of {SPEC.image}:\n    {words}", hint="what helps")
    with pytest.raises(EngineError) as caught, located(SPEC, "tool.lambda.functions.api.bundling"):
        raise error
    assert caught.value is error
    return error


@pytest.mark.parametrize("words", WORDS)
def test_the_option_that_the_engine_refuses(words: str) -> None:
    error = failing(words)
    assert error.message.startswith(f"tool.lambda.functions.api.bundling.{WORDS[words]}: docker cannot start")
    assert error.hint not in {None, "what helps"}


@pytest.mark.parametrize("words", OTHERS)
def test_what_no_option_is_to_blame_for(words: str) -> None:
    error = failing(words)
    assert error.message.startswith("docker cannot start")
    assert error.hint == "what helps"
