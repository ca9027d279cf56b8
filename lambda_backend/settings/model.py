"""The ``[tool.lambda]`` table as values: the single source of truth.

A field is a key (``output_dir`` is ``output-dir``, ``from_`` is ``from``), the string below it is its documentation.
The parser, the JSON schema and the reference page are driven by these annotations, which therefore are real types at
run time and no postponed ones. Text with ``${NAME}`` stays as it was written (see ``interpolate.py``), so settings
never hold secrets of the environment.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from lambda_backend.settings.marks import Mark, Rule
from lambda_backend.values import Value, field

__all__ = [
    "BundlingSettings",
    "ChecksSettings",
    "FunctionSettings",
    "ImageSettings",
    "Include",
    "LayerSettings",
    "PoetrySettings",
    "Secret",
    "Settings",
    "ToolsSettings",
    "Volume",
]

Text = Annotated[str, Rule.TEXT]
Name = Annotated[str, Rule.NAME]
Variable = Annotated[str, Rule.VARIABLE]
Handler = Annotated[str, Rule.HANDLER]
PathInProject = Annotated[str, Rule.INSIDE]
PathInZip = Annotated[str, Rule.BELOW]
Version = Annotated[str, Rule.VERSION]
Level = Literal["error", "warn", "off"]
Names = Annotated[tuple[Text, ...], Mark.UNIQUE]
Runtimes = Annotated[tuple[Annotated[str, Rule.RUNTIME], ...], Mark.ONE_OR_MANY, Mark.UNIQUE]
Architectures = Annotated[tuple[Annotated[str, Rule.ARCHITECTURE], ...], Mark.ONE_OR_MANY, Mark.UNIQUE]


class Include(Value):
    """Files of the project that go into an artifact beside its code."""

    from_: PathInProject
    """Path or glob, relative to the project; it may not leave the project, and must match something."""
    to: PathInZip = ""
    """Folder in the zip, relative to its root (in a layer too); by default the root itself."""


class ImageSettings(Value):
    """A Containerfile of the project's own, which the bundling image is built on."""

    context: PathInProject = "."
    """Folder that is sent to the engine, relative to the project; `.containerignore` or `.dockerignore` counts."""
    file: PathInProject | None = None
    """The Containerfile, relative to the context; by default `Containerfile` or `Dockerfile`."""
    target: Text | None = None
    """Stage of the Containerfile to stop at."""


class Volume(Value):
    """A folder of the host in the container."""

    host_path: Text
    """Path on the host."""
    container_path: Text
    """Absolute path in the container."""
    read_only: bool = False
    """Refuse to write there."""


class Secret(Value):
    """A file of the host that the installation sees and no image, artifact or log holds."""

    id: Text
    """Name that the engine knows the secret by."""
    source: Text
    """Path on the host; `~` is the user's folder."""
    target: Text | None = None
    """Path in the container; by default `/run/secrets/` and the id."""


class ToolsSettings(Value):
    """Versions of the tools that resolve and install."""

    uv: Version | None = None
    """Version of uv, such as `0.13`."""
    poetry: Version | None = None
    """Version of Poetry that exports a `poetry.lock`, such as `2.5`; by default one that reads the lock's format."""
    pipenv: Version | None = None
    """Version of Pipenv that exports a `Pipfile.lock`, such as `2026.10`."""


class PoetrySettings(Value):
    """How a `poetry.lock` is exported."""

    hashes: bool = True
    """Export the hashes, so that the installation checks them."""
    urls: bool = True
    """Export the URLs of the package indexes."""


class BundlingSettings(Value):
    """Where and how dependencies are installed.

    Functions and layers may have a `bundling` table of their own; each key that it sets replaces the same key of
    `[tool.lambda.bundling]`.
    """

    image: Text | ImageSettings | None = None
    """Image that our Containerfile goes on top of, which needs only Python; by default AWS SAM's build image."""
    build_args: Annotated[Mapping[Variable, str], Mark.SECRET] = field(default_factory=dict, repr=False)
    """Build arguments of the project's own Containerfile; index and proxy variables also count for fetching tools."""
    environment: Annotated[Mapping[Variable, str], Mark.SECRET] = field(default_factory=dict, repr=False)
    """Environment variables of the installation, such as `PIP_INDEX_URL`."""
    network: Text | None = None
    """Network of the container and of image builds, such as `host` or `none`."""
    user: Text | None = None
    """User and group in the container, such as `1000:1000`; by default the user who builds."""
    security_opt: tuple[Text, ...] = ()
    """Security options of the container."""
    volumes: tuple[Volume, ...] = ()
    """Folders of the machine that the engine runs on, in the container."""
    volumes_from: tuple[Text, ...] = ()
    """Containers whose volumes are mounted."""
    entrypoint: tuple[str, ...] = ()
    """Words that come before every command of the installation in the container."""
    command: tuple[str, ...] = ()
    """Command that installs in place of ours: what it leaves in `$LAMBDA_OUTPUT_DIR` is the artifact's tree."""
    working_directory: Text | None = None
    """Folder that `before`, `after` and `command` run in; by default that of the source."""
    platform: Text | None = None
    """Platform of the container, such as `linux/arm64`; by default the architecture's. Another machine's takes wheels
    and builds only pure Python, as the host does."""
    file_access: Literal["auto", "bind-mount", "volume-copy"] = "auto"
    """How files reach the container: mounted, or copied where the engine runs on another machine."""
    ca_bundle: Text = "auto"
    """The host's certificate authorities for the container: `auto`, `off`, or the path of a bundle."""
    ssh: Text | None = None
    """SSH agent for the container: `default` is the one of `SSH_AUTH_SOCK`, anything else the path of its socket."""
    secrets: Annotated[tuple[Secret, ...], Mark.SECRET] = ()
    """Files of the host that only the installation sees."""
    tools: ToolsSettings = ToolsSettings()
    """Versions of the tools that resolve and install."""
    poetry: PoetrySettings = PoetrySettings()
    """How a `poetry.lock` is exported."""
    before: tuple[Text, ...] = ()
    """Shell commands before the installation. `$LAMBDA_INPUT_DIR` is the source, `$LAMBDA_OUTPUT_DIR` the tree."""
    after: tuple[Text, ...] = ()
    """Shell commands after the installation, with the same variables."""
    given: Annotated[frozenset[str], Mark.GIVEN] = field(default=frozenset(), compare=False, repr=False)
    """Fields that the table sets itself."""

    @property
    def has_commands(self) -> bool:
        """The user's own commands have a hand in what comes out."""
        return bool(self.before or self.after or self.command)


class ChecksSettings(Value):
    """What happens when a finished artifact breaks a rule: `error` ends the build, `warn` reports, `off` is silent."""

    size: Level = "error"
    """Lambda's limits of size, and `max-size`."""
    binaries: Level = "error"
    """Shared objects that the runtime cannot load."""
    handler: Level = "error"
    """A handler that is not in the artifact."""
    import_handler: bool = False
    """Also import the handler, which runs the project's code."""
    collisions: Level = "error"
    """Files of two packages at the same path."""
    secrets: Level = "error"
    """Credentials in the artifact."""
    bytecode: Level = "warn"
    """Bytecode that the runtime's Python does not use."""
    runtime_support: Level = "warn"
    """A runtime that AWS has deprecated."""

    @property
    def levels(self) -> Mapping[str, Level]:
        """The level of each check, by its key."""
        names = ("size", "binaries", "handler", "collisions", "secrets", "bytecode", "runtime-support")
        return {name: getattr(self, name.replace("-", "_")) for name in names}


class _ArtifactKeys(Value):
    """Keys that functions and layers share; each that is set replaces the one of `[tool.lambda]`."""

    runtime: Runtimes | None = None
    """Lambda runtime, or a list of them."""
    architecture: Architectures | None = None
    """Instruction set, or a list of them."""
    lock: PathInProject | None = None
    """Lock file, relative to the project."""
    extras: Names | None = None
    """Extras of the project."""
    groups: Names | None = None
    """Dependency groups of the project, or of the lock."""
    include: tuple[Include, ...] | None = None
    """Files of the project that go in too."""
    exclude: tuple[Text, ...] | None = None
    """Gitignore patterns over the whole artifact."""
    omit: Names | None = None
    """Distributions to leave out, such as `boto3`, since the runtime has them."""
    bytecode: bool | None = None
    """Ship `.pyc` files made by the runtime's Python, so that a cold start compiles nothing."""
    strip: bool | None = None
    """Remove debug information and static symbol tables from shared objects and programs."""
    bundling: BundlingSettings = BundlingSettings()
    """How the dependencies of this one are installed."""


class FunctionSettings(_ArtifactKeys):
    """One function; a zip for each of its runtimes and architectures."""

    handler: Handler | None = None
    """What Lambda calls, `package.module.function`; `index.handler` by default where there is an `entry`."""
    entry: PathInProject | None = None
    """Folder with the function's code and its own lock file; the project's wheel stays out."""
    layers: Names = ()
    """Layers of this project, at most five; the function leaves out what they have."""


class LayerSettings(_ArtifactKeys):
    """One layer; a zip for each of its runtimes and architectures."""

    project: bool = False
    """Put the project's wheel in, and not only its dependencies."""
    path_prefix: PathInZip = "python"
    """Folder in the zip that the packages go to."""


class Settings(Value):
    """The whole table."""

    runtime: Runtimes = ()
    """Lambda runtime, or a list of them: one artifact for each."""
    architecture: Architectures = ("x86_64",)
    """Instruction set, or a list of them: one artifact for each."""
    handler: Handler | None = None
    """What Lambda calls, `package.module.function`; short for one function called `function`."""
    entry: PathInProject | None = None
    """Folder with the code of that function and its own lock file, for a project that is no package."""
    wheel_backend: Annotated[str, Rule.BACKEND] = "setuptools.build_meta"
    """PEP 517 backend that makes the wheel and the sdist."""
    engine: Literal["auto", "docker", "podman", "finch", "nerdctl", "host"] = "auto"
    """Container engine that installs the dependencies; `auto` takes the first that answers, `host` needs none."""
    output_dir: Text | None = None
    """Folder for the artifacts, absolute or relative to the one that the frontend names, which is the default."""
    lock: PathInProject | None = None
    """Lock file, relative to the project; by default the first that is there."""
    extras: Names = ()
    """Extras of the project to install."""
    groups: Names = ()
    """Dependency groups (PEP 735) of the project, or of the lock, to install."""
    include: tuple[Include, ...] = ()
    """Files of the project that go in too."""
    exclude: tuple[Text, ...] = ()
    """Gitignore patterns over the whole artifact; `!pattern` takes one back in."""
    omit: Names = ()
    """Distributions to leave out, such as `boto3`, since the runtime has them."""
    bytecode: bool = False
    """Ship `.pyc` files made by the runtime's Python, so that a cold start compiles nothing."""
    strip: bool = False
    """Remove debug information and static symbol tables from shared objects and programs."""
    sbom: bool = False
    """Write a CycloneDX bill of materials beside each zip."""
    max_size: Annotated[int | None, Mark.SIZE] = None
    """The project's own limit for a function with its layers, unzipped: bytes, or text such as `100 MiB`."""
    functions: Mapping[Name, FunctionSettings] = field(default_factory=dict)
    """Functions by name."""
    layers: Mapping[Name, LayerSettings] = field(default_factory=dict)
    """Layers by name."""
    bundling: BundlingSettings = BundlingSettings()
    """Where and how dependencies are installed."""
    checks: ChecksSettings = ChecksSettings()
    """What happens when a finished artifact breaks a rule."""
