"""Lambda's API takes the zips: boto3, and the ``aws`` command as the page says, against moto's server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.deployable import make
from tests.helpers.interpreters import unavailable
from tests.helpers.machine import CHECKOUT, example, manifest, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.aws import Aws
    from tests.helpers.machine import Machine

pytestmark = pytest.mark.network

PAGE = CHECKOUT / "docs/how-to/deploy.md"
TRUST = '{"Version": "2012-10-17", "Statement": []}'
EMPTY_ZIP = b"PK\5\6" + bytes(18)


@pytest.fixture(scope="module")
def role(aws: Aws) -> str:
    (answer,) = aws.calls(("iam", "create_role", {"RoleName": "functions", "AssumeRolePolicyDocument": TRUST}))
    return str(answer["Role"]["Arn"])


def by_name(dist: Path) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in manifest(dist)["artifacts"]}


def test_functions_and_layers_of_the_manifest(aws: Aws, role: str, machine: Machine, tmp_path: Path) -> None:
    project = example("data", tmp_path / "data")
    machine.build(project)
    dist = project / "dist"
    deps, summary = by_name(dist)["deps"], by_name(dist)["summary"]
    published, created = deploy(aws, role, dist, deps, summary)
    assert (published["CodeSha256"], published["CodeSize"]) == (deps["code_sha256"], deps["size"])
    assert (created["CodeSha256"], created["CodeSize"]) == (summary["code_sha256"], summary["size"])

    module = project / "stats/summary.py"
    module.write_text(f"{module.read_text('utf-8')}# edited\n", "utf-8")
    machine.build(project)
    edited = by_name(dist)
    assert edited["deps"] == deps
    code = {"FunctionName": "stats-summary", "ZipFile": dist / summary["file"]}
    updated, described, layer = aws.calls(
        ("lambda", "update_function_code", code),
        ("lambda", "get_function", {"FunctionName": "stats-summary"}),
        ("lambda", "get_layer_version", {"LayerName": "stats-deps", "VersionNumber": 1}),
    )
    assert updated["CodeSha256"] == edited["summary"]["code_sha256"] != summary["code_sha256"]
    configuration = described["Configuration"]
    assert configuration["CodeSha256"] == updated["CodeSha256"]
    assert configuration["Handler"] == "stats.summary.handler"
    assert [used["Arn"] for used in configuration["Layers"]] == [published["LayerVersionArn"]]
    assert layer["Content"]["CodeSha256"] == edited["deps"]["code_sha256"]


def deploy(aws: Aws, role: str, dist: Path, layer: dict[str, Any], function: dict[str, Any]) -> list[dict[str, Any]]:
    arguments = {
        "LayerName": "stats-deps",
        "Content": {"ZipFile": dist / layer["file"]},
        "CompatibleRuntimes": layer["runtimes"],
        "CompatibleArchitectures": [layer["architecture"]],
    }
    (published,) = aws.calls(("lambda", "publish_layer_version", arguments))
    arguments = {
        "FunctionName": "stats-summary",
        "Code": {"ZipFile": dist / function["file"]},
        "Role": role,
        "Runtime": function["runtimes"][0],
        "Architectures": [function["architecture"]],
        "Handler": function["handler"],
        "Layers": [published["LayerVersionArn"]],
    }
    (created,) = aws.calls(("lambda", "create_function", arguments))
    return [{**published["Content"], "LayerVersionArn": published["LayerVersionArn"]}, created]


def test_the_aws_command_uploads_what_has_changed(aws: Aws, role: str, machine: Machine, tmp_path: Path) -> None:
    """The commands of the page, as they stand there."""
    if shutil.which("jq") is None:
        unavailable("no jq on this machine")
    project = make(tmp_path / "project")
    machine.build(project, "--wheel", "-Clambda.architecture=arm64", "-Clambda.only=api,worker")
    found = by_name(project / "dist")
    old = write(tmp_path, {"old.zip": EMPTY_ZIP}) / "old.zip"
    code = {"api": old, "worker": project / "dist" / found["worker"]["file"]}
    same = {"Role": role, "Runtime": "python3.13", "Handler": "tiny.app.handler"}
    aws.calls(
        *(
            ("lambda", "create_function", {**same, "FunctionName": f"tiny-{name}", "Code": {"ZipFile": path}})
            for name, path in code.items()
        )
    )
    (commands,) = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    argv = ["bash", "-euo", "pipefail", "-c", commands]
    done = subprocess.run(argv, cwd=project, env=aws.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    answers = aws.calls(
        *(("lambda", "get_function_configuration", {"FunctionName": f"tiny-{name}"}) for name in ("api", "worker"))
    )
    assert [answer["CodeSha256"] for answer in answers] == [found[name]["code_sha256"] for name in ("api", "worker")]
    assert [json.loads(line)["FunctionName"] for line in documents(done.stdout)] == ["tiny-api"]


def documents(text: str) -> list[str]:
    """JSON objects that were printed one after the other."""
    return re.findall(r"^\{\n.*?^\}$", text, re.DOTALL | re.MULTILINE)
