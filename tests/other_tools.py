"""Zips that other tools make, and what ``lambda-backend check`` finds in them.

    python -m tests.other_tools > docs/reference/other-tools.md

Needs a package index, bash, zip, Python 3.11 and 3.13, and npm for Serverless. Each tool is run by its own commands,
and the page has them and what the check prints. Names of cases as arguments make a smaller run.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.helpers.interpreters import interpreter
from tests.helpers.tools import tool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PYTHONS = ("3.11", "3.13")
TOOLS = ("pex", "pex3", "sam")
APP = """\
import numpy


def handler(event, context):
    return {"sum": int(numpy.sum(event["numbers"]))}
"""
TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Runtime: python3.13
"""
SERVERLESS = """\
service: app
provider:
  name: aws
  runtime: python3.13
package:
  patterns: ["!**", app.py]
plugins: [serverless-python-requirements]
functions:
  function:
    handler: app.handler
"""
ZIP = "cp app.py package/ && (cd package && zip -qr ../function.zip .)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A tool, and the commands that make ``function.zip`` with it."""

    title: str
    commands: str
    """In bash, with ``app.py`` and ``requirements.txt`` in the working folder."""
    runtimes: tuple[str, ...] = ("python3.13",)
    """What the zip is looked at for, one after the other."""
    says: str
    """What the findings come from, and what happens in Lambda."""
    requirements: str = "numpy"
    files: tuple[tuple[str, str], ...] = ()
    """More files, by name."""
    packages: tuple[str, ...] = ()
    """What the tool is, in a package index."""


CASES = {
    "uv-macos": Case(
        title="uv on a Mac",
        commands=f"""\
uv pip install -q -r requirements.txt --target package --python-version 3.13 --python-platform aarch64-apple-darwin
{ZIP}""",
        says="""\
What `uv pip install --target` takes on a Mac (the platform is named here, for this ran on Linux).
Lambda's Python does not even see its modules.""",
    ),
    "uv-arm64": Case(
        title="uv on a Mac, in a container",
        commands=f"""\
uv pip install -q -r requirements.txt --target package --python-version 3.13 --python-platform aarch64-manylinux_2_34
{ZIP}""",
        says="""\
A container on an Apple processor is arm64, and a function is x86_64 unless it says otherwise.""",
    ),
    "uv-linux": Case(
        title="uv for Linux",
        commands=f"""\
uv pip install -q -r requirements.txt --target package --python-version 3.11 --python-platform x86_64-unknown-linux-gnu
{ZIP}""",
        runtimes=("python3.11",),
        says="""\
uv takes "Linux" for one with glibc 2.28 or newer. Amazon Linux 2, which python3.10 and python3.11 run on, has 2.26.""",
    ),
    "pip": Case(
        title="pip with the Python that is there",
        commands=f"""\
python3.11 -m pip install -q -r requirements.txt -t package
{ZIP}""",
        runtimes=("python3.13", "python3.11"),
        says="""\
One zip, looked at for two runtimes. pip takes what fits the Python and the system that it runs on, and compiles
everything for that Python.""",
    ),
    "pip-large": Case(
        title="pip and its bytecode",
        commands=f"""\
python3.13 -m pip install -q -r requirements.txt -t package
{ZIP}""",
        requirements="numpy\npandas\nscipy",
        says="""\
What is below the limit as it comes from the index is above it with pip's bytecode. `pip install --no-compile` leaves
that out.""",
    ),
    "folder": Case(
        title="A folder in the zip",
        commands="""\
uv pip install -q -r requirements.txt --target package --python-version 3.13 --python-platform x86_64-manylinux_2_34
cp app.py package/ && zip -qr function.zip package""",
        says="""\
In Lambda, "Unable to import module 'app': No module named 'app'" comes with the first event.""",
    ),
    "sam": Case(
        title="AWS SAM CLI",
        commands="""\
sam build
(cd .aws-sam/build/Function && zip -qr ../../../function.zip .)""",
        says="It takes wheels for the function's runtime and architecture.",
        files=(("template.yaml", TEMPLATE),),
        packages=("aws-sam-cli==1.170.0",),
    ),
    "serverless": Case(
        title="Serverless with serverless-python-requirements",
        commands="""\
npm install --silent osls@4.3.1 serverless-python-requirements@6.1.2
npx osls package
mv .serverless/app.zip function.zip""",
        says="""\
(osls is the Serverless Framework as its community goes on with it.) Python checks pip's bytecode by the time of its
source, and this zip gives every file one fixed time: each `.pyc` is read, the source is compiled all the same, and
nothing is kept, for `/var/task` cannot be written to. Zips of AWS CDK and of `sam package` have a fixed time too.""",
        files=(("serverless.yml", SERVERLESS),),
    ),
    "pex": Case(
        title="pex",
        commands="""\
pex -r requirements.txt --pip-version 26.1.1 --python python3.13 -D . -o app.pex
pex3 venv create --pex-repository app.pex --layout flat-zipped --python python3.13 -d function""",
        says="It takes what fits the Python that it is given; here that is the function's, on a system like Lambda's.",
        packages=("pex==2.105.2",),
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What the command printed."""

    options: str
    text: str
    code: int


def check(folder: Path, runtime: str) -> Checked:
    """Run ``lambda-backend check`` on the zip of a case."""
    options = f"--runtime {runtime} --handler app.handler"
    argv = [sys.executable, "-m", "lambda_backend", "check", "function.zip", *options.split()]
    done = subprocess.run(argv, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return Checked(options=options, text=done.stdout, code=done.returncode)


def make(case: Case, folder: Path, commands: Path, *, app: str = APP, requirements: str | None = None) -> None:
    """Make the zip of a case in an empty folder.

    Args:
        case: what to run.
        folder: gets ``function.zip``.
        commands: folder with what the case calls: see :func:`install`.
        app: the handler's module.
        requirements: others than those of the case.
    """
    (folder / "app.py").write_text(app, "utf-8")
    (folder / "requirements.txt").write_text(f"{requirements or case.requirements}\n", "utf-8")
    for name, text in case.files:
        (folder / name).write_text(text, "utf-8")
    # Installers would find other wheels than a user's do, or none at all.
    left_out = ("AWS_", "PIP_FIND_LINKS", "UV_FIND_LINKS", "VIRTUAL_ENV", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    environment |= {"PATH": os.pathsep.join((str(commands), environment["PATH"]))}
    environment |= {"SAM_CLI_TELEMETRY": "0", "SLS_TELEMETRY_DISABLED": "1", "SLS_TRACKING_DISABLED": "1"}
    argv = ["bash", "-euo", "pipefail", "-c", case.commands]
    done = subprocess.run(
        argv, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{case.title}: {case.commands}\n{done.stdout}{done.stderr}")


def install(folder: Path, case: Case) -> Path:
    """A folder with the commands of a case: uv, Pythons with pip, and the tool itself.

    Raises:
        LookupError: a Python is not there.
    """
    bin_folder = folder / "bin"
    bin_folder.mkdir(parents=True, exist_ok=True)
    wanted = {"uv": [sys.executable, "-m", "uv"]}
    wanted |= {f"python{version}": [str(_python(folder, version))] for version in PYTHONS}
    for package in case.packages:
        found = tool(folder, package)
        wanted |= {name: [str(found / name)] for name in TOOLS if (found / name).exists()}
    for name, argv in wanted.items():
        (bin_folder / name).write_text(f'#!/bin/sh\nexec {shlex.join(argv)} "$@"\n', "utf-8")
        (bin_folder / name).chmod(0o755)
    return bin_folder


def _python(folder: Path, version: str) -> Path:
    found = interpreter(version)
    if found is None:
        raise LookupError(f"no Python {version} on this machine")
    place = folder / f"python{version}"
    if not place.exists():
        argv = [sys.executable, "-m", "uv", "venv", "-q", "--seed", "--python", str(found), str(place)]
        subprocess.run(argv, check=True)
    return place / "bin/python"


def page(results: dict[str, tuple[Checked, ...]]) -> str:
    """The reference page."""
    return "\n".join(
        [
            "# Zips of other tools",
            "",
            "What [`lambda-backend check`](command-line.md#check) finds in zips that other tools made, each by the",
            "commands that stand there. Made by `python -m tests.other_tools`, with the packages of the day. The",
            "application is a handler that imports numpy.",
            "",
            *(line for name, checked in results.items() for line in _section(CASES[name], checked)),
        ]
    )


def _section(case: Case, checked: Sequence[Checked]) -> Iterator[str]:
    yield f"## {case.title}"
    yield ""
    if case.requirements != "numpy":
        yield f"With {', '.join(case.requirements.split())}:"
        yield ""
    for line in case.commands.splitlines():
        yield f"    $ {line}"
    for one in checked:
        yield f"    $ lambda-backend check function.zip {one.options}"
        yield from (f"    {line}".rstrip() for line in one.text.splitlines())
    yield ""
    yield from case.says.splitlines()
    yield ""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    arguments = parser.parse_args(argv)
    results = {}
    kept = Path(tempfile.mkdtemp(prefix="other-tools-"))
    try:
        for name in arguments.cases or CASES:
            folder = kept / "case" / name
            folder.mkdir(parents=True)
            make(CASES[name], folder, install(kept, CASES[name]))
            results[name] = tuple(check(folder, runtime) for runtime in CASES[name].runtimes)
            sys.stderr.write(f"{name}: {' '.join(str(one.code) for one in results[name])}\n")
            shutil.rmtree(folder)
    finally:
        shutil.rmtree(kept, ignore_errors=True)
    sys.stdout.write(page(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
