"""What the stages on the host and in a container have in common: the job, the environment, the unpacked function."""

from __future__ import annotations

import json
import secrets
import time
from importlib import resources
from typing import TYPE_CHECKING, Any

from lambda_backend.running.model import Imported, ImportedModule, Invocation
from lambda_backend.running.unpack import unpack
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lambda_backend.running.model import Configuration, Function

__all__ = ["SandboxStage", "Setting", "lay_out", "put_sandbox"]

_REGION = "us-east-1"
_ISOLATED = ("-S", "-s", "-B")
"""No packages of the interpreter's, and no ``.pyc`` beside the function: ``/var/task`` cannot be written to."""
_IMPORT_SECONDS = 60
RUNTIME = "/var/runtime"


class Setting(Value):
    """Where a sandbox runs."""

    where: str
    root: str
    """What stands before Lambda's own paths: a folder, or nothing in a container."""
    python: str
    run: str
    """The folder of ``sandbox`` and the jobs."""
    runtime: str
    """The folder of the runtime client."""
    entry: str | None
    """The runtime's own program that runs a function, where there is one: all of its packages are there too."""
    variables: Mapping[str, str]
    """Of the environment, such as PATH."""
    leash: bool
    """The sandbox ends with its standard input."""


class SandboxStage:
    """See ``model.Stage``.

    Args:
        function: unpacked already.
        setting: where.
        run: writes the job to ``PATH`` below the setting's ``run``, runs the argv there, and gives what it prints.
    """

    def __init__(self, function: Function, setting: Setting, run: Callable[[list[str], str], str]) -> None:
        self.where = setting.where
        self._function = function
        self._setting = setting
        self._run = run

    def invoke(self, event: str, configuration: Configuration) -> Invocation:
        """Run the handler."""
        document = self._do(configuration, mode="invoke", event=event, timeout=configuration.timeout)
        return Invocation(**document)

    def import_handler(self, configuration: Configuration, *, uncompiled: bool = False) -> Imported:
        """Import the handler's module."""
        document = self._do(configuration, mode="import", timeout=_IMPORT_SECONDS, uncompiled=uncompiled)
        error = document["error"] or {}
        slowest = (
            ImportedModule(name=name, seconds=own / 1e6, cumulative=cumulative / 1e6)
            for own, cumulative, name in document["slowest"]
        )
        return Imported(
            where=self.where,
            seconds=document["seconds"],
            peak_bytes=document["peak_bytes"],
            slowest=tuple(slowest),
            error_type=error.get("errorType"),
            message=error.get("errorMessage"),
            missing_module=document["missing"],
        )

    def _do(self, configuration: Configuration, **mode: object) -> dict[str, Any]:
        setting, function = self._setting, self._function
        isolated = () if setting.entry else _ISOLATED
        job = {
            "name": function.name,
            "root": setting.root,
            "command": [setting.python, *isolated, f"{setting.run}/sandbox/function.py"],
            "entry": [setting.entry] if setting.entry else None,
            "function": {
                "handler": function.handler,
                "client": setting.runtime,
                "task": f"{setting.root}/var/task",
                "opt": f"{setting.root}/opt",
                "version": function.target.runtime.python_version,
                "layers": "PYTHONPATH" not in configuration.environment,
                "mark": f"lambda-backend-{secrets.token_hex(8)}",
            },
            "environment": {**_environment(function, configuration, setting), **configuration.environment},
            "memory": configuration.memory,
            "leash": setting.leash,
            **mode,
        }
        argv = [setting.python, *_ISOLATED, "-m", "sandbox", "job.json"]
        document: dict[str, Any] = json.loads(self._run(argv, json.dumps(job)))
        return document


def _environment(function: Function, configuration: Configuration, setting: Setting) -> dict[str, str]:
    """What a function finds in Lambda. Source: AWS documentation, "Defined runtime environment variables"."""
    today = time.strftime("%Y/%m/%d", time.gmtime())
    found = {
        "AWS_DEFAULT_REGION": _REGION,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.target.runtime.name}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{today}/[$LATEST]{secrets.token_hex(16)}",
        "AWS_REGION": _REGION,
        # There is no such folder: in Lambda neither, and nothing of this machine's user is found there.
        "HOME": f"{setting.root}/home/sbx_user1051",
        "LAMBDA_RUNTIME_DIR": setting.runtime,
        "LAMBDA_TASK_ROOT": f"{setting.root}/var/task",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": function.handler,
        **setting.variables,
    }
    # The runtime's own entry sets it, and takes one that is there for the user's.
    return found if setting.entry else {**found, "PYTHONPATH": setting.runtime}


def lay_out(function: Function, root: Path) -> None:
    """Unpack function and layers to ``var/task`` and ``opt`` below a folder.

    Raises:
        RunningError: a zip cannot be unpacked.
    """
    for folder in (root / "var/task", root / "opt"):
        folder.mkdir(parents=True)
    unpack(function.zip, root / "var/task")
    for layer in function.layers:
        unpack(layer, root / "opt")


def put_sandbox(folder: Path) -> None:
    """Put the sandbox's code into a folder."""
    target = folder / "sandbox"
    target.mkdir(parents=True)
    for source in resources.files("lambda_backend.running.sandbox").iterdir():
        if source.name.endswith(".py"):
            (target / source.name).write_bytes(source.read_bytes())
