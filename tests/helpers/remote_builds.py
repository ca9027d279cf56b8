"""Projects of which every engine has to make the same, wherever it is."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.helpers.engine_answers import engine_environment
from tests.helpers.machine import artifacts, example, project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.helpers.machine import Machine, Outcome

COPIED = "does not see this machine's files: they are copied"
FILES = {
    "fn/index.py": "def handler(event, context):\n    return event\n",
    "fn/requirements.txt": "six==1.16.0\n",
    "fn/notes.md": "removed\n",
}
HOOKED = """
[tool.lambda]
runtime = "python3.13"
[tool.lambda.functions.hooked]
entry = "fn"
[tool.lambda.functions.hooked.bundling]
before = [
    "test -f index.py && mkdir -p made/deep && echo 'SOURCE = 1' > made/deep/generated.py && ln -s index.py alias.py",
    "echo early > $LAMBDA_OUTPUT_DIR/early.txt",
]
after = [
    "cd $LAMBDA_OUTPUT_DIR && test -f six.py && test -f early.txt && test -f made/deep/generated.py",
    "cd $LAMBDA_OUTPUT_DIR && rm notes.md && echo '#!/bin/sh' > run && chmod +x run",
]
[tool.lambda.functions.commanded]
entry = "fn"
[tool.lambda.functions.commanded.bundling]
command = ["sh", "-c", "pip install --quiet -r requirements.txt -t $LAMBDA_OUTPUT_DIR && ls > $LAMBDA_OUTPUT_DIR/ls"]
[tool.lambda.functions.plain]
handler = "tiny.app.handler"
"""


def native(folder: Path) -> Path:
    """Compiles C."""
    return example("native", folder)


def hooked(folder: Path) -> Path:
    """Hooks, a command in place of the installation, and a package with a dependency."""
    return project(folder, HOOKED, dependencies='["idna==3.10"]', files=FILES)


PROJECTS: Mapping[str, Callable[[Path], Path]] = {"native": native, "hooked": hooked}


def build(
    machine: Machine, folder: Path, env: Mapping[str, str | None], *, access: str = "auto", check: bool = True
) -> Outcome:
    """With a cache of its own, from nothing; certificates lie where no engine elsewhere has them."""
    shutil.rmtree(folder.parent / "cache", ignore_errors=True)
    shutil.rmtree(folder / "dist", ignore_errors=True)
    named = os.environ.get("SSL_CERT_FILE")
    certificates = {"SSL_CERT_FILE": str(shutil.copy(named, folder.parent / "ca.pem"))} if named else {}
    variables = {
        "LAMBDA_BACKEND_CACHE_DIR": str(folder.parent / "cache"),
        "LAMBDA_BACKEND_RUNTIME": "python3.13",
        "LAMBDA_BACKEND_BUNDLING_FILE_ACCESS": access,
    }
    return machine.build(folder, env={"DOCKER_HOST": None, **certificates, **variables, **env}, check=check)


@functools.cache
def by_mounts(machine: Machine, name: str) -> dict[str, str]:
    """The digests of what this machine's Docker makes of a project with bind mounts."""
    folder = PROJECTS[name](Path(tempfile.mkdtemp(prefix=name, dir=machine.root)) / "project")
    outcome = build(machine, folder, engine_environment("docker"), access="bind-mount")
    assert COPIED not in outcome.log
    return artifacts(folder / "dist")
