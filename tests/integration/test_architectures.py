"""One build for both architectures: native code of the right machine in every zip, arm64 under emulation."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest

from lambda_backend.engines.protocol import ContainerSpec, Mount
from lambda_backend.targets import architectures, target
from tests.helpers.emulation import emulates
from tests.helpers.engine_answers import engine_environment
from tests.helpers.invoke import unpack
from tests.helpers.machine import EXAMPLES, artifacts, example, manifest, project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.helpers.machine import Machine

pytestmark = pytest.mark.network

RUNTIME = "python3.13"
ENGINES = [pytest.param(name, marks=pytest.mark.engine) for name in ("docker", "podman")]
EXAMPLE = """\
runtime = "python3.11"
handler"""
BOTH = """\
runtime = "python3.13"
architecture = ["x86_64", "arm64"]
handler"""
# ELF: e_machine, 16 bits at byte 18. EM_X86_64 and EM_AARCH64.
MACHINES = {"x86_64": 62, "arm64": 183}


@pytest.fixture(scope="module")
def built(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Builds the example ``native`` for both architectures with an engine once, and gives its dist/."""
    done: dict[str, Path] = {}

    def build(engine: str) -> Path:
        if engine not in done:
            environment = engine_environment(engine)
            for architecture in architectures():
                emulates(engine, RUNTIME, architecture)
            folder = example("native", tmp_path_factory.mktemp(f"native-{engine}") / "native")
            table = folder / "pyproject.toml"
            text = table.read_text("utf-8")
            assert EXAMPLE in text
            table.write_text(text.replace(EXAMPLE, BOTH), "utf-8")
            machine.build(folder, env=environment)
            done[engine] = folder / "dist"
        return done[engine]

    return build


def shared_objects(archive: Path) -> dict[str, int]:
    """The machine of every shared object in a zip."""
    with zipfile.ZipFile(archive) as opened:
        heads = {name: opened.read(name)[:20] for name in opened.namelist() if ".so" in PurePosixPath(name).suffixes}
    assert all(head.startswith(b"\x7fELF") for head in heads.values()), heads
    return {name: struct.unpack_from("<H", head, 18)[0] for name, head in heads.items()}


def by_architecture(dist: Path) -> dict[str, dict[str, Any]]:
    return {item["architecture"]: item for item in manifest(dist)["artifacts"]}


@pytest.mark.parametrize("engine", ENGINES)
def test_compiled_code_is_of_the_zips_architecture(engine: str, built: Callable[[str], Path]) -> None:
    dist = built(engine)
    items = by_architecture(dist)
    assert items.keys() == MACHINES.keys()
    for architecture, item in items.items():
        wanted = target(RUNTIME, architecture)
        assert item["file"] == f"sums-1.0.0-function-{wanted.name}.zip"
        assert item["image"]["reference"] == wanted.build_image
        suffix = f".cpython-313-{wanted.machine}-linux-gnu.so"
        assert shared_objects(dist / item["file"]) == {f"fastsum{suffix}": MACHINES[architecture]}
        with zipfile.ZipFile(dist / item["file"]) as opened:
            wheel = opened.read("fastsum-0.1.0.dist-info/WHEEL").decode()
        assert f"Tag: cp313-cp313-linux_{wanted.machine}" in wheel.splitlines()


@pytest.mark.parametrize("architecture", architectures())
@pytest.mark.parametrize("engine", ENGINES)
def test_the_handler_answers_on_its_architecture(
    engine: str, architecture: str, built: Callable[[str], Path], tmp_path: Path
) -> None:
    dist = built(engine)
    item = by_architecture(dist)[architecture]
    unpack(dist / item["file"], tmp_path / "task")
    events = EXAMPLES / "native/tests/events"
    module, _, function = item["handler"].rpartition(".")
    script = f"""
import importlib, json, platform, sys
answer = importlib.import_module({module!r}).{function}(json.loads(sys.argv[1]), None)
print(json.dumps([platform.machine(), answer]))"""
    wanted = target(RUNTIME, architecture)
    spec = ContainerSpec(
        image=wanted.build_image,
        platform=wanted.container_platform,
        mounts=(Mount(source=tmp_path / "task", target=PurePosixPath("/var/task"), read_only=True),),
    )
    with emulates(engine, RUNTIME, architecture).start(spec) as container:
        event = (events / "function.json").read_text("utf-8")
        result = container.exec([wanted.python, "-c", script, event], cwd=PurePosixPath("/var/task"))
    assert result.exit_code == 0, result.log
    answer = json.loads((events / "function.answer.json").read_text("utf-8"))
    assert json.loads(result.output) == [wanted.machine, answer]


@pytest.mark.engine
def test_docker_and_podman_give_the_same_bytes(built: Callable[[str], Path]) -> None:
    zips = [
        {name: digest for name, digest in artifacts(built(engine)).items() if name.endswith(".zip")}
        for engine in ("docker", "podman")
    ]
    assert len(zips[0]) == len(MACHINES)
    assert zips[0] == zips[1]


def test_the_host_takes_wheels_of_each_architecture(machine: Machine, tmp_path: Path) -> None:
    table = f'[tool.lambda]\nruntime = "{RUNTIME}"\narchitecture = ["x86_64", "arm64"]\nhandler = "tiny.app.handler"\n'
    folder = project(tmp_path / "tiny", table, dependencies='["markupsafe==3.0.2"]')
    machine.build(folder)
    items = by_architecture(folder / "dist")
    assert items.keys() == MACHINES.keys()
    for architecture, item in items.items():
        name = f"markupsafe/_speedups.cpython-313-{target(RUNTIME, architecture).machine}-linux-gnu.so"
        assert shared_objects(folder / "dist" / item["file"]) == {name: MACHINES[architecture]}
        assert item["engine"] == "host"


@pytest.mark.engine
def test_a_platform_of_another_machine_takes_wheels(machine: Machine, tmp_path: Path) -> None:
    emulates("docker", RUNTIME, "arm64")
    image = target(RUNTIME, "arm64").build_image
    table = f"""
[tool.lambda]
runtime = "{RUNTIME}"
architecture = "x86_64"
handler = "tiny.app.handler"
bundling = {{ platform = "linux/arm64", image = "{image}" }}
"""
    folder = project(tmp_path / "tiny", table, dependencies='["markupsafe==3.0.2"]')
    machine.build(folder, env=engine_environment("docker"))
    (archive,) = (folder / "dist").glob("*.zip")
    assert set(shared_objects(archive).values()) == {MACHINES["x86_64"]}
