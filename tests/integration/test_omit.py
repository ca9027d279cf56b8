"""``omit``, whatever file the dependencies are locked in: what is named is not in the zip, all else is."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.helpers.machine import manifest, project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.machine import Machine

pytestmark = pytest.mark.network

TABLE = """
[tool.lambda]
runtime = "python3.13"
omit = ["Six"]

[tool.lambda.functions.api]
handler = "tiny.app.handler"

[tool.lambda.functions.own]
handler = "tiny.app.handler"
layers = ["deps"]
omit = []

[tool.lambda.layers.deps]
"""
UV = ("-m", "uv", "--quiet")


def lock(kind: str, machine: Machine, made: Path) -> None:
    python = machine.python()
    if kind == "requirements.txt":
        (made / kind).write_text("python-dateutil==2.9.0.post0\nsix==1.17.0\n")
    if kind in {"uv.lock", "pylock.toml"}:
        machine.run([python, *UV, "lock"], cwd=made)
    if kind == "pylock.toml":
        argv = [python, *UV, "export", "--no-emit-project", "--format", kind, "--output-file", kind]
        machine.run(argv, cwd=made)
        (made / "uv.lock").unlink()


def tops(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return {name.removeprefix("python/").partition("/")[0] for name in archive.namelist()}


@pytest.mark.parametrize("kind", ["requirements.txt", "uv.lock", "pylock.toml", "none"])
def test_what_is_named_is_left_out(kind: str, machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", TABLE, dependencies='["python-dateutil==2.9.0.post0"]')
    lock(kind, machine, made)
    outcome = machine.build(made)
    found = {item["name"]: item for item in manifest(made / "dist")["artifacts"]}
    for name in ("api", "deps"):
        assert [item["name"] for item in found[name]["requirements"]] == ["python-dateutil"]
        assert [item["name"] for item in found[name]["omitted"]] == ["six"]
        inside = tops(made / "dist" / found[name]["file"])
        assert "dateutil" in inside
        assert not any(top.startswith("six") for top in inside)
    # What the layer does not have, the function ships unless it omits it itself.
    assert ([item["name"] for item in found["own"]["requirements"]], found["own"]["omitted"]) == (["six"], [])
    assert "six.py" in tops(made / "dist" / found["own"]["file"])
    assert "own has six itself, since its layer deps omits it" in outcome.log
    assert "left out: six 1" in outcome.log
    assert "api runs with the runtime's own version in place of six 1" in outcome.log


def test_a_name_that_nothing_requires(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", TABLE.replace("Six", "sixx"), dependencies='["six==1.17.0"]')
    outcome = machine.build(made)
    assert 'warning: tool.lambda.omit: "sixx" is no requirement of deps, api; did you mean "six"?' in outcome.log, (
        outcome.log
    )
    assert [item["omitted"] for item in manifest(made / "dist")["artifacts"]] == [[], [], []]
