"""SAM, Terraform and Pulumi take our zips as they are: the examples in examples/deploy, run by the tools themselves."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.machine import EXAMPLES, manifest
from tests.helpers.tools import tool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.helpers.aws import Aws

pytestmark = pytest.mark.network

DEPLOY = EXAMPLES / "deploy"
BUCKET = "artifacts-of-tiny"
# The example's own options.
API = {"memory": 512, "timeout": 30}
PULUMI = """\
import json, runpy, sys
import pulumi

made = []

class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        inputs = {key: value.path if isinstance(value, pulumi.Archive) else value for key, value in args.inputs.items()}
        made.append({"type": args.typ, "name": args.name, "inputs": inputs})
        return args.name, {**args.inputs, "arn": f"arn:{args.name}"}

    def call(self, args):
        return {}

pulumi.runtime.set_mocks(Mocks(), preview=False)
pulumi.runtime.test(lambda: runpy.run_path(sys.argv[1], run_name="__main__") and None)()
json.dump(made, sys.stdout)
"""


def put(name: str, project: Path) -> Path:
    """An example beside a project's ``pyproject.toml``, as its README says."""
    shutil.rmtree(project / name, ignore_errors=True)
    return shutil.copytree(DEPLOY / name, project / name)


def run(
    argv: Sequence[str | Path],
    cwd: Path,
    env: Mapping[str, str] | None = None,
    *,
    code: int = 0,
    stderr: int = subprocess.STDOUT,
) -> str:
    """Both streams, unless errors go elsewhere."""
    done = subprocess.run(
        list(argv),
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def described(project: Path, kind: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Artefacts of the manifest by name and architecture."""
    found = manifest(project / "dist")["artifacts"]
    return {(item["name"], item["architecture"]): item for item in found if item["kind"] == kind}


# AWS SAM


@pytest.fixture(scope="module")
def sam(kept: Path) -> Path:
    return tool(kept, "aws-sam-cli==1.170.0")


@pytest.fixture(scope="module")
def sam_environment(aws: Aws, sam: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = str(tmp_path_factory.mktemp("home"))
    path = os.pathsep.join((str(sam), aws.environment["PATH"]))
    return {**aws.environment, "HOME": home, "PATH": path, "SAM_CLI_TELEMETRY": "0"}


@pytest.fixture(scope="module")
def template(deployable: Path) -> Path:
    folder = put("sam", deployable)
    run([sys.executable, "sam/template.py"], deployable)
    return folder / "template.json"


def test_the_template_is_what_the_manifest_says(template: Path, deployable: Path) -> None:
    resources = json.loads(template.read_text("utf-8"))["Resources"]
    kinds = {name: item["Type"].removeprefix("AWS::Serverless::") for name, item in resources.items()}
    assert sorted(kinds.values()) == ["Function"] * 6 + ["LayerVersion"] * 2
    digests = {item["file"]: item["sha256"] for item in manifest(deployable / "dist")["artifacts"]}
    for name, item in resources.items():
        of = item["Properties"]
        location = of["CodeUri"] if kinds[name] == "Function" else of["ContentUri"]
        path = template.parent / location
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digests[path.name]
        (architecture,) = of["Architectures" if kinds[name] == "Function" else "CompatibleArchitectures"]
        assert path.name.endswith(f"-python3.13-{architecture}.zip")
        if kinds[name] == "Function":
            (artifact,) = (one for one in manifest(deployable / "dist")["artifacts"] if one["file"] == path.name)
            assert (of["Runtime"], of["Handler"]) == (artifact["runtimes"][0], artifact["handler"])
            used = [resources[layer["Ref"]]["Properties"]["CompatibleArchitectures"] for layer in of["Layers"]]
            assert used == [[architecture]] * (artifact["name"] == "report")
            assert (of.get("MemorySize") == API["memory"]) is (artifact["name"] == "api")


def test_sam_and_cfn_lint_are_content(template: Path, sam_environment: dict[str, str]) -> None:
    argvs = [
        ["sam", "validate", "--template-file", template],
        ["sam", "validate", "--template-file", template, "--lint"],
        ["cfn-lint", template],
    ]
    with ThreadPoolExecutor() as pool:  # each takes seconds to start
        *validated, linted = pool.map(lambda argv: run(argv, template.parent, sam_environment), argvs)
    assert all("is a valid SAM Template" in said for said in validated)
    assert linted == ""


def test_a_fault_would_be_seen(template: Path, sam_environment: dict[str, str], tmp_path: Path) -> None:
    broken = template.read_text("utf-8").replace('"Ref": "Deps', '"Ref": "Other')
    (tmp_path / "template.json").write_text(broken, "utf-8")
    said = run(["cfn-lint", "template.json"], tmp_path, sam_environment, code=2)
    assert "E1020 'OtherPython313Arm64Layer' is not valid" in said


def test_sam_uploads_the_very_bytes(
    template: Path, deployable: Path, sam_environment: dict[str, str], aws: Aws
) -> None:
    location = {"LocationConstraint": sam_environment["AWS_DEFAULT_REGION"]}
    aws.calls(("s3", "create_bucket", {"Bucket": BUCKET, "CreateBucketConfiguration": location}))
    argv = ["sam", "package", "-t", template, "--s3-bucket", BUCKET, "--output-template-file", "packaged.yaml"]
    run(argv, template.parent, sam_environment)
    (listed,) = aws.calls(("s3", "list_objects_v2", {"Bucket": BUCKET}))
    # The ETag of what was uploaded in one part is its MD5.
    uploaded = {item["ETag"].strip('"') for item in listed["Contents"]}
    zips = (deployable / "dist").glob("*.zip")
    assert uploaded == {hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() for path in zips}
    again = run(argv, template.parent, sam_environment)
    assert again.count("File with same data already exists") == len(manifest(deployable / "dist")["artifacts"])


# Terraform: HashiCorp's program is in no package index, and its AWS provider is in none either.


@pytest.fixture(scope="module")
def terraform() -> str:
    found = shutil.which("terraform")
    if found is None:
        pytest.skip("no terraform on this machine, and no package index has it")
    return found


@pytest.fixture(scope="module")
def terraform_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    settings = tmp_path_factory.mktemp("terraform") / "terraformrc"
    settings.write_text("disable_checkpoint = true\n", "utf-8")
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return {**ours, "TF_CLI_CONFIG_FILE": str(settings), "TF_IN_AUTOMATION": "1"}


def decoding(folder: Path) -> Path:
    """The part of the example that needs no provider: what the resources are made of, as outputs."""
    folder.mkdir()
    shutil.copy(DEPLOY / "terraform/manifest.tf", folder)
    outputs = "".join(f'output "{name}" {{\n  value = local.{name}\n}}\n' for name in ("functions", "layers"))
    (folder / "outputs.tf").write_text(outputs, "utf-8")
    return folder


def test_terraform_decodes_the_manifest(
    terraform: str, terraform_environment: dict[str, str], deployable: Path, tmp_path: Path
) -> None:
    run([terraform, "fmt", "-check", "-diff", DEPLOY / "terraform"], tmp_path, terraform_environment)
    folder = decoding(tmp_path / "terraform")
    for argv in (["init"], ["validate"], ["apply", "-auto-approve", "-var", f"dist={deployable / 'dist'}"]):
        run([terraform, *argv], folder, terraform_environment)
    outputs = json.loads(run([terraform, "output", "-json"], folder, terraform_environment))
    for kind in ("function", "layer"):
        found = outputs[f"{kind}s"]["value"]
        for (name, architecture), artifact in described(deployable, kind).items():
            one = found.pop(f"{name}-python3.13-{architecture}")
            assert one.pop("path") == str(deployable / "dist" / artifact["file"])
            assert one.pop("layers") == [f"{layer}-python3.13-{architecture}" for layer in artifact["layers"]]
            assert one == {key: value for key, value in artifact.items() if key != "layers"}
        assert found == {}


def test_terraform_without_a_manifest_says_so(
    terraform: str, terraform_environment: dict[str, str], tmp_path: Path
) -> None:
    folder = decoding(tmp_path / "terraform")
    run([terraform, "init"], folder, terraform_environment)
    said = run([terraform, "plan", "-var", f"dist={tmp_path}"], folder, terraform_environment, code=1)
    assert "One manifest (*.lambda.json) is needed there." in said


def test_attributes_are_those_of_the_aws_provider(kept: Path) -> None:
    """By HashiCorp's own bindings, made from the provider's schema: its version 6.25."""
    text = (DEPLOY / "terraform/main.tf").read_text("utf-8")
    resources = re.findall(r'^resource "aws_(\w+)" "\w+" {\n(.*?)^}$', text, re.DOTALL | re.MULTILINE)
    assert [kind for kind, _ in resources] == [
        "lambda_layer_version",
        "lambda_function",
        "iam_role",
        "iam_role_policy_attachment",
    ]
    commands = tool(kept, "cdktf-cdktf-provider-aws==21.22.1", dependencies=False)
    (bindings,) = commands.parent.glob("lib/python*/site-packages/cdktf_cdktf_provider_aws")
    for kind, body in resources:
        attributes = set(re.findall(r"^  (\w+)\s+=", body, re.MULTILINE))
        required, optional = schema(bindings, kind)
        assert required <= attributes <= required | optional, kind


def schema(bindings: Path, kind: str) -> tuple[set[str], set[str]]:
    """Attributes that a resource must have, and those that it may have."""
    tree = ast.parse((bindings / kind / "__init__.py").read_text("utf-8"))
    name = kind.title().replace("_", "") + "Config"
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    (init,) = (node for node in found.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    defaults = {
        argument.arg: value for argument, value in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
    }
    required = {name for name, default in defaults.items() if default is None}
    return required, set(defaults) - required


# Pulumi


def test_pulumi_makes_what_the_manifest_says(kept: Path, deployable: Path, tmp_path: Path) -> None:
    commands = tool(kept, "pulumi==3.272.0", "pulumi-aws==7.51.1")
    program = put("pulumi", deployable) / "__main__.py"
    # What waits in its threads may complain when Python ends.
    made = json.loads(run([commands / "python", "-c", PULUMI, program], tmp_path, stderr=subprocess.DEVNULL))
    by_type: dict[str, dict[str, Any]] = {}
    for item in made:
        by_type.setdefault(item["type"].rpartition(":")[2], {})[item["name"]] = item["inputs"]
    assert {kind: len(found) for kind, found in by_type.items()} == {
        "Role": 1,
        "RolePolicyAttachment": 1,
        "LayerVersion": 2,
        "Function": 6,
    }
    for kind, resource in (("layer", "LayerVersion"), ("function", "Function")):
        for (name, architecture), artifact in described(deployable, kind).items():
            inputs = by_type[resource][f"{name}-python313-{architecture}"]
            assert Path(inputs["code"]).samefile(deployable / "dist" / artifact["file"])
            assert inputs["sourceCodeHash"] == artifact["code_sha256"]
            if kind == "layer":
                assert inputs["compatibleRuntimes"] == artifact["runtimes"]
                assert inputs["compatibleArchitectures"] == [architecture]
            else:
                assert (inputs["runtime"], inputs["handler"]) == (artifact["runtimes"][0], artifact["handler"])
                assert inputs["architectures"] == [architecture]
                assert inputs["layers"] == [f"arn:{layer}-python313-{architecture}" for layer in artifact["layers"]]
                assert (inputs.get("memorySize"), inputs.get("timeout")) == (
                    (API["memory"], API["timeout"]) if name == "api" else (None, None)
                )
