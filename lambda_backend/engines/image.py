"""The bundling image: our Containerfile over the runtime's build image, kept under the hash of its inputs."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zipfile
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from lambda_backend.engines.ca import ca_environment
from lambda_backend.engines.own_image import OwnImage, own_image
from lambda_backend.engines.protocol import ContainerSpec, Image, ImageBuild
from lambda_backend.engines.streams import last_lines
from lambda_backend.errors import EngineError, EngineUnavailableError
from lambda_backend.settings.interpolate import redact_urls
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lambda_backend.engines.protocol import Container, Engine, ExecResult, Mount
    from lambda_backend.targets import Target

__all__ = ["BundlingImage", "bundling_image", "bundling_tag", "find_python"]

_DOWNLOADS = PurePosixPath("/tmp/lambda-backend-uv")  # noqa: S108 - of a container that nobody else uses
_ENVIRONMENT = PurePosixPath("/tmp/lambda-backend-pip")  # noqa: S108
_EXACT = 2
"""Dots of a version that names one release."""


class BundlingImage(Value):
    """What dependencies are installed in."""

    reference: str
    base: Image
    image: Image


class _Recipe(Value):
    """The inputs that all steps share."""

    engine: Engine
    target: Target
    platform: str
    key: str | None
    base: Image
    uv_version: str
    network: str | None
    exec_environment: Mapping[str, str]
    ca_bundle: Mount | None
    on_line: Callable[[str], None]


def bundling_image(  # noqa: PLR0913 - all by name; each is a key of the settings or an edge
    engine: Engine,
    target: Target,
    *,
    base: str | OwnImage | None,
    uv_version: str,
    network: str | None,
    cache_dir: Path,
    exec_environment: Mapping[str, str],
    ca_bundle: Mount | None,
    on_line: Callable[[str], None],
    platform: str | None = None,
    key: str | None = None,
    on_step: Callable[[str], None] | None = None,
) -> BundlingImage:
    """The image for a target, built when the engine does not have it yet.

    Args:
        engine: where.
        target: for what.
        base: reference of the user's own image, or the project's own Containerfile; None for the runtime's build image.
        uv_version: of the uv in it; ``0.13`` takes the newest of that series.
        network: of the container that fetches uv, and of the build of an own Containerfile.
        cache_dir: where uv is kept.
        exec_environment: index and proxy variables for fetching uv; reaches no image.
        ca_bundle: the host's certificates for fetching uv, from ``ca_bundle_mount``; reaches no image.
        on_line: gets the lines that engine and pip say, without the user parts of URLs.
        platform: of the image; the target's by default.
        key: path of the setting that names the image, for messages; None where it names none.
        on_step: gets a line before each step that may take long.

    Raises:
        EngineUnavailableError: the base can be neither found nor pulled.
        EngineError: uv cannot be fetched, or the image cannot be built.
    """

    def say(line: str) -> None:
        on_line(redact_urls(line))

    platform = platform or target.container_platform
    if isinstance(base, OwnImage):
        found = own_image(engine, base, platform=platform, network=network, on_line=on_line, on_step=on_step)
    else:
        found = _base(engine, target, base or target.build_image, platform, say)
    reference = bundling_tag(target, found, uv_version, platform)
    image = engine.image(reference, platform)
    if image is None:
        recipe = _Recipe(
            engine=engine,
            target=target,
            platform=platform,
            key=key,
            base=found,
            uv_version=uv_version,
            network=network,
            exec_environment=exec_environment,
            ca_bundle=ca_bundle,
            on_line=say,
        )
        try:
            image = _build(recipe, reference, _uv(recipe, cache_dir))
        except EngineError as error:
            if key is not None:  # whatever it is, it is an image of the user's that it happened in
                error.locate(key)
            raise
    return BundlingImage(reference=reference, base=found, image=image)


def bundling_tag(target: Target, base: Image, uv_version: str, platform: str) -> str:
    """The image's name: runtime, architecture and a hash of everything that goes into it."""
    inputs = json.dumps([_containerfile(), base.id, uv_version, platform])
    return f"lambda-backend/{target.name}:{hashlib.sha256(inputs.encode()).hexdigest()[:16]}"


def _containerfile() -> str:
    return resources.files("lambda_backend.engines").joinpath("Containerfile").read_text("utf-8")


def _base(engine: Engine, target: Target, reference: str, platform: str, on_line: Callable[[str], None]) -> Image:
    image = engine.image(reference, platform)
    if image is not None:
        return image
    try:
        return engine.pull(reference, platform, on_line)
    except EngineUnavailableError as error:
        raise EngineUnavailableError(
            f"the build image {reference} of {target.name} is not there, and {error.message}",
            hint="pull or load it, name another in tool.lambda.bundling.image, or build with -C lambda.engine=host",
        ) from error


def _build(recipe: _Recipe, tag: str, uv: Path) -> Image:
    with tempfile.TemporaryDirectory(prefix="lambda-backend-") as folder:
        context = Path(folder)
        (context / "Containerfile").write_text(_containerfile(), "utf-8", newline="\n")
        shutil.copyfile(uv, context / "uv")
        (context / "uv").chmod(0o755)
        asked = ImageBuild(
            context=context,
            tag=tag,
            platform=recipe.platform,
            build_args={"IMAGE": recipe.base.reference},
        )
        return recipe.engine.build(asked, recipe.on_line)


def _uv(recipe: _Recipe, cache_dir: Path) -> Path:
    """Uv's executable for the target's machine, from the package index by way of the cache."""
    kept = cache_dir / "uv" / f"{recipe.uv_version}-{recipe.platform.replace('/', '-')}" / "uv"
    if kept.is_file():
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=kept.parent) as folder:
        wheels = Path(folder)
        _download(recipe, wheels)
        found = sorted(wheels.glob("*.whl"))
        if not found:
            raise EngineError(f"no wheel of uv {recipe.uv_version} came out of {recipe.base.reference}")
        executable = _executable(found[0], wheels)
        executable.chmod(0o755)
        executable.replace(kept)
    return kept


def _executable(wheel: Path, folder: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        # PEP 427: what goes onto PATH is in the wheel's .data/scripts.
        name = next((name for name in archive.namelist() if name.endswith(".data/scripts/uv")), None)
        if name is None:
            raise EngineError(f"{wheel.name} holds no uv", hint="pin another version in tool.lambda.bundling.tools.uv")
        path = folder / "uv"
        with archive.open(name) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target)
    return path


def _download(recipe: _Recipe, folder: Path) -> None:
    """Fetch uv's wheel with the base image's own pip, which knows the machine it is for."""
    spec = ContainerSpec(
        image=recipe.base.reference,
        platform=recipe.platform,
        network=recipe.network,
        working_directory="/tmp",  # noqa: S108
    )
    version = recipe.uv_version if recipe.uv_version.count(".") >= _EXACT else f"{recipe.uv_version}.*"
    # Neither a pip.conf of the image nor its cache decides; what the host says does.
    environment = {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_NO_INPUT": "1",
        **recipe.exec_environment,
        **({} if recipe.ca_bundle is None else ca_environment()),
    }
    arguments = [
        "-m",
        "pip",
        "download",
        f"uv=={version}",
        "--no-deps",
        "--only-binary",
        ":all:",
        "-d",
        str(_DOWNLOADS),
    ]
    recipe.on_line(f"fetching uv {version} for {recipe.target.name}")
    with recipe.engine.start(spec) as container:
        if recipe.ca_bundle is not None:  # not as a mount: the engine may not see this machine's files
            container.copy_in(recipe.ca_bundle.source, recipe.ca_bundle.target)
        python = _pip_python(container, recipe)
        result = container.exec([python, *arguments], environment=environment, on_line=recipe.on_line)
        if result.exit_code:
            raise EngineError(
                f"uv {version} cannot be fetched in {recipe.base.reference}:\n{_said(result)}",
                hint="check PIP_INDEX_URL, the proxy variables, tool.lambda.bundling.network and its ca-bundle",
            )
        container.copy_out(_DOWNLOADS, folder)


def _pip_python(container: Container, recipe: _Recipe) -> str:
    """An interpreter of the image that has pip; a virtual environment brings it where it is missing."""
    python = find_python(container, recipe.target, key=recipe.key)
    if container.exec([python, "-m", "pip", "--version"]).exit_code == 0:
        return python
    result = container.exec([python, "-m", "venv", str(_ENVIRONMENT)])
    if result.exit_code:
        raise EngineError(
            f"the image {recipe.base.reference} has neither pip nor ensurepip:\n{_said(result)}",
            hint="install pip in the image that tool.lambda.bundling.image names",
        )
    return str(_ENVIRONMENT / "bin" / "python")


def find_python(container: Container, target: Target, *, key: str | None = None) -> str:
    """The interpreter of the target's minor version in a container.

    Args:
        container: of the bundling image.
        target: what for.
        key: path of the setting that names the image, for messages; None where it names none.

    Raises:
        EngineError: there is none; says which were found.
    """
    wanted = target.runtime.python_version
    found = []
    for name in dict.fromkeys([target.runtime.name, target.python, "python3", "python"]):
        result = container.exec([name, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        version = result.output.strip()
        if result.exit_code == 0 and version == wanted:
            return name
        found.append(f"{name}: {version or 'none'}" if result.exit_code == 0 else f"{name}: none")
    if key is None:
        raise EngineError(
            f"the image of {target.name} has no Python {wanted} ({', '.join(found)})",
            hint="name an image with that Python in tool.lambda.bundling.image, or build with -C lambda.engine=host",
        )
    raise EngineError(
        f"{key}: the image for {target.name} has no Python {wanted} ({', '.join(found)})",
        hint=f"put a python{wanted} or python3 on its PATH; a function or layer may have an image of its own",
    )


def _said(result: ExecResult) -> str:
    return last_lines([result.output, result.log])
