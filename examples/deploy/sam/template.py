"""Writes template.json for SAM from the manifest that `python -m build` left: python sam/template.py [DIST]."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

# What no manifest can know, by the function's name: memory, timeout, environment, policies, events.
OPTIONS: dict[str, dict[str, Any]] = {
    "api": {"MemorySize": 512, "Timeout": 30},
}


def template(manifest: dict[str, Any], folder: str) -> dict[str, Any]:
    """A stack of all that the manifest names; `folder` holds the zips, relative to the template."""
    artifacts = manifest["artifacts"]
    names = [artifact["name"] for artifact in artifacts]

    def target(artifact: dict[str, Any]) -> str:
        return "-".join([*artifact["runtimes"], artifact["architecture"]])

    def logical_id(artifact: dict[str, Any]) -> str:
        # A name is enough, unless it was built for several runtimes or architectures. IDs are letters and digits.
        several = names.count(artifact["name"]) > 1
        words = f"{artifact['name']}-{target(artifact)}" if several else artifact["name"]
        return "".join(letter for letter in words.title() if letter.isalnum()) + artifact["kind"].title()

    layers = {(item["name"], target(item)): logical_id(item) for item in artifacts if item["kind"] == "layer"}
    resources: dict[str, Any] = {}
    for artifact in artifacts:
        location = f"{folder}/{artifact['file']}"
        if artifact["kind"] == "layer":
            kind = "AWS::Serverless::LayerVersion"
            properties = {
                "ContentUri": location,
                "CompatibleRuntimes": artifact["runtimes"],
                "CompatibleArchitectures": [artifact["architecture"]],
            }
        else:
            kind = "AWS::Serverless::Function"
            properties = {
                "CodeUri": location,
                "Runtime": artifact["runtimes"][0],
                "Architectures": [artifact["architecture"]],
                "Handler": artifact["handler"],
                "Layers": [{"Ref": layers[name, target(artifact)]} for name in artifact["layers"]],
                **OPTIONS.get(artifact["name"], {}),
            }
        resources[logical_id(artifact)] = {"Type": kind, "Properties": properties}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Description": f"{manifest['project']} {manifest['version']}",
        "Resources": resources,
    }


def main() -> None:
    dist = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else HERE.parent / "dist"
    found = sorted(dist.glob("*.lambda.json"))
    if len(found) != 1:
        sys.exit(f"{dist}: one manifest (*.lambda.json) is needed, and {len(found)} are there")
    manifest = json.loads(found[0].read_text("utf-8"))
    made = template(manifest, Path(os.path.relpath(dist, HERE)).as_posix())
    (HERE / "template.json").write_text(json.dumps(made, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
