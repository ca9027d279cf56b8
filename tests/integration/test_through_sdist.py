"""`python -m build` makes the wheel from the sdist: everything that the Lambda step reads has to be in there."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.helpers.machine import artifacts, example, project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.machine import Machine

pytestmark = pytest.mark.network

TABLE = """
[tool.lambda]
runtime = "python3.13"
handler = "tiny.app.handler"
include = [{ from = "conf/*.json", to = "conf" }]
lock = "locks/prod.txt"

[tool.lambda.functions.function]
handler = "tiny.app.handler"

[tool.lambda.functions.worker]
entry = "functions/worker"
"""
FILES = {
    "conf/a.json": "{}",
    "locks/prod.txt": "-r more.txt\n../vendored\n",
    "locks/more.txt": "idna==3.10\n-c constraints.txt\n",
    "locks/constraints.txt": "idna<4\n",
    "vendored/pyproject.toml": '[build-system]\nrequires=["setuptools"]\nbuild-backend="setuptools.build_meta"\n'
    '[project]\nname="vendored"\nversion="1"\n[tool.setuptools]\npackages=["vendored"]\n',
    "vendored/vendored/__init__.py": "",
    "functions/worker/index.py": "def handler(event, context):\n    return event\n",
    "functions/worker/data/table.csv": "1;2\n",
    "functions/worker/requirements.txt": "idna==3.10\n",
}


def names(sdist: Path) -> set[str]:
    with tarfile.open(sdist) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


@pytest.mark.parametrize("name", ["monorepo", "quickstart"])
def test_examples_through_the_sdist(name: str, machine: Machine, tmp_path: Path) -> None:
    made = example(name, tmp_path / name)
    machine.build(made, "--wheel", out=tmp_path / "direct")
    # Without options build makes the sdist, and the wheel from it.
    machine.build(made, "--sdist", "--wheel", out=tmp_path / "both")
    argv = [machine.python(), "-m", "build", "--no-isolation", "--skip-dependency-check", "--outdir", tmp_path / "way"]
    machine.run([*argv, made], cwd=made)
    assert len(artifacts(tmp_path / "direct")) >= 2
    assert artifacts(tmp_path / "direct") == artifacts(tmp_path / "both") == artifacts(tmp_path / "way")


def test_holds_what_the_lambda_step_reads(machine: Machine, tmp_path: Path) -> None:
    table = TABLE.replace('handler = "tiny.app.handler"\n', "", 1)
    made = project(tmp_path / "tiny", table, files=FILES)
    argv = [machine.python(), "-m", "build", "--no-isolation", "--skip-dependency-check"]
    machine.run([*argv, "--outdir", tmp_path / "way", made], cwd=made)
    machine.build(made, "--wheel", out=tmp_path / "direct")
    (sdist,) = (tmp_path / "way").glob("*.tar.gz")
    assert set(FILES) <= names(sdist)
    assert artifacts(tmp_path / "direct") == artifacts(tmp_path / "way")


def test_two_sdists_are_alike(machine: Machine, tmp_path: Path) -> None:
    made = example("monorepo", tmp_path / "monorepo")
    env = {"SOURCE_DATE_EPOCH": "1700000000"}
    contents = []
    for out in ("one", "two"):
        machine.build(made, "--sdist", out=tmp_path / out, env=env)
        (sdist,) = (tmp_path / out).glob("*.tar.gz")
        contents.append(names(sdist))
    assert contents[0] == contents[1]


def test_a_path_dependency_outside_the_project_is_named(machine: Machine, tmp_path: Path) -> None:
    outside = {f"../{name}": text for name, text in FILES.items() if name.startswith("vendored/")}
    table = '[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"'
    made = project(tmp_path / "deep/tiny", table, files={**outside, "requirements.txt": "../vendored\n"})
    argv = [machine.python(), "-m", "build", "--no-isolation", "--skip-dependency-check", made]
    outcome = machine.run(argv, cwd=made, check=False)
    assert outcome.exit_code != 0
    assert "../vendored" in outcome.message
    assert "Traceback" not in outcome.log
    assert not list(made.glob("dist/*.zip"))
