// A stack of what `python -m build` left in dist/. The manifest says what every zip is; CDK takes the zips as they are,
// bundles nothing, and sees a change only where a zip has changed.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { App, Duration, Stack, aws_lambda as lambda } from "aws-cdk-lib";

// What no manifest can know, by the function's name: memory, timeout, environment, permissions.
const OPTIONS = {
  api: { memorySize: 512, timeout: Duration.seconds(30) },
};

const ARCHITECTURES = { x86_64: lambda.Architecture.X86_64, arm64: lambda.Architecture.ARM_64 };

class Functions extends Stack {
  constructor(scope, id, { dist, manifest, ...props }) {
    super(scope, id, props);
    const { artifacts } = manifest;
    const target = ({ runtimes, architecture }) => `${runtimes.join("-")}-${architecture}`;
    // A name is enough, unless it was built for several runtimes or architectures.
    const idOf = (artifact) =>
      artifacts.filter(({ name }) => name === artifact.name).length > 1
        ? `${artifact.name}-${target(artifact)}`
        : artifact.name;
    const code = ({ file }) => lambda.Code.fromAsset(path.join(dist, file));
    const runtimes = (artifact) => artifact.runtimes.map((name) => new lambda.Runtime(name, lambda.RuntimeFamily.PYTHON));

    const layers = new Map();
    for (const artifact of artifacts.filter(({ kind }) => kind === "layer")) {
      const layer = new lambda.LayerVersion(this, idOf(artifact), {
        code: code(artifact),
        compatibleRuntimes: runtimes(artifact),
        compatibleArchitectures: [ARCHITECTURES[artifact.architecture]],
      });
      layers.set(`${artifact.name}-${target(artifact)}`, layer);
    }
    for (const artifact of artifacts.filter(({ kind }) => kind === "function")) {
      new lambda.Function(this, idOf(artifact), {
        code: code(artifact),
        runtime: runtimes(artifact)[0],
        architecture: ARCHITECTURES[artifact.architecture],
        handler: artifact.handler,
        layers: artifact.layers.map((name) => layers.get(`${name}-${target(artifact)}`)),
        ...OPTIONS[artifact.name],
      });
    }
  }
}

const app = new App();
const dist = app.node.tryGetContext("dist");
const [file, ...more] = readdirSync(dist).filter((name) => name.endsWith(".lambda.json"));
if (!file || more.length) {
  throw new Error(`${dist}: one manifest (*.lambda.json) is needed, and ${more.length ? "several are" : "none is"} there`);
}
const manifest = JSON.parse(readFileSync(path.join(dist, file), "utf8"));
new Functions(app, manifest.project, { dist, manifest });
