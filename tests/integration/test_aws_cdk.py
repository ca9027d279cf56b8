"""AWS CDK takes our zips as they are: the example in examples/deploy/cdk, synthesised by CDK's own command."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.deployable import HANDLER, make
from tests.helpers.interpreters import unavailable
from tests.helpers.machine import CHECKOUT, EXAMPLES, manifest

if TYPE_CHECKING:
    from tests.helpers.machine import Machine

pytestmark = pytest.mark.network

CDK = EXAMPLES / "deploy/cdk"
PAGE = CHECKOUT / "docs/how-to/from-aws-cdk.md"
# CDK would run whichever CDK_DOCKER names, and docker without it.
ENGINES = ("docker", "podman", "finch", "nerdctl")


@dataclass(frozen=True, kw_only=True, slots=True)
class Synthesised:
    """What CDK left in cdk.out."""

    folder: Path
    template: dict[str, Any]
    assets: dict[str, Any]

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties by logical ID of the resources of one type, ``Function`` or ``LayerVersion``."""
        found = self.template["Resources"].items()
        return {name: item["Properties"] for name, item in found if item["Type"] == f"AWS::Lambda::{kind}"}

    def digest(self, properties: dict[str, Any]) -> str:
        """SHA-256 of the asset that a resource's code or content is."""
        key = (properties.get("Code") or properties["Content"])["S3Key"]
        (asset,) = (item for item in self.assets["files"].values() if has_key(item, key))
        return sha256(self.folder / asset["source"]["path"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Cdk:
    """CDK's command, on a machine where every engine fails and leaves a note that it was called."""

    modules: Path
    home: Path

    @property
    def calls(self) -> Path:
        return self.home / "engine-was-called"

    def run(self, app: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
        environment = {
            **kept,
            "HOME": str(self.home),
            "PATH": os.pathsep.join((str(self.home / "bin"), kept["PATH"])),
            "CDK_DISABLE_CLI_TELEMETRY": "1",
        }
        return subprocess.run(
            [str(self.modules / ".bin/cdk"), "--no-notices", *arguments],
            cwd=app,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def synth(self, made: Path) -> Synthesised:
        """Put the example beside a project's ``pyproject.toml``, as its README says, and synthesise it."""
        app = self.example(made)
        done = self.run(app, "synth", "--quiet")
        assert done.returncode == 0, done.stdout + done.stderr
        folder = app / "cdk.out"
        return Synthesised(
            folder=folder,
            template=json.loads((folder / "tiny.template.json").read_text("utf-8")),
            assets=json.loads((folder / "tiny.assets.json").read_text("utf-8")),
        )

    def example(self, made: Path) -> Path:
        app = made / "cdk"
        shutil.rmtree(app, ignore_errors=True)
        shutil.copytree(CDK, app, ignore=shutil.ignore_patterns("node_modules", "cdk.out"))
        (app / "node_modules").symlink_to(self.modules)
        return app


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def has_key(asset: dict[str, Any], key: str) -> bool:
    return any(destination["objectKey"] == key for destination in asset["destinations"].values())


@pytest.fixture(scope="module")
def modules(kept: Path) -> Path:
    """CDK's packages, in versions that the example pins; kept in CI_CACHE_DIR where that is set."""
    least = int(json.loads((CDK / "package.json").read_text("utf-8"))["engines"]["node"].removeprefix(">="))
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        unavailable("no node and npm on this machine")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < least:
        unavailable(f"AWS CDK needs node {least}, and this is {version}")
    text = (CDK / "package.json").read_text("utf-8")
    return installed(kept / f"aws-cdk-{sha256(CDK / 'package.json')[:12]}", "--include=dev", package_json=text)


def installed(folder: Path, *arguments: str, package_json: str = "{}") -> Path:
    """What npm installs, in a folder that is there with all of it or not at all."""
    if not folder.exists():
        aside = Path(f"{folder}.{os.getpid()}")
        aside.mkdir(parents=True)
        (aside / "package.json").write_text(package_json, "utf-8")
        argv = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", *arguments]
        done = subprocess.run(argv, cwd=aside, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(aside)
            pytest.fail(done.stdout + done.stderr)
        aside.rename(folder)
    return folder / "node_modules"


@pytest.fixture(scope="module")
def module_of_theirs(modules: Path) -> Path:
    """Types of ``aws-lambda-python-alpha``, in the version that the page of the migration compares with."""
    (version,) = re.findall(r"version (\S+-alpha\.\d+) of the module", PAGE.read_text("utf-8"))
    folder = modules.parent.with_name(f"aws-lambda-python-alpha-{version}")
    found = installed(folder, "--legacy-peer-deps", f"@aws-cdk/aws-lambda-python-alpha@{version}")
    return found / "@aws-cdk/aws-lambda-python-alpha/lib"


def machine_of(modules: Path, home: Path) -> Cdk:
    """A home whose engines are stand-ins."""
    made = Cdk(modules=modules, home=home)
    (home / "bin").mkdir(parents=True)
    for engine in ENGINES:
        script = home / "bin" / engine
        script.write_text(f'#!/bin/sh\necho "{engine} $*" >>"{made.calls}"\nexit 1\n', "utf-8")
        script.chmod(0o755)
    return made


@pytest.fixture(scope="module")
def cdk(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Cdk:
    return machine_of(modules, tmp_path_factory.mktemp("cdk") / "home")


@pytest.fixture(scope="module")
def stack(cdk: Cdk, deployable: Path) -> Synthesised:
    return cdk.synth(deployable)


def test_takes_the_zips_as_they_are(stack: Synthesised, deployable: Path, cdk: Cdk) -> None:
    expected = {item["sha256"] for item in manifest(deployable / "dist")["artifacts"]}
    assert {sha256(path) for path in stack.folder.glob("asset.*")} == expected
    assert not any(path.is_dir() for path in stack.folder.iterdir())
    assert not stack.assets.get("dockerImages")
    zips = [item["source"] for item in stack.assets["files"].values() if "template" not in item["source"]["path"]]
    assert len(zips) == len(expected)
    assert {source["packaging"] for source in zips} == {"file"}
    assert not cdk.calls.exists()


def test_functions_and_layers_are_what_the_manifest_says(stack: Synthesised, deployable: Path) -> None:
    artifacts = manifest(deployable / "dist")["artifacts"]
    layers = stack.resources("LayerVersion")
    assert {
        (item["CompatibleRuntimes"][0], item["CompatibleArchitectures"][0], stack.digest(item))
        for item in layers.values()
    } == {(item["runtimes"][0], item["architecture"], item["sha256"]) for item in artifacts if item["kind"] == "layer"}
    functions = stack.resources("Function")
    assert len(functions) == 6
    for logical_id, properties in functions.items():
        (architecture,) = properties["Architectures"]
        (artifact,) = (
            item
            for item in artifacts
            if logical_id.startswith(item["name"])
            if item["kind"] == "function" and item["architecture"] == architecture
        )
        assert properties["Runtime"] == artifact["runtimes"][0] == "python3.13"
        assert properties["Handler"] == artifact["handler"]
        assert stack.digest(properties) == artifact["sha256"]
        used = [layers[reference["Ref"]] for reference in properties.get("Layers", [])]
        assert len(used) == len(artifact["layers"]) == (artifact["name"] == "report")
        assert all(layer["CompatibleArchitectures"] == [architecture] for layer in used)
    assert {item["Handler"] for item in functions.values()} == {"tiny.app.handler", "index.handler"}


def test_another_build_is_no_change(stack: Synthesised, cdk: Cdk, machine: Machine, tmp_path: Path) -> None:
    again = make(tmp_path / "elsewhere" / "project")
    for path in again.rglob("*.py"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    machine.build(again, env={"LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")})
    second = cdk.synth(again)
    assert second.template == stack.template
    assert second.assets == stack.assets


def test_only_what_was_edited_is_a_change(stack: Synthesised, cdk: Cdk, machine: Machine, tmp_path: Path) -> None:
    edited = make(tmp_path / "project")
    (edited / "functions/worker/index.py").write_text(HANDLER.replace("return event", "return [event]"), "utf-8")
    machine.build(edited)
    second = cdk.synth(edited)
    changed = {
        logical_id
        for logical_id, resource in second.template["Resources"].items()
        if resource != stack.template["Resources"][logical_id]
    }
    assert len(changed) == 2
    assert all(logical_id.startswith("worker") for logical_id in changed)


def test_a_name_is_enough_for_one_target(cdk: Cdk, machine: Machine, tmp_path: Path) -> None:
    made = make(tmp_path / "project")
    machine.build(made, "--wheel", "-Clambda.architecture=arm64", "-Clambda.only=api")
    stack = cdk.synth(made)
    ((logical_id, properties),) = stack.resources("Function").items()
    assert "arm64" not in logical_id
    assert properties["Architectures"] == ["arm64"]
    assert (properties["MemorySize"], properties["Timeout"]) == (512, 30)  # from the example's own options
    (asset,) = stack.folder.glob("asset.*.zip")
    with zipfile.ZipFile(asset) as archive:
        (library,) = (name for name in archive.namelist() if name.endswith(".so"))
        assert "aarch64" in library


def test_without_a_manifest_the_example_says_so(cdk: Cdk, tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    done = cdk.run(cdk.example(tmp_path), "synth", "--quiet")
    assert done.returncode != 0
    assert "one manifest (*.lambda.json) is needed, and none is there" in done.stderr


def test_bundling_of_its_own_would_be_seen(modules: Path, tmp_path: Path) -> None:
    """The stand-ins for the engines are what CDK calls where it has something to bundle."""
    cdk = machine_of(modules, tmp_path / "home")
    app = cdk.example(tmp_path)
    (app / "app.mjs").write_text(
        """\
import { App, DockerImage, Stack, aws_lambda as lambda } from "aws-cdk-lib";
const bundling = { image: DockerImage.fromRegistry("example"), command: ["true"] };
lambda.Code.fromAsset("node_modules/constructs", { bundling }).bind(new Stack(new App(), "tiny"));
""",
        "utf-8",
    )
    assert cdk.run(app, "synth", "--quiet").returncode != 0
    assert cdk.calls.read_text("utf-8").startswith("docker run ")


def test_every_property_of_theirs_is_on_the_page(modules: Path, module_of_theirs: Path) -> None:
    core = modules / "aws-cdk-lib/core/lib/bundling.d.ts"
    interfaces = {
        "PythonFunctionProps": module_of_theirs / "function.d.ts",
        "PythonLayerVersionProps": module_of_theirs / "layer.d.ts",
        "BundlingOptions": module_of_theirs / "types.d.ts",
        "ICommandHooks": module_of_theirs / "types.d.ts",
        "DockerRunOptions": core,
        "DockerVolume": core,
        "DockerBuildOptions": core,
    }
    page = PAGE.read_text("utf-8")
    for interface, path in interfaces.items():
        (body,) = re.findall(
            rf"^export interface {interface}\b.*?\{{\n(.*?)^\}}", path.read_text("utf-8"), re.MULTILINE | re.DOTALL
        )
        properties = re.findall(r"^    (?:readonly )?(\w+)(?:\?:|:|\()", body, re.MULTILINE)
        assert properties
        named = [name for name in properties if re.search(rf"`(?:\w+\.)?{name}\b", page)]
        assert named == properties, interface
