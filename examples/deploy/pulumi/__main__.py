"""A stack of what `python -m build` left in dist/: the manifest says what every zip is, Pulumi takes it as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

# What no manifest can know, by the function's name: memory, timeout, environment.
OPTIONS: dict[str, dict[str, Any]] = {
    "api": {"memory_size": 512, "timeout": 30},
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}},
    ],
}
LOGS = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"

dist = Path(__file__).parent / (pulumi.Config().get("dist") or "../dist")
found = sorted(dist.glob("*.lambda.json"))
if len(found) != 1:
    raise pulumi.RunError(f"{dist}: one manifest (*.lambda.json) is needed, and {len(found)} are there")
artifacts = json.loads(found[0].read_text("utf-8"))["artifacts"]
names = [artifact["name"] for artifact in artifacts]


def target(artifact: dict[str, Any]) -> str:
    return "-".join([*artifact["runtimes"], artifact["architecture"]])


def resource_name(artifact: dict[str, Any]) -> str:
    # A name is enough, unless it was built for several runtimes or architectures. Lambda's names have no dots.
    several = names.count(artifact["name"]) > 1
    return (f"{artifact['name']}-{target(artifact)}" if several else artifact["name"]).replace(".", "")


role = aws.iam.Role("functions", assume_role_policy=json.dumps(TRUST))
aws.iam.RolePolicyAttachment("logs", role=role.name, policy_arn=LOGS)
layers = {
    (artifact["name"], target(artifact)): aws.lambda_.LayerVersion(
        resource_name(artifact),
        layer_name=resource_name(artifact),
        code=pulumi.FileArchive(str(dist / artifact["file"])),
        source_code_hash=artifact["code_sha256"],
        compatible_runtimes=artifact["runtimes"],
        compatible_architectures=[artifact["architecture"]],
    )
    for artifact in artifacts
    if artifact["kind"] == "layer"
}
for artifact in artifacts:
    if artifact["kind"] == "function":
        aws.lambda_.Function(
            resource_name(artifact),
            role=role.arn,
            code=pulumi.FileArchive(str(dist / artifact["file"])),
            source_code_hash=artifact["code_sha256"],
            runtime=artifact["runtimes"][0],
            architectures=[artifact["architecture"]],
            handler=artifact["handler"],
            layers=[layers[name, target(artifact)].arn for name in artifact["layers"]],
            **OPTIONS.get(artifact["name"], {}),
        )
