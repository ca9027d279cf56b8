# ruff: noqa: S108 - /tmp is that of a container
"""What containers are started with by the settings, in effect and refused, on every engine."""

from __future__ import annotations

import json
import os
import re
import secrets
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines.blame import located
from lambda_backend.engines.protocol import ContainerSpec, Mount
from lambda_backend.errors import EngineError
from tests.helpers.containers import containers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from lambda_backend.engines.protocol import Engine

pytestmark = [
    pytest.mark.engine,
    pytest.mark.parametrize("engine_environ", ["docker", "podman-socket", "podman", "nerdctl"], indirect=True),
]

KEY = "tool.lambda.bundling"
GHOST = "lambda-backend-ghost"


@pytest.fixture
def spec(build_image: str) -> Callable[..., ContainerSpec]:
    def make(**options: object) -> ContainerSpec:
        return ContainerSpec(image=build_image, platform="linux/amd64", **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def nothing_left(engine: Engine, command: Callable[..., str]) -> Iterator[None]:
    """Of what a test starts nothing is there at its end."""
    del engine
    yield
    assert not containers_of(command, os.getpid())


@pytest.fixture
def other(engine: Engine, command: Callable[..., str], build_image: str, tmp_path: Path) -> Iterator[str]:
    """A running container that is not the build's, with a file in a volume of its own."""
    del engine
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "there").write_text("shared")
    name = f"lambda-backend-test-{secrets.token_hex(4)}"
    volume = f"{tmp_path}/shared:/mnt/shared"
    idle = ("--network", "host", "--entrypoint", "sleep", build_image, "300")
    command("run", "--detach", "--name", name, "--volume", volume, *idle)
    yield name
    command("kill", name)
    command("rm", "--force", name)


def refusal(engine: Engine, spec: ContainerSpec) -> str:
    """What a build says when the engine does not start its container."""
    with pytest.raises(EngineError) as caught, located(spec, KEY), engine.start(spec):
        pytest.fail("started")
    return str(caught.value)


def privileges(engine: Engine, spec: ContainerSpec) -> str:
    with engine.start(spec) as container:
        status = container.exec(["cat", "/proc/self/status"]).output
    found = re.search(r"^NoNewPrivs:\s*(\d)$", status, re.MULTILINE)
    assert found is not None
    return found[1]


def test_no_new_privileges_is_in_effect(engine: Engine, spec: Callable[..., ContainerSpec]) -> None:
    assert privileges(engine, spec()) == "0"
    assert privileges(engine, spec(security_opt=("no-new-privileges",))) == "1"


def test_a_seccomp_profile_is_in_effect(engine: Engine, spec: Callable[..., ContainerSpec], tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}))
    with engine.start(spec(security_opt=(f"seccomp={profile}",))) as container:
        assert container.exec(["touch", "/tmp/file"]).exit_code == 0
        assert container.exec(["mkdir", "/tmp/folder"]).exit_code != 0


def test_volumes_are_writable_or_not(engine: Engine, spec: Callable[..., ContainerSpec], tmp_path: Path) -> None:
    mounts = []
    for name, read_only in (("kept", True), ("free", False)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "there").write_text(name)
        mounts.append(
            Mount(
                source=tmp_path / name,
                target=PurePosixPath("/mnt", name),
                read_only=read_only,
                on_engine=True,
                option=f"volumes[{len(mounts)}]",
            )
        )
    with engine.start(spec(mounts=tuple(mounts))) as container:
        assert container.exec(["cat", "/mnt/kept/there", "/mnt/free/there"]).output == "keptfree"
        assert container.exec(["touch", "/mnt/kept/new"]).exit_code != 0
        assert container.exec(["touch", "/mnt/free/new"]).exit_code == 0
    assert (tmp_path / "free" / "new").exists()


def test_volumes_from_a_running_container(engine: Engine, spec: Callable[..., ContainerSpec], other: str) -> None:
    with engine.start(spec(volumes_from=(other,))) as container:
        assert container.exec(["cat", "/mnt/shared/there"]).output == "shared"
        assert container.exec(["touch", "/mnt/shared/new"]).exit_code == 0


def test_volumes_from_a_running_container_read_only(
    engine: Engine, spec: Callable[..., ContainerSpec], other: str
) -> None:
    if engine.name == "nerdctl":
        said = refusal(engine, spec(volumes_from=(f"{other}:ro",)))
        assert said.startswith(f"{KEY}.volumes-from[0]: nerdctl cannot take volumes from {other}:ro"), said
        return
    with engine.start(spec(volumes_from=(f"{other}:ro",))) as container:
        assert container.exec(["cat", "/mnt/shared/there"]).output == "shared"
        assert container.exec(["touch", "/mnt/shared/new"]).exit_code != 0


@pytest.mark.usefixtures("nothing_left")
def test_a_bad_security_option(engine: Engine, spec: Callable[..., ContainerSpec]) -> None:
    if engine.name == "nerdctl":
        pytest.skip("nerdctl itself only warns of options that it does not know")
    said = refusal(engine, spec(security_opt=("no-new-privileges", "nonsense=yes")))
    assert said.startswith(f"{KEY}.security-opt[1]: "), said
    assert "nonsense" in said


@pytest.mark.usefixtures("nothing_left")
def test_a_seccomp_profile_that_is_not_there(
    engine: Engine, spec: Callable[..., ContainerSpec], tmp_path: Path
) -> None:
    said = refusal(engine, spec(security_opt=(f"seccomp={tmp_path}/none.json",)))
    assert said.startswith(f"{KEY}.security-opt[0]: "), said
    assert f"{tmp_path}/none.json" in said


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("on_engine", [True, False])
def test_a_volume_that_is_not_there(
    engine: Engine, spec: Callable[..., ContainerSpec], tmp_path: Path, on_engine: bool
) -> None:
    if on_engine and engine.version().startswith("Podman Engine"):
        pytest.skip("Podman's service makes the folder")
    mount = Mount(source=tmp_path / "none", target=PurePosixPath("/mnt/none"), on_engine=on_engine, option="volumes[0]")
    said = refusal(engine, spec(mounts=(mount,)))
    assert said.startswith(f"{KEY}.volumes[0]: "), said
    assert str(tmp_path / "none") in said
    assert not (tmp_path / "none").exists()


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"volumes_from": (GHOST,)}, "volumes-from[0]"),
        ({"network": GHOST}, "network"),
        ({"network": f"container:{GHOST}"}, "network"),
        ({"user": GHOST}, "user"),
        ({"user": f"0:{GHOST}"}, "user"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_exist_is_named(
    engine: Engine, spec: Callable[..., ContainerSpec], options: Mapping[str, object], key: str
) -> None:
    said = refusal(engine, spec(**options))
    assert said.startswith(f"{KEY}.{key}: {engine.name} cannot "), said
    assert GHOST in said


def test_an_error_that_no_option_is_to_blame_for_has_no_key(engine: Engine, spec: Callable[..., ContainerSpec]) -> None:
    good = spec(network="host", user="0:0", security_opt=("no-new-privileges",))
    absent = ContainerSpec(image="localhost/none:1", platform=good.platform, network="host", user="0:0")
    assert refusal(engine, absent).startswith(f"{engine.name} cannot start a container of localhost/none:1")
    with engine.start(good) as container:
        assert container.exec(["true"]).exit_code == 0


def test_files_belong_to_a_user_who_is_known_by_name(
    engine: Engine, spec: Callable[..., ContainerSpec], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    with engine.start(spec(user="nobody:games")) as container:
        container.copy_in(tmp_path, PurePosixPath("/opt/in"))
        names = container.exec(["stat", "-c", "%U:%G", "/opt/in", "/opt/in/file"]).output.split()
        assert names == ["nobody:games", "nobody:games"]
