"""AWS on this machine: moto's server, and what talks to it: boto3 and the ``aws`` command."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.helpers.tools import tool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

REGION = "eu-central-1"

_SERVER = """\
import logging, sys
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it would tell of each request
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://%s:%s" % server.get_host_and_port(), flush=True)
sys.stdin.read()  # until whoever started it goes
server.stop()
"""
# A file's bytes stand in the arguments as {"bytes of": path}, for JSON has none; answers may hold dates and streams.
_CALLS = """\
import json, pathlib, sys, boto3

def filled(value):
    if isinstance(value, dict):
        if set(value) == {"bytes of"}:
            return pathlib.Path(value["bytes of"]).read_bytes()
        return {name: filled(inner) for name, inner in value.items()}
    return value

answers = []
for service, method, arguments in json.load(sys.stdin):
    answer = getattr(boto3.client(service), method)(**filled(arguments))
    answers.append({name: value for name, value in answer.items() if name != "ResponseMetadata"})
json.dump(answers, sys.stdout, default=str)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Aws:
    """A server with AWS' API that knows nothing but what it was sent."""

    url: str
    commands: Path
    """Folder with ``aws`` and a ``python`` that has boto3."""

    @property
    def environment(self) -> dict[str, str]:
        """For any tool of AWS: this server, and no account of the developer's."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))}
        return {
            **ours,
            "PATH": os.pathsep.join((str(self.commands), ours["PATH"])),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_PAGER": "",
        }

    def calls(self, *calls: tuple[str, str, Mapping[str, Any]]) -> list[Any]:
        """Call boto3, one call after the other: service, method, arguments. Returns its answers."""
        done = subprocess.run(
            [str(self.commands / "python"), "-c", _CALLS],
            env=self.environment,
            input=json.dumps(calls, default=lambda path: {"bytes of": str(path)}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answers: list[Any] = json.loads(done.stdout)
        return answers


@contextlib.contextmanager
def serving(base: Path) -> Iterator[Aws]:
    """Start it; it ends with the context.

    Args:
        base: where its packages are kept.
    """
    commands = tool(base, "moto[server]==5.2.5", "awscli==1.46.2")
    argv = [str(commands / "python"), "-c", _SERVER]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url, "moto's server did not start"
            yield Aws(url=url, commands=commands)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=30)
