"""AWS CDK's module for Python, with the runtime's build image that the engine has, and ``zip``."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.contestants import layout
from benchmarks.model import Command, Contestant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.model import Place, State, Workload
    from benchmarks.tools import Tools

__all__ = ["Cdk"]

_APP = """\
const { App, DockerImage, Stack, aws_lambda: lambda } = require("aws-cdk-lib");
const { PythonFunction } = require("@aws-cdk/aws-lambda-python-alpha");
const fs = require("fs");
const asked = JSON.parse(fs.readFileSync("asked.json", "utf8"));
const app = new App({ outdir: asked.outdir, context: { "aws:cdk:enable-asset-metadata": true } });
const stack = new Stack(app, "Bench");
for (const { name, entry, index } of asked.functions) {
  new PythonFunction(stack, name, {
    entry, index, functionName: name, handler: "handler",
    runtime: new lambda.Runtime(asked.runtime, lambda.RuntimeFamily.PYTHON),
    bundling: { image: DockerImage.fromRegistry(asked.image), assetExcludes: [".git"], ...asked.bundling },
  });
}
const { Resources } = app.synth().getStackByName("Bench").template;
const lines = Object.values(Resources).filter(({ Type }) => Type === "AWS::Lambda::Function")
  .map(({ Metadata, Properties }) => `${Properties.FunctionName} ${Metadata["aws:asset:path"]}\\n`);
fs.writeFileSync(`${asked.outdir}/assets.txt`, lines.join(""));
"""
_CERTIFICATES = "/etc/ssl/certs/benchmark.pem"


@dataclass(frozen=True, kw_only=True)
class Cdk(Contestant):
    """The app is run by node itself, without CDK's command, and pip's cache is a volume: both are to its advantage."""

    tools: Tools
    key = "cdk"
    title = "AWS CDK's module (Docker), and zip"

    def why_not(self, workload: Workload) -> str | None:
        """It is not installed, or there is no Docker."""
        del workload
        if not (self.tools.node_modules / "@aws-cdk/aws-lambda-python-alpha").exists():
            return "not installed (set-up --npm)"
        return next((f"no {name} on PATH" for name in ("node", "docker", "zip") if shutil.which(name) is None), None)

    def write(self, place: Place, workload: Workload, state: State) -> None:
        """An app, and folders with code and lock."""
        index = f"{layout.handler(workload).replace('.', '/')}.py"
        for function in workload.functions:
            layout.write(place.project / "functions" / function.name, layout.function(workload, function, state))
        asked = {
            "outdir": str(place.builds / "cdk.out"),
            "runtime": f"python{workload.python}",
            "image": f"public.ecr.aws/sam/build-python{workload.python}:latest-x86_64",
            "functions": [
                {"name": function.name, "entry": f"functions/{function.name}", "index": index}
                for function in workload.functions
            ],
            "bundling": _bundling(place),
        }
        layout.write(place.project, {"app.js": _APP, "asked.json": json.dumps(asked)})
        (place.packages / "pip").mkdir(parents=True, exist_ok=True)

    def command(self, place: Place, workload: Workload) -> Command:
        """Synthesise, and zip the assets."""
        del workload
        outdir, out = place.builds / "cdk.out", shlex.quote(str(place.out))
        zipped = f"rm -f {out}/$name.zip; (cd {outdir}/$asset && zip -qr {out}/$name.zip .)"
        script = f"node app.js\nwhile read name asset; do {zipped}; done < {outdir}/assets.txt"
        env = {
            "NODE_PATH": str(self.tools.node_modules),
            "CDK_DOCKER": os.environ.get("CDK_DOCKER") or shutil.which("docker") or "docker",
        }
        return Command(script=script, cwd=place.project, env=env)

    def zips(self, place: Place, workload: Workload) -> Sequence[Path]:
        """One a function."""
        return [place.out / f"{function.name}.zip" for function in workload.functions]


def _bundling(place: Place) -> dict[str, object]:
    """Cache of pip, the host's certificates, and the network that lambda-backend's containers have too."""
    environment = {"PIP_CACHE_DIR": "/var/cache/pip", "PIP_NO_COMPILE": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    volumes = [{"hostPath": str(place.packages / "pip"), "containerPath": "/var/cache/pip"}]
    if certificates := os.environ.get("SSL_CERT_FILE"):
        environment |= dict.fromkeys(("PIP_CERT", "SSL_CERT_FILE"), _CERTIFICATES)
        volumes.append({"hostPath": certificates, "containerPath": _CERTIFICATES})
    network = os.environ.get("LAMBDA_BACKEND_BUNDLING_NETWORK")
    # The real image has no entrypoint of its own that is in the way; nor has a stand-in then.
    return {
        "environment": environment,
        "volumes": volumes,
        "entrypoint": ["/usr/bin/env"],
        **({"network": network} if network else {}),
    }
