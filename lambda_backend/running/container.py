"""A function in a container, at Lambda's own paths."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from lambda_backend.engines.access import started
from lambda_backend.engines.protocol import ContainerSpec, Mount
from lambda_backend.engines.streams import last_lines
from lambda_backend.errors import EngineUnavailableError
from lambda_backend.running.client import runtime_client
from lambda_backend.running.host import is_native
from lambda_backend.running.model import RunningError
from lambda_backend.running.stage import RUNTIME, SandboxStage, Setting, put_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lambda_backend.engines.protocol import Engine, Image
    from lambda_backend.running.model import Function, Surroundings
    from lambda_backend.targets import Target

__all__ = ["in_container"]

_RUN = PurePosixPath("/lambda-backend/run")
_CLIENT = PurePosixPath("/lambda-backend/client")
_VARIABLES = {
    "LD_LIBRARY_PATH": (
        "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
    ),
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
}
"""As Lambda has them."""


@contextlib.contextmanager
def in_container(function: Function, root: Path, engine: Engine, surroundings: Surroundings) -> Iterator[SandboxStage]:
    """A stage in a container, which is removed on every way out.

    Args:
        function: what to run.
        root: where it was unpacked (``lay_out``).
        engine: where.
        surroundings: of the process.

    Raises:
        RunningError: there is no image, or the runtime client cannot be had.
        EngineError: the container cannot be started.
    """
    target = function.target
    image = _image(engine, target, surroundings)
    if not is_native(target):
        surroundings.say(
            f"this machine is {platform.machine()}: where {engine.name} emulates {target.architecture}, all takes "
            "longer, and may need a longer timeout"
        )
    put_sandbox(root / "run")
    client = root / "client"
    client.mkdir()
    spec = ContainerSpec(
        image=image.reference,
        platform=target.container_platform,
        mounts=(
            Mount(source=root / "var/task", target=PurePosixPath("/var/task"), read_only=True),
            Mount(source=root / "opt", target=PurePosixPath("/opt"), read_only=True),
            Mount(source=root / "run", target=_RUN, read_only=True),
            Mount(source=client, target=_CLIENT, read_only=True),
        ),
        network=surroundings.network,
    )
    with started(engine, spec, "auto") as reached:
        container = reached.container
        has_runtime = container.exec(["test", "-x", f"{RUNTIME}/bootstrap"]).exit_code == 0
        if not has_runtime:
            shutil.copytree(runtime_client(target, None, surroundings), client, copy_function=_link, dirs_exist_ok=True)
            if not reached.shared:
                container.copy_in(client, _CLIENT)

        def sandboxed(argv: list[str], job: str) -> str:
            file = root / "run/job.json"
            file.write_text(job, "utf-8")
            if not reached.shared:
                container.copy_in(file, _RUN / file.name)
            lines: list[str] = []

            def hear(line: str) -> None:
                lines.append(line)
                surroundings.log(line)

            result = container.exec(argv, cwd=_RUN, on_line=hear)
            if result.exit_code:
                raise RunningError(
                    f"the sandbox ended with {result.exit_code} in {image.reference}:\n{last_lines(lines)}"
                )
            return result.output

        setting = Setting(
            where=f"in {image.reference} ({engine.name})",
            root="",
            python=target.python,
            run=str(_RUN),
            runtime=RUNTIME if has_runtime else str(_CLIENT),
            entry=f"{RUNTIME}/bootstrap" if has_runtime else None,
            variables=_VARIABLES,
            leash=False,
        )
        yield SandboxStage(function, setting, sandboxed)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)


def _image(engine: Engine, target: Target, surroundings: Surroundings) -> Image:
    """Lambda's own image of the runtime, or else the one that it is built on for building."""
    reasons = []
    for reference in (target.run_image, target.build_image):
        found = engine.image(reference, target.container_platform)
        if found is not None:
            return found
        surroundings.say(f"pulling {reference} ({engine.name})")
        try:
            return engine.pull(reference, target.container_platform, surroundings.detail)
        except EngineUnavailableError as error:
            reasons.append(" ".join(error.message.split()))
    raise RunningError(
        f"there is no image of {target.name} to run in: {'; '.join(reasons)}",
        hint=f"{engine.name} pull --platform {target.container_platform} {target.run_image}",
    )
