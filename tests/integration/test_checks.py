"""Every build is checked: an error leaves nothing, a warning is told and stands in the manifest."""

from __future__ import annotations

import json
import os
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.helpers.engine_answers import engine_environment
from tests.helpers.interpreters import require_interpreter
from tests.helpers.machine import manifest, project, snapshot
from tests.helpers.wheels import make_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.machine import Machine

LEAST = """
[tool.lambda]
runtime = "python3.13"
handler = "tiny.app.handler"
"""
LAYERED = """
[tool.lambda]
runtime = "python3.13"
[tool.lambda.functions.api]
handler = "tiny.app.handler"
layers = ["code"]
[tool.lambda.layers.code]
project = true
"""


def findings(dist: Path) -> list[tuple[str, str, str]]:
    return [
        (artifact["name"], finding["check"], finding["level"])
        for artifact in manifest(dist)["artifacts"]
        for finding in artifact["findings"]
    ]


def with_python() -> dict[str, str]:
    """The runtime's Python on PATH."""
    return {"PATH": os.pathsep.join((str(require_interpreter("3.13").parent), os.environ["PATH"]))}


def test_all_errors_at_once_and_nothing_is_written(machine: Machine, tmp_path: Path) -> None:
    made = project(
        tmp_path / "tiny",
        LEAST.replace("handler =", 'max-size = 100\ninclude = [{ from = "lib/*.py" }]\nhandler =').replace(
            "app.handler", "app.handlr"
        ),
        files={"lib/json.py": "", "lib/notes.py": "x" * 200},
    )
    before = snapshot(made)
    outcome = machine.build(made, out=tmp_path / "dist", check=False)
    assert outcome.exit_code != 0
    message = outcome.message
    assert "checks fail, so nothing was written" in message
    assert "[size]" in message
    assert "more than max-size is 100" in message
    assert "[handler] the handler 'tiny.app.handlr': tiny/app.py defines no handlr" in message
    assert "→ did you mean tiny.app.handler?" in message
    assert "[collisions] json.py (from include) hides the module json" in message
    assert snapshot(tmp_path / "dist") == {}
    assert {name for name in snapshot(made) if not name.startswith(("tiny.egg-info", "build"))} == set(before)


def test_a_warning_builds_and_is_in_the_manifest(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", LEAST.replace("app.handler", "app.handlr"))
    outcome = machine.build(made, "--wheel", "-C", "lambda.checks.handler=warn")
    assert "warning: function for python3.13-x86_64: [handler] the handler 'tiny.app.handlr'" in outcome.log
    (artifact,) = manifest(made / "dist")["artifacts"]
    assert artifact["findings"] == [
        {
            "check": "handler",
            "level": "warn",
            "message": "the handler 'tiny.app.handlr': tiny/app.py defines no handlr",
            "hint": "did you mean tiny.app.handler?",
            "path": "tiny/app.py",
        }
    ]
    outcome = machine.build(made, "--wheel", "-C", "lambda.checks.handler=off")
    assert "lambda-backend: warning" not in outcome.log
    assert findings(made / "dist") == []


def test_the_age_of_a_runtime_is_said_once(machine: Machine, tmp_path: Path) -> None:
    table = LEAST.replace("python3.13", "python3.10").replace(
        "handler =", 'architecture = ["x86_64", "arm64"]\nhandler ='
    )
    made = project(tmp_path / "tiny", table)
    outcome = machine.build(made)
    assert outcome.log.count("python3.10 is deprecated since") == 1
    assert "warning: function for python3.10-x86_64, function for python3.10-arm64: [runtime-support]" in outcome.log
    assert findings(made / "dist") == [("function", "runtime-support", "warn")] * 2


def test_a_layer_that_is_not_asked_for_is_looked_into(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", LAYERED, files={"extra.txt": "x"})
    text = (made / "pyproject.toml").read_text("utf-8")
    include = 'layers = ["code"]\ninclude = [{ from = "extra.txt" }]'
    (made / "pyproject.toml").write_text(text.replace('layers = ["code"]', include), "utf-8")
    machine.build(made, "--wheel", "-C", "lambda.only=api")
    (artifact,) = manifest(made / "dist")["artifacts"]
    assert (artifact["name"], artifact["findings"]) == ("api", [])
    with zipfile.ZipFile(made / "dist" / artifact["file"]) as archive:
        assert archive.namelist() == ["extra.txt"]
    assert [path.name for path in (made / "dist").glob("*.zip")] == [artifact["file"]]


def test_two_distributions_with_one_file(machine: Machine, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    for name in ("one", "two"):
        make_wheel(links, name, files={"shared.py": f"x = {name!r}\n"})
    made = project(tmp_path / "tiny", LEAST, dependencies='["one", "two"]')
    env = {"UV_FIND_LINKS": str(links), "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")}
    for _ in ("made", "from the cache"):
        outcome = machine.build(made, env=env, check=False)
        assert "one and two bring different files to one place, and one is lost: shared.py" in outcome.message
    machine.build(made, "--wheel", "-C", "lambda.checks.collisions=warn", env=env)
    assert findings(made / "dist") == [("function", "collisions", "warn")]
    text = (made / "pyproject.toml").read_text("utf-8")
    (made / "pyproject.toml").write_text(text + 'exclude = ["shared.py"]\n', "utf-8")
    machine.build(made, env=env)
    assert findings(made / "dist") == []


@pytest.mark.network
@pytest.mark.parametrize("engine", ["host", pytest.param("docker", marks=pytest.mark.engine)])
def test_an_import_is_asked_for(engine: str, machine: Machine, tmp_path: Path) -> None:
    environment = {**engine_environment(engine), **with_python()}
    handler = "import nowhere.at_all\ndef handler(event, context):\n    return event\n"
    made = project(tmp_path / "tiny", LEAST, files={"tiny/app.py": handler})
    machine.build(made, env=environment)
    assert findings(made / "dist") == []
    asked = ("--wheel", "-C", "lambda.checks.import-handler=true")
    message = machine.build(made, *asked, out=tmp_path / "dist", env=environment, check=False).message
    assert "[handler] the handler 'tiny.app.handler' cannot be imported: Runtime.ImportModuleError" in message
    assert "No module named 'nowhere'" in message
    assert "→ add what brings the module nowhere to the dependencies, or to one of the layers" in message
    assert snapshot(tmp_path / "dist") == {}
    (made / "tiny/app.py").write_text(handler.replace("nowhere.at_all", "decimal"), "utf-8")
    assert " imports in " in machine.build(made, *asked, env=environment).log
    again = machine.build(made, *asked, env=environment).log
    assert " imports in " not in again
    assert findings(made / "dist") == []


@pytest.mark.network
def test_an_import_by_the_command(machine: Machine, tmp_path: Path) -> None:
    handler = "import colorsys, nowhere\ndef handler(event, context):\n    return event\n"
    made = project(tmp_path / "tiny", LEAST, files={"tiny/app.py": handler})
    machine.build(made)
    (zip_path,) = (made / "dist").glob("*.zip")
    command = machine.python().parent / "lambda-backend"
    outcome = machine.run([command, "check", zip_path], cwd=tmp_path, env=with_python())
    assert "nothing found" in outcome.log
    outcome = machine.run([command, "check", zip_path, "--import"], cwd=tmp_path, env=with_python(), check=False)
    assert outcome.exit_code == 1
    assert "error: [handler] the handler 'tiny.app.handler' cannot be imported" in outcome.log
    (made / "tiny/app.py").write_text(handler.replace(", nowhere", ""), "utf-8")
    machine.build(made)
    outcome = machine.run([command, "check", zip_path, "--import"], cwd=tmp_path, env=with_python())
    assert "imports in" in outcome.log
    assert "colorsys" in outcome.log
    outcome = machine.run([command, "check", zip_path, "--import", "--json"], cwd=tmp_path, env=with_python())
    document = json.loads(outcome.log[outcome.log.index("{") :])
    measured = document["zips"][0]["import"]
    assert measured["seconds"] > 0
    assert measured["error_type"] is None
    assert "colorsys" in [module["name"] for module in measured["slowest"]]


def test_what_a_folder_of_the_project_holds_is_its_own(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", LEAST)
    shared = project(made / "shared", "", files={"tiny/settings.ini": "url = https://me:pr0d-Xk29vv@db.internal/x"})
    text = (shared / "pyproject.toml").read_text("utf-8")
    text = text.replace('name = "tiny"', 'name = "shared"').replace(
        'packages = ["tiny"]',
        'package-dir = { shared = "tiny" }\npackages = ["shared"]\npackage-data = { shared = ["*.ini"] }',
    )
    (shared / "pyproject.toml").write_text(
        text.replace('requires = ["lambda-backend"]', 'requires = ["setuptools"]').replace(
            '"lambda_backend"', '"setuptools.build_meta"'
        ),
        "utf-8",
    )
    (made / "requirements.txt").write_text("./shared\n", "utf-8")
    message = machine.build(made, check=False).message
    assert "[secrets] shared/settings.ini holds a URL with a password" in message
    assert "pr0d" not in message
