"""Functions in real containers: in an image of the runtime's own kind and in a build image, mounted and copied."""

from __future__ import annotations

import dataclasses
import functools
import json
import textwrap
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from lambda_backend.cache import Cache
from lambda_backend.engines.access import started
from lambda_backend.engines.protocol import ImageBuild
from lambda_backend.running import container as running
from lambda_backend.running.client import runtime_client
from lambda_backend.running.container import in_container
from lambda_backend.running.model import Configuration, Function, RunningError, Surroundings
from lambda_backend.running.stage import lay_out
from lambda_backend.targets import target
from tests.containers.conftest import absent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lambda_backend.engines.protocol import Engine
    from lambda_backend.running.model import Invocation, Stage
    from lambda_backend.targets import Target

pytestmark = [pytest.mark.engine, pytest.mark.network]

X86 = target("python3.13", "x86_64")
NOWHERE = "localhost:1/lambda-backend/none:1"
RUN_IMAGE = "localhost/lambda-backend/test-run-image:1"
PROBE = """
import ctypes, importlib.util, os, socket, sys
import common, extra
def handler(event, context):
    if event == "write":
        open("/var/task/new", "w")
    if event == "die":
        ctypes.string_at(0)
    if event == "hog":
        return len(b"x" * (400 << 20))
    found = {name: os.environ.get(name) for name in ("LAMBDA_RUNTIME_DIR", "HOME", "GIVEN", "HOST_ONLY", "PATH")}
    return {**found, "argv": sys.argv, "layer": common.x + extra.x, "python": "%d.%d" % sys.version_info[:2],
            "networks": [name for _, name in socket.if_nameindex()],
            "boto3": importlib.util.find_spec("boto3").origin, "pip": importlib.util.find_spec("pip") is not None}
"""
# What Lambda's own does, which cannot be had here: the client first, then the folders of function and layers.
BOOTSTRAP = """
import os, site, sys
from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient
folders = ["/var/task"]
if "PYTHONPATH" not in os.environ:
    folders += ["/opt/python/lib/python3.13/site-packages", "/opt/python"]
    os.environ["PYTHONPATH"] = "/var/runtime"
sys.path[:0] = folders
for folder in folders:
    site.addsitedir(folder)
bootstrap.run(os.environ["_HANDLER"], LambdaRuntimeClient(os.environ["AWS_LAMBDA_RUNTIME_API"]))
"""


def answer(found: Invocation) -> Any:  # noqa: ANN401 - any JSON value
    assert not found.failed, found.payload
    return json.loads(found.payload)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def surroundings(cache: Cache, engine_environ: Mapping[str, str]) -> Surroundings:
    environ = {**engine_environ, "HOST_ONLY": "1"}
    return Surroundings(environ=environ, cache=cache, say=print, detail=print, log=print)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An unpacked function, which needs a layer and boto3."""
    for name, files in (
        ("function.zip", {"app.py": PROBE}),
        ("one.zip", {"python/common.py": "x = 'one'", "python/extra.py": "x = '+'"}),
        ("two.zip", {"python/common.py": "x = 'two'"}),
    ):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for path, text in files.items():
                archive.writestr(path, text)
    folder = tmp_path / "root"
    lay_out(function(tmp_path, X86), folder)
    return folder


def function(folder: Path, wanted: Target) -> Function:
    layers = (folder / "one.zip", folder / "two.zip")
    return Function(name="probe", zip=folder / "function.zip", layers=layers, target=wanted, handler="app.handler")


def without_run_image(wanted: Target) -> Target:
    return dataclasses.replace(wanted, run_image=NOWHERE)


def assert_lambda_like(stage: Stage) -> dict[str, Any]:
    """What has to be so in every image."""
    configuration = Configuration(timeout=60, memory=256, environment={"GIVEN": "hush"})
    seen: dict[str, Any] = answer(stage.invoke('"look"', configuration))
    assert seen["layer"] == "two+"
    assert seen["python"] == "3.13"
    assert seen["GIVEN"] == "hush"
    assert seen["HOST_ONLY"] is None
    assert seen["HOME"] == "/home/sbx_user1051"
    assert seen["PATH"] == "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
    assert seen["boto3"].startswith(seen["LAMBDA_RUNTIME_DIR"])
    died = stage.invoke('"die"', configuration)
    assert json.loads(died.payload)["errorMessage"].endswith("signal: segmentation fault")
    hog = stage.invoke('"hog"', configuration)
    assert json.loads(hog.payload)["errorType"] == "Runtime.OutOfMemory"
    imported = stage.import_handler(configuration)
    assert imported.ok, imported.message
    assert imported.seconds > 0
    assert "app" in {module.name for module in imported.slowest}
    return seen


def test_a_build_image_is_taken_where_the_run_image_cannot_be_had(
    engine: Engine, build_image: str, root: Path, surroundings: Surroundings
) -> None:
    asked = function(root.parent, without_run_image(X86))
    with in_container(asked, root, engine, surroundings) as stage:
        assert stage.where == f"in {build_image} ({engine.name})"
        seen = assert_lambda_like(stage)
        assert seen["LAMBDA_RUNTIME_DIR"] == "/lambda-backend/client"
        assert not seen["pip"], "the image's own packages are none of Lambda's"
        refused = stage.invoke('"write"', Configuration(timeout=60, memory=256))
        assert "Read-only file system" in json.loads(refused.payload)["errorMessage"]


def test_files_that_the_engine_does_not_see_are_copied(
    engine: Engine, build_image: str, root: Path, surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    del build_image
    copied = functools.partial(_started, access="volume-copy")
    monkeypatch.setattr(running, "started", copied)
    with in_container(function(root.parent, without_run_image(X86)), root, engine, surroundings) as stage:
        assert_lambda_like(stage)


def _started(engine: Engine, spec: Any, _: str, *, access: Any) -> Any:  # noqa: ANN401 - as it is called
    return started(engine, spec, access)


def test_no_network_is_needed(engine: Engine, build_image: str, root: Path, surroundings: Surroundings) -> None:
    del build_image
    alone = dataclasses.replace(surroundings, network="none")
    with in_container(function(root.parent, without_run_image(X86)), root, engine, alone) as stage:
        seen = answer(stage.invoke('"look"', Configuration(timeout=60)))
        assert seen["networks"] == ["lo"]


def test_the_run_image_s_own_bootstrap_runs_the_function(  # noqa: PLR0917 - fixtures
    engine: Engine,
    build_image: str,
    root: Path,
    surroundings: Surroundings,
    command: Callable[..., str],
    tmp_path: Path,
) -> None:
    context = tmp_path / "context"
    running.shutil.copytree(runtime_client(X86, None, surroundings), context / "runtime")
    (context / "runtime/bootstrap.py").write_text(BOOTSTRAP, "utf-8")
    bootstrap = context / "runtime/bootstrap"
    bootstrap.write_text("#!/bin/sh\nexec /var/lang/bin/python3.13 /var/runtime/bootstrap.py\n", "utf-8")
    bootstrap.chmod(0o755)
    (context / "Containerfile").write_text(f"FROM {build_image}\nCOPY runtime /var/runtime\n", "utf-8")
    engine.build(ImageBuild(context=context, tag=RUN_IMAGE, platform=X86.container_platform))
    try:
        asked = function(root.parent, dataclasses.replace(X86, run_image=RUN_IMAGE))
        with in_container(asked, root, engine, surroundings) as stage:
            assert stage.where == f"in {RUN_IMAGE} ({engine.name})"
            seen = assert_lambda_like(stage)
            assert seen["LAMBDA_RUNTIME_DIR"] == "/var/runtime"
            assert seen["argv"] == ["/var/runtime/bootstrap.py"]
            assert seen["pip"], "what the runtime's image has is there"
    finally:
        command("rmi", "--force", RUN_IMAGE)


def test_images_that_cannot_be_had_are_both_named(engine: Engine, root: Path, surroundings: Surroundings) -> None:
    lacking = dataclasses.replace(X86, run_image=NOWHERE, build_image="localhost:1/lambda-backend/no-build:1")
    with (
        pytest.raises(RunningError) as raised,
        in_container(function(root.parent, lacking), root, engine, surroundings),
    ):
        pass
    assert NOWHERE in raised.value.message
    assert "localhost:1/lambda-backend/no-build:1" in raised.value.message
    assert f"pull --platform linux/amd64 {NOWHERE}" in str(raised.value.hint)


def test_another_processor_s_code_runs_where_it_is_emulated(
    engine: Engine, root: Path, surroundings: Surroundings
) -> None:
    if engine.name != "docker" or "podman" in surroundings.environ.get("DOCKER_HOST", ""):
        pytest.skip("emulation is the kernel's, and slow: one engine will do")
    arm = without_run_image(target("python3.13", "arm64"))
    if engine.image(arm.build_image, arm.container_platform) is None:
        absent(f"docker does not have {arm.build_image}; .ci/engines makes a stand-in")
    said: list[str] = []
    with in_container(
        function(root.parent, arm), root, engine, dataclasses.replace(surroundings, say=said.append)
    ) as stage:
        (root / "var/task/app.py").write_text(
            textwrap.dedent("""
            import platform
            def handler(event, context):
                return platform.machine()
            """),
            "utf-8",
        )
        assert answer(stage.invoke("{}", Configuration(timeout=120, memory=1024))) == "aarch64"
    assert any("may need a longer timeout" in line for line in said)
