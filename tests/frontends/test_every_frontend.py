"""Every frontend gives the same artefacts, and none packages where nobody asked for it."""

from __future__ import annotations

import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.helpers.machine import artifacts, example, project, snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.helpers.machine import Machine

pytestmark = pytest.mark.network

SKIPPED = "Lambda step skipped"
DONE = "hello-1.0.0-function-python3.13-x86_64.zip"
TOX = """\
[tox]
requires = tox>=4
[testenv]
package = wheel
commands = python -c "import hello.app"
[testenv:.pkg]
pass_env =
    LAMBDA_BACKEND*
    PIP_*
    UV_*
    *_CERT*
    *_CA_*
"""


@pytest.fixture(scope="module")
def expected(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What ``python -m build --no-isolation --wheel`` gives."""
    made = example("quickstart", tmp_path_factory.mktemp("expected") / "quickstart")
    machine.build(made)
    found = artifacts(made / "dist")
    assert set(found) == {DONE, "hello-1.0.0.lambda.json"}
    return found


@pytest.fixture
def quickstart(tmp_path: Path) -> Path:
    return example("quickstart", tmp_path / "quickstart")


def test_build(machine: Machine, quickstart: Path, expected: Mapping[str, str]) -> None:
    machine.run([machine.python(), "-m", "build"], cwd=quickstart)
    assert artifacts(quickstart / "dist") == expected
    assert {path.name for path in (quickstart / "dist").iterdir()} == {
        *expected,
        "hello-1.0.0.tar.gz",
        "hello-1.0.0-py3-none-any.whl",
    }


def test_build_wheel_alone(machine: Machine, quickstart: Path, expected: Mapping[str, str]) -> None:
    machine.run([machine.python(), "-m", "build", "--wheel"], cwd=quickstart)
    assert artifacts(quickstart / "dist") == expected


def test_build_with_uv_as_installer(machine: Machine, quickstart: Path, expected: Mapping[str, str]) -> None:
    machine.run([machine.python(), "-m", "build", "--wheel", "--installer", "uv"], cwd=quickstart)
    assert artifacts(quickstart / "dist") == expected


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_a_build_in_isolation_knows_the_last_one(
    installer: str, machine: Machine, quickstart: Path, expected: Mapping[str, str]
) -> None:
    argv = [machine.python(), "-m", "build", "--installer", installer]
    machine.run(argv, cwd=quickstart)  # it may have been made of what is not in the cache
    machine.run(argv, cwd=quickstart)
    outcome = machine.run(argv, cwd=quickstart)
    assert "nothing has changed since the last build" in outcome.log
    assert artifacts(quickstart / "dist") == expected


def test_uv_build(machine: Machine, quickstart: Path, expected: Mapping[str, str]) -> None:
    machine.run([machine.python(), "-m", "uv", "build"], cwd=quickstart)
    assert artifacts(quickstart / "dist") == expected
    assert len(list((quickstart / "dist").glob("*.tar.gz"))) == 1


def test_uv_build_wheel(machine: Machine, quickstart: Path, expected: Mapping[str, str]) -> None:
    machine.run([machine.python(), "-m", "uv", "build", "--wheel"], cwd=quickstart)
    assert artifacts(quickstart / "dist") == expected


def test_pip_wheel_with_a_folder(
    machine: Machine, quickstart: Path, expected: Mapping[str, str], tmp_path: Path
) -> None:
    argv = [machine.python(), "-m", "pip", "wheel", "--no-deps", "-w", tmp_path / "wheels"]
    machine.run([*argv, "-C", f"lambda.output-dir={tmp_path / 'lambda'}", "."], cwd=quickstart)
    assert artifacts(tmp_path / "lambda") == expected
    assert [path.name for path in (tmp_path / "wheels").iterdir()] == ["hello-1.0.0-py3-none-any.whl"]


def test_pip_wheel_with_a_folder_from_the_environment(
    machine: Machine, quickstart: Path, expected: Mapping[str, str], tmp_path: Path
) -> None:
    argv = [machine.python(), "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path / "wheels", "."]
    machine.run(argv, cwd=quickstart, env={"LAMBDA_BACKEND_OUTPUT_DIR": str(tmp_path / "lambda")})
    assert artifacts(tmp_path / "lambda") == expected


def test_pip_wheel_without_a_folder(machine: Machine, quickstart: Path, tmp_path: Path) -> None:
    argv = [machine.python(), "-m", "pip", "wheel", "-v", "--no-deps", "--no-build-isolation", "-w", tmp_path, "."]
    outcome = machine.run(argv, cwd=quickstart)
    assert outcome.log.count(SKIPPED) == 1
    assert "-C lambda.output-dir=" in outcome.log
    assert not list(tmp_path.rglob("*.zip"))


def test_pip_ignores_the_key_of_the_table(machine: Machine, quickstart: Path, tmp_path: Path) -> None:
    settings = quickstart / "pyproject.toml"
    settings.write_text(settings.read_text("utf-8") + f'output-dir = "{tmp_path / "lambda"}"\n', "utf-8")
    argv = [machine.python(), "-m", "pip", "wheel", "-v", "--no-deps", "--no-build-isolation", "-w", tmp_path, "."]
    outcome = machine.run(argv, cwd=quickstart)
    assert outcome.log.count(SKIPPED) == 1
    assert not (tmp_path / "lambda").exists()


@pytest.mark.parametrize("editable", [False, True], ids=["install", "editable"])
def test_pip_install_does_not_package(editable: bool, machine: Machine, quickstart: Path, tmp_path: Path) -> None:
    argv = [machine.python(), "-m", "pip", "install", "-v", "--no-deps", "--no-build-isolation"]
    argv += ["--prefix", tmp_path / "prefix"]
    cache = tmp_path / "cache"
    outcome = machine.run(
        [*argv, *(["-e"] if editable else []), "."], cwd=quickstart, env={"LAMBDA_BACKEND_CACHE_DIR": str(cache)}
    )
    assert outcome.log.count(SKIPPED) == (0 if editable else 1)
    assert "requests" not in outcome.log
    assert not list(tmp_path.rglob("*.zip"))
    assert not cache.exists()


@pytest.mark.parametrize("editable", [False, True], ids=["install", "editable"])
def test_uv_pip_install_does_not_package(editable: bool, machine: Machine, quickstart: Path, tmp_path: Path) -> None:
    argv = [machine.python(), "-m", "uv", "pip", "install", "-v", "--no-deps", "--target", tmp_path / "target"]
    cache = tmp_path / "cache"
    env = {"LAMBDA_BACKEND_CACHE_DIR": str(cache), "UV_CACHE_DIR": str(tmp_path / "uv")}
    machine.run([*argv, *(["-e"] if editable else []), "."], cwd=quickstart, env=env)
    assert not list(tmp_path.rglob("hello-*.zip"))
    assert not cache.exists()


def test_tox(machine: Machine, quickstart: Path, expected: Mapping[str, str]) -> None:
    (quickstart / "tox.ini").write_text(TOX, "utf-8")
    outcome = machine.run([sys.executable, "-m", "tox", "run", "-e", "py"], cwd=quickstart)
    found = [path.parent for path in (quickstart / ".tox").rglob(DONE)]
    assert found, outcome.log
    assert artifacts(found[0]) == expected


def test_off(machine: Machine, quickstart: Path) -> None:
    machine.build(quickstart, "--wheel", "-Clambda=off")
    assert [path.name for path in (quickstart / "dist").iterdir()] == ["hello-1.0.0-py3-none-any.whl"]
    machine.build(quickstart, env={"LAMBDA_BACKEND": "off"})
    assert [path.name for path in (quickstart / "dist").iterdir()] == ["hello-1.0.0-py3-none-any.whl"]


def test_an_output_folder_of_its_own(machine: Machine, quickstart: Path, expected: Mapping[str, str]) -> None:
    machine.build(quickstart, "--wheel", "-Clambda.output-dir=aws")
    assert [path.name for path in sorted((quickstart / "dist").iterdir())] == ["aws", "hello-1.0.0-py3-none-any.whl"]
    assert artifacts(quickstart / "dist/aws") == expected


def test_only_some(machine: Machine, tmp_path: Path) -> None:
    made = example("monorepo", tmp_path / "monorepo")
    machine.build(made, "--wheel", "-Clambda.only=worker")
    zips = [path.name for path in (made / "dist").glob("*.zip")]
    assert zips == ["backoffice-1.0.0-worker-python3.13-x86_64.zip"]


def test_without_a_table_the_backend_only_delegates(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", "")
    machine.build(made, "--sdist", "--wheel")
    assert sorted(snapshot(made / "dist")) == ["tiny-1.0.0-py3-none-any.whl", "tiny-1.0.0.tar.gz"]


BACKENDS = {
    "setuptools.build_meta": "",
    "hatchling.build": "",
    "flit_core.buildapi": "",
    "poetry.core.masonry.api": "",
    "pdm.backend": "",
    "uv_build": '[tool.uv.build-backend]\nmodule-root = ""\n',
}


@pytest.mark.parametrize("backend", BACKENDS)
def test_wheel_backend(backend: str, machine: Machine, tmp_path: Path) -> None:
    table = f'[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"\nwheel-backend = "{backend}"\n'
    made = project(
        tmp_path / "tiny",
        table + BACKENDS[backend],
        dependencies='["idna==3.10"]',
        files={"requirements.txt": "idna==3.10\n", "README.md": "tiny"},
    )
    out = made / "dist"
    argv = [machine.python(), "-m", "build", "--no-isolation", "--skip-dependency-check", "--outdir", out, made]
    machine.run(argv, cwd=made)
    assert sorted(path.name for path in out.iterdir()) == [
        "tiny-1.0.0-function-python3.13-x86_64.zip",
        "tiny-1.0.0-py3-none-any.whl",
        "tiny-1.0.0.lambda.json",
        "tiny-1.0.0.tar.gz",
    ]
    with zipfile.ZipFile(out / "tiny-1.0.0-function-python3.13-x86_64.zip") as archive:
        members = archive.namelist()
    assert {"tiny/__init__.py", "tiny/app.py", "idna/__init__.py", "idna-3.10.dist-info/METADATA"} <= set(members)
    direct = tmp_path / "direct"
    machine.build(made, out=direct)
    assert artifacts(direct) == artifacts(out)
    _installs_editable(machine, made, tmp_path / "prefix")


def _installs_editable(machine: Machine, made: Path, prefix: Path) -> None:
    argv = [machine.python(), "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--prefix", prefix]
    machine.run([*argv, "-e", "."], cwd=made)
    assert list(prefix.rglob("tiny-1.0.0.dist-info/METADATA"))
    assert not list(prefix.rglob("*.zip"))


def test_wheel_backend_in_isolation(machine: Machine, tmp_path: Path) -> None:
    table = '[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"\nwheel-backend = "hatchling.build"\n'
    made = project(tmp_path / "tiny", table)
    settings = made / "pyproject.toml"
    text = settings.read_text("utf-8").replace('["lambda-backend"]', '["lambda-backend", "hatchling"]')
    settings.write_text(text, "utf-8")
    machine.run([machine.python(), "-m", "build", "--installer", "uv"], cwd=made)
    assert len(artifacts(made / "dist")) == 2
