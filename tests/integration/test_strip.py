"""``strip``, on wheels as they come from an index: smaller, the same each time, and every library loads."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from lambda_backend.facts.binary import binary_facts
from lambda_backend.targets import target
from tests.helpers.emulation import emulates
from tests.helpers.engine_answers import engine_environment
from tests.helpers.installed import installed_problems
from tests.helpers.interpreters import require_interpreter
from tests.helpers.invoke import invoke
from tests.helpers.machine import manifest, project

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.helpers.machine import Machine

pytestmark = pytest.mark.network

TABLE = """
[tool.lambda]
runtime = "python3.13"
architecture = ["x86_64", "arm64"]
strip = true

[tool.lambda.functions.api]
handler = "tiny.app.handler"
"""
# What auditwheel has patched, what other linkers made, Fortran, C++ and Rust.
WANTED = ("lxml", "numpy", "orjson", "pandas", "pillow", "psycopg2-binary", "scipy")
APP = """\
import lxml.etree, numpy, orjson, pandas, PIL.Image, psycopg2, scipy.linalg, scipy.optimize, scipy.sparse.linalg

def handler(event, context):
    solved = scipy.linalg.solve(numpy.array([[2.0, 1.0], [1.0, 3.0]]), numpy.array(event))
    root = scipy.optimize.brentq(lambda x: x**2 - 2, 0, 2)
    mean = pandas.DataFrame({"a": solved}).a.mean()
    pixel = PIL.Image.new("RGB", (2, 2), "red").resize((4, 4)).getpixel((1, 1))
    found = lxml.etree.fromstring("<a><b/></a>")[0].tag
    return orjson.loads(orjson.dumps([round(float(mean), 6), round(float(root), 6), pixel, found, psycopg2.apilevel]))
"""
ANSWER = [1.0, 1.414214, [255, 0, 0], "b", "2.0"]
# Under emulation pandas and scipy take minutes to import, and their libraries are made by the same tools as these.
FEW = """\
import lxml.etree, numpy, orjson, PIL.Image, psycopg2

def handler(event, context):
    solved = numpy.linalg.solve(numpy.array([[2.0, 1.0], [1.0, 3.0]]), numpy.array(event))
    pixel = PIL.Image.new("RGB", (2, 2), "red").resize((4, 4)).getpixel((1, 1))
    found = lxml.etree.fromstring("<a><b/></a>")[0].tag
    return orjson.loads(orjson.dumps([round(float(solved.mean()), 6), pixel, found, psycopg2.apilevel]))
"""
FILES = {"tiny/app.py": APP, "tiny/few.py": FEW}


def code_in(contents: Mapping[str, bytes]) -> dict[str, Any]:
    """Every ELF file: its size, and what ld.so reads of it."""
    return {name: (len(data), binary_facts(data)) for name, data in contents.items() if data.startswith(b"\x7fELF")}


def zip_of(dist: Path, architecture: str = "x86_64") -> Path:
    (path,) = dist.glob(f"*-api-python3.13-{architecture}.zip")
    return path


@pytest.fixture(scope="module")
def dist(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = project(tmp_path_factory.mktemp("strip") / "tiny", TABLE, dependencies=json.dumps(WANTED), files=FILES)
    outcome = machine.build(made)
    assert outcome.log.count("stripped: saves ") == 2
    return made / "dist"


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_it_is_smaller_and_needs_what_it_needed(
    architecture: str, machine: Machine, dist: Path, tmp_path: Path
) -> None:
    (item,) = (item for item in manifest(dist)["artifacts"] if item["architecture"] == architecture)
    platform = target("python3.13", architecture).uv_platforms[0]
    argv = [machine.python(), "-m", "uv", "pip", "install", "--quiet", "--target", tmp_path / "plain", "--no-deps"]
    argv += ["--python-platform", platform, "--python-version", "3.13", "--only-binary", ":all:"]
    machine.run([*argv, *(f"{one['name']}=={one['version']}" for one in item["requirements"])], cwd=tmp_path)
    plain = tmp_path / "plain"
    before = code_in(
        {path.relative_to(plain).as_posix(): path.read_bytes() for path in plain.rglob("*") if path.is_file()}
    )
    with zipfile.ZipFile(zip_of(dist, architecture)) as archive:
        after = code_in({name: archive.read(name) for name in archive.namelist()})
    assert before.keys() == after.keys()
    assert {name: facts for name, (_, facts) in before.items()} == {name: facts for name, (_, facts) in after.items()}
    saved = {name: before[name][0] - after[name][0] for name in before}
    assert len([name for name in saved if saved[name] > 0]) > 50
    assert min(saved.values()) == 0
    assert item["stripped_size"] == sum(saved.values()) > 5_000_000
    # The other processor's zip is no other to a Python that only reads it.
    names = installed_problems(zip_of(dist, architecture), "3.13")
    assert set(WANTED) <= {name.lower() for name in names}


def test_it_works_here(dist: Path) -> None:
    answer = invoke(zip_of(dist), "tiny.app.handler", [3.0, 4.0], python="3.13", timeout=120)
    assert not answer.failed, answer.payload
    assert answer.payload == ANSWER


@pytest.mark.engine
@pytest.mark.parametrize(("engine", "architecture"), [("docker", "x86_64"), ("podman", "x86_64"), ("docker", "arm64")])
def test_it_works_in_a_container(engine: str, architecture: str, machine: Machine, dist: Path) -> None:
    environment = machine.environment(engine_environment(engine))
    emulates(engine, "python3.13", architecture)
    path = os.pathsep.join((str(require_interpreter("3.13").parent), environment["PATH"]))
    argv = [machine.python(), "-m", "lambda_backend", "invoke", zip_of(dist, architecture), "--event", "-"]
    argv += ["--timeout", "600", "--memory", "2048", "--engine", engine]
    few = architecture == "arm64"
    argv += ["--handler", "tiny.few.handler" if few else "tiny.app.handler"]
    done = subprocess.run(
        [str(word) for word in argv],
        env={**environment, "PATH": path},
        input=json.dumps([3.0, 4.0]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ([ANSWER[0], *ANSWER[2:]] if few else ANSWER)


@pytest.mark.engine
def test_an_installation_in_a_container_is_the_same(machine: Machine, dist: Path, tmp_path: Path) -> None:
    table = TABLE.replace(', "arm64"', "")
    made = project(tmp_path / "tiny", table, dependencies=json.dumps(WANTED), files=FILES)
    machine.build(made, env=engine_environment("docker"))
    there = {item["name"]: item["content_digest"] for item in manifest(made / "dist")["artifacts"]}
    here = {
        item["name"]: item["content_digest"] for item in manifest(dist)["artifacts"] if item["architecture"] == "x86_64"
    }
    assert there == here
