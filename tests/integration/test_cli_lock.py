"""Locked by the command, built by a frontend: every target gets what was locked for it, from whatever lock it came."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.helpers.locked_projects import archives
from tests.helpers.locksmith import Locksmith
from tests.helpers.machine import HERE, artifacts, example, manifest, project
from tests.helpers.package_index import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.helpers.machine import Machine
    from tests.helpers.package_index import PackageIndex

pytestmark = pytest.mark.network

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SHOP = """
[project.optional-dependencies]
data = ["numpy"]
pdf = ["fpdf2; python_version >= '3.12'", "idna<3.9"]

[dependency-groups]
prod = ["six"]
dev = ["pytest"]

[tool.lambda]
runtime = ["python3.11", "python3.13"]
architecture = ["x86_64", "arm64"]
groups = ["prod"]

[tool.lambda.layers.deps]
extras = ["data"]

[tool.lambda.functions.api]
handler = "tiny.app.handler"
layers = ["deps"]

[tool.lambda.functions.print]
handler = "tiny.app.handler"
extras = ["pdf"]
architecture = "x86_64"

[tool.lambda.functions.all]
handler = "tiny.app.handler"
extras = ["data", "pdf"]

[tool.lambda.functions.worker]
entry = "worker"
layers = ["deps"]
"""


@pytest.fixture
def lock(machine: Machine) -> Callable[..., tuple[str, str]]:
    """``lambda-backend lock``; gives what it printed, and what it told."""

    def run(folder: Path, *words: str, env: Mapping[str, str] | None = None, exit_code: int = 0) -> tuple[str, str]:
        argv = [str(machine.python().with_name("lambda-backend")), "lock", *words]
        done = subprocess.run(
            argv, cwd=folder, env=machine.environment(env), capture_output=True, text=True, check=False
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done.stdout, done.stderr

    return run


def pins(dist: Path) -> dict[str, dict[str, tuple[str, str]]]:
    """Version and digest of the archive of each distribution, by zip."""
    return {
        item["file"]: {found["name"]: (found["version"], found["sha256"]) for found in item["requirements"]}
        for item in manifest(dist)["artifacts"]
    }


def locked(path: Path) -> dict[str, set[str]]:
    """Versions in a lock."""
    found: dict[str, set[str]] = {}
    for package in tomllib.loads(path.read_text("utf-8"))["packages"]:
        found.setdefault(package["name"], set()).add(package.get("version", ""))
    return found


def test_lock_and_build(lock: Callable[..., tuple[str, str]], machine: Machine, tmp_path: Path) -> None:
    """Two runtimes with another glibc each, two processors, two extras, a group, a layer and an entry."""
    files = {"worker/index.py": "def handler(event, context): ...\n", "worker/requirements.txt": "requests\n"}
    made = project(tmp_path / "tiny", SHOP, dependencies='["requests"]', files=files)
    printed, _ = lock(made)
    assert printed == f"{made}/pylock.lambda.toml\n{made}/worker/pylock.lambda.toml\n"
    outcome = machine.build(made)
    assert "resolving" not in outcome.log
    assert "lambda-backend lock" not in outcome.log
    assert {item["lock"] for item in manifest(made / "dist")["artifacts"]} == {"pylock.lambda.toml"}
    shipped = pins(made / "dist")
    assert len(shipped) == 4 + 4 + 2 + 4 + 4
    every = locked(made / "pylock.lambda.toml")
    # Of what is pinned to be older for one extra there is one version for all.
    assert every["idna"] == {"3.8"}
    assert "pytest" not in every
    # numpy's newest releases have no wheel for the glibc of python3.11's Amazon Linux 2.
    assert len(every["numpy"]) == 2
    for runtime, machine_name in (("python3.11", "x86_64"), ("python3.11", "arm64"), ("python3.13", "x86_64")):
        target = f"{runtime}-{machine_name}"
        layer = shipped[f"tiny-1.0.0-deps-{target}.zip"]
        assert {"numpy", "requests", "idna", "six"} <= layer.keys()
        assert shipped[f"tiny-1.0.0-api-{target}.zip"] == {}
        assert shipped[f"tiny-1.0.0-worker-{target}.zip"] == {}
        everything = shipped[f"tiny-1.0.0-all-{target}.zip"]
        assert layer.items() <= everything.items()
        assert ("fpdf2" in everything) == (runtime == "python3.13")
    printing = shipped["tiny-1.0.0-print-python3.13-x86_64.zip"]
    assert {"fpdf2", "six", "idna"} <= printing.keys()
    assert "numpy" not in printing
    assert shipped["tiny-1.0.0-print-python3.11-x86_64.zip"].keys().isdisjoint({"fpdf2", "numpy"})
    before = artifacts(made / "dist")
    lock(made)
    machine.build(made, out=tmp_path / "again")
    assert artifacts(tmp_path / "again") == before


def test_the_lock_says_what_an_unlocked_build_takes(
    lock: Callable[..., tuple[str, str]], machine: Machine, tmp_path: Path
) -> None:
    table = '[tool.lambda]\nruntime = ["python3.11", "python3.13"]\nhandler = "tiny.app.handler"\n'
    made = project(tmp_path / "tiny", table, dependencies='["pandas", "cryptography"]')
    outcome = machine.build(made, out=tmp_path / "unlocked", env={"LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")})
    assert "`lambda-backend lock` keeps it" in outcome.log
    lock(made)
    machine.build(made)
    assert pins(made / "dist") == pins(tmp_path / "unlocked")


def test_another_installer_takes_the_lock(
    lock: Callable[..., tuple[str, str]], machine: Machine, tmp_path: Path
) -> None:
    """It is what PEP 751 says: uv installs from it, with the extra and the group and without."""
    table = f"""
[project.optional-dependencies]
fast = ["markupsafe"]
[dependency-groups]
prod = ["six"]
[tool.lambda]
runtime = "python{HERE}"
handler = "tiny.app.handler"
extras = ["fast"]
groups = ["prod"]
"""
    made = project(tmp_path / "tiny", table, dependencies='["idna"]')
    lock(made)
    for name, words, expected in (
        ("plain", [], {"idna"}),
        ("all", ["--extra", "fast", "--group", "prod"], {"idna", "markupsafe", "six"}),
    ):
        argv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--preview-features", "pylock", *words]
        argv += ["--target", str(tmp_path / name), "-r", "pylock.lambda.toml"]
        argv += ["--python-platform", "x86_64-manylinux_2_17"]
        done = subprocess.run(argv, cwd=made, env=machine.environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        infos = (tmp_path / name).glob("*.dist-info")
        assert {path.name.partition("-")[0].lower() for path in infos} == expected


def test_an_example_of_entries(lock: Callable[..., tuple[str, str]], machine: Machine, tmp_path: Path) -> None:
    made = example("monorepo", tmp_path / "monorepo")
    machine.build(made, out=tmp_path / "before")
    printed, _ = lock(made)
    assert {os.path.relpath(path, made) for path in printed.splitlines()} == {
        f"functions/{name}/pylock.lambda.toml" for name in ("invoices", "orders", "worker")
    }
    machine.build(made)
    assert pins(made / "dist") == pins(tmp_path / "before")
    names = {item["lock"] for item in manifest(made / "dist")["artifacts"]}
    assert names == {"pylock.lambda.toml"}


def test_a_stale_lock(lock: Callable[..., tuple[str, str]], machine: Machine, tmp_path: Path) -> None:
    table = '[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"\n'
    made = project(tmp_path / "tiny", table, dependencies='["idna"]')
    lock(made)
    changes = {
        'dependencies = ["idna"]': ('dependencies = ["idna", "six"]', "pylock.lambda.toml does not cover"),
        'runtime = "python3.13"': ('runtime = "python3.12"', "requires Python >=3.13"),
        "[tool.lambda]": ('[tool.lambda]\narchitecture = "arm64"', "it was written for other environments"),
    }
    text = (made / "pyproject.toml").read_text()
    for old, (new, words) in changes.items():
        (made / "pyproject.toml").write_text(text.replace(old, new))
        message = machine.build(made, check=False).message
        assert words in message
        assert message.endswith("lambda-backend lock")
        lock(made)
        machine.build(made)
        (made / "pyproject.toml").write_text(text)
        lock(made)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackageIndex]:
    with serving(archives(tmp_path_factory.mktemp("archives"))) as served:
        yield served


@pytest.fixture(scope="module")
def locksmith(machine: Machine, index: PackageIndex, tmp_path_factory: pytest.TempPathFactory) -> Locksmith:
    root = tmp_path_factory.mktemp("locksmith")
    caches = {name: str(root / name) for name in ("UV_CACHE_DIR", "POETRY_CACHE_DIR", "PIPENV_CACHE_DIR")}
    return Locksmith(root, index, machine.environment({**caches, "NO_PROXY": "127.0.0.1"}))


@pytest.mark.parametrize("kind", ["poetry 2", "poetry 2 project", "pipenv", "uv"])
def test_locks_of_other_tools(
    kind: str, lock: Callable[..., tuple[str, str]], locksmith: Locksmith, machine: Machine, tmp_path: Path
) -> None:
    """The zips are the same, byte for byte, from the tool's lock and from ours that was made of it."""
    runtimes = ["python3.13"] if kind == "pipenv" else ["python3.11", "python3.13"]
    made = locksmith.project(kind, tmp_path / "tiny", runtimes=runtimes)
    env = {"NO_PROXY": "127.0.0.1", "UV_CACHE_DIR": locksmith.environ["UV_CACHE_DIR"]}
    machine.build(made, out=tmp_path / "before", env=env)
    printed, told = lock(made, env=env)
    assert printed == ""
    assert "--force makes pylock.lambda.toml of it" in told
    printed, _ = lock(made, "--force", env=env)
    assert printed == f"{made}/pylock.lambda.toml\n"
    machine.build(made, out=tmp_path / "after", env=env)
    zips = [
        {name: value for name, value in artifacts(tmp_path / out).items() if name.endswith(".zip")}
        for out in ("before", "after")
    ]
    assert zips[0] == zips[1]
    assert {item["lock"] for item in manifest(tmp_path / "after")["artifacts"]} == {"pylock.lambda.toml"}
