"""Locks that their own tools export: the artefact holds what the tool itself would install for the target."""

from __future__ import annotations

import re
import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.helpers.engine_answers import engine_environment
from tests.helpers.leaks import folder_leaks, leaks, planted
from tests.helpers.locked_projects import PIPENV_PRIVATE, POETRY_PRIVATE, archives, private_archives
from tests.helpers.locksmith import KINDS, Locksmith, add_table
from tests.helpers.machine import artifacts, manifest, snapshot
from tests.helpers.machine import project as project_of
from tests.helpers.package_index import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.machine import Machine, Outcome
    from tests.helpers.package_index import PackageIndex

pytestmark = pytest.mark.network


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackageIndex]:
    with serving(archives(tmp_path_factory.mktemp("archives"))) as served:
        yield served


@pytest.fixture(scope="session")
def locksmith(machine: Machine, index: PackageIndex, tmp_path_factory: pytest.TempPathFactory) -> Locksmith:
    root = tmp_path_factory.mktemp("locksmith")
    # Caches of its own: another run's index may have had the same address, and its source has the same name.
    caches = {
        name: str(root / name) for name in ("UV_CACHE_DIR", "POETRY_CACHE_DIR", "PIPENV_CACHE_DIR", "PIP_CACHE_DIR")
    }
    environ = machine.environment({**caches, "NO_PROXY": "127.0.0.1"})
    return Locksmith(root, index, environ)


def build(
    machine: Machine,
    locksmith: Locksmith,
    project: Path,
    *arguments: str,
    check: bool = True,
    engine: str = "host",
    out: str = "dist",
    cache: Path | None = None,
    **env: str | None,
) -> Outcome:
    """From the sdist, as ``python -m build`` does it; no tool may make a virtual environment meanwhile."""
    argv = [machine.python(), "-m", "build", "--no-isolation", "--skip-dependency-check", "--outdir", project / out]
    virtualenvs = project.parent / "virtualenvs"
    variables = {
        **engine_environment(engine),
        "NO_PROXY": "127.0.0.1",
        "UV_CACHE_DIR": locksmith.environ["UV_CACHE_DIR"],
        "WORKON_HOME": str(virtualenvs),
        "POETRY_VIRTUALENVS_PATH": str(virtualenvs),
        **({} if cache is None else {"LAMBDA_BACKEND_CACHE_DIR": str(cache)}),
        **env,
    }
    outcome = machine.run([*argv, *arguments, project], cwd=project, env=variables, check=check)
    assert not virtualenvs.exists()
    return outcome


def archives_of(dist: Path) -> dict[str, str]:
    """Digests of the zips alone: the manifest also says who installed."""
    return {name: digest for name, digest in artifacts(dist).items() if name.endswith(".zip")}


def shipped(dist: Path) -> dict[str, dict[str, str]]:
    """Names and versions of what is in each zip, by its runtime."""
    return {
        item["runtimes"][0].removeprefix("python"): {found["name"]: found["version"] for found in item["requirements"]}
        for item in manifest(dist)["artifacts"]
    }


def sources(project: Path) -> dict[str, str]:
    """Digests of the project's files, but for what builds are known to leave."""
    ours = ("dist/", "tiny.egg-info")
    return {name: digest for name, digest in snapshot(project).items() if not name.startswith(ours) and name != "dist"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_tool_would_install(kind: str, locksmith: Locksmith, machine: Machine, tmp_path: Path) -> None:
    pythons = ["3.13"] if kind in {"pipenv", "pip-freeze"} else ["3.11", "3.13"]
    project = locksmith.project(kind, tmp_path / "tiny", runtimes=[f"python{python}" for python in pythons])
    before = sources(project)
    build(machine, locksmith, project)
    expected = {python: locksmith.installed(kind, project, python) for python in pythons}
    assert shipped(project / "dist") == expected
    assert {"aleph", "beth", "gimel", "daleth", "locallib", "onlynew"} <= expected["3.13"].keys()
    assert expected["3.13"].keys().isdisjoint({"backport", "windowsy", "devtool"})
    assert sources(project) == before


@pytest.mark.engine
@pytest.mark.parametrize(("kind", "engine"), [("poetry 2", "docker"), ("pipenv", "podman")])
def test_every_engine_ships_the_same_bytes(
    kind: str, engine: str, locksmith: Locksmith, machine: Machine, tmp_path: Path
) -> None:
    project = locksmith.project(kind, tmp_path / "tiny")
    build(machine, locksmith, project)
    build(machine, locksmith, project, engine=engine, out="there", cache=tmp_path / "cache")
    copied = {"LAMBDA_BACKEND_BUNDLING_FILE_ACCESS": "volume-copy"}
    build(machine, locksmith, project, engine=engine, out="copied", cache=tmp_path / "other", **copied)
    zips = [archives_of(project / name) for name in ("dist", "there", "copied")]
    assert len(zips[0]) == 1
    assert zips[0] == zips[1] == zips[2]
    (name,) = zips[0]
    with zipfile.ZipFile(project / "dist" / name) as archive:
        metadata = [archive.read(item).decode() for item in archive.namelist() if item.endswith("/METADATA")]
    # Poetry's own backend writes path dependencies with the folder of this build.
    assert not any("file:" in text for text in metadata)


@pytest.mark.parametrize("kind", ["poetry 2", "pipenv"])
def test_code_that_changes_asks_no_tool(kind: str, locksmith: Locksmith, machine: Machine, tmp_path: Path) -> None:
    project = locksmith.project(kind, tmp_path / "tiny")
    assert "resolving" in build(machine, locksmith, project, cache=tmp_path / "cache").log
    pyproject = project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('"1.0.0"', '"1.0.1"') + "\n[tool.other]\n")
    (project / "tiny/app.py").write_text("def handler(event, context):\n    return 1\n")
    again = build(machine, locksmith, project, cache=tmp_path / "cache", out="again")
    assert "resolving" not in again.log
    assert "lambda-backend: installing" not in again.log


@pytest.mark.parametrize(("kind", "version"), [("poetry 1.8", "1.8"), ("poetry 2", "1.8"), ("poetry 2", "2.2")])
def test_a_version_of_ones_own(kind: str, version: str, locksmith: Locksmith, machine: Machine, tmp_path: Path) -> None:
    project = locksmith.project(kind, tmp_path / "tiny")
    build(machine, locksmith, project)
    build(machine, locksmith, project, "-C", f"lambda.bundling.tools.poetry={version}", "--wheel", out="other")
    assert shipped(project / "other") == shipped(project / "dist")


def test_hashes_and_urls_of_poetry(locksmith: Locksmith, machine: Machine, tmp_path: Path, index: PackageIndex) -> None:
    """Without addresses everything comes from where uv looks; without hashes it may be another archive there."""
    elsewhere = archives(tmp_path / "archives")
    (changed,) = elsewhere.glob("gimel-*.whl")
    with zipfile.ZipFile(changed, "a") as archive:
        archive.writestr("note.txt", "")
    project = locksmith.project("poetry 2", tmp_path / "tiny")
    words = ["--wheel", "-C", "lambda.bundling.poetry.urls=false"]
    with serving(elsewhere) as other:
        for hashes in ("true", "false"):
            asked = len(index.asked)
            arguments = [*words, "-C", f"lambda.bundling.poetry.hashes={hashes}"]
            outcome = build(machine, locksmith, project, *arguments, check=False, UV_INDEX=other.url)
            assert len(index.asked) == asked
            if hashes == "true":
                assert "hash mismatch: poetry.lock has no archive with one of the hashes" in outcome.message
                assert "gimel 3.0" in outcome.message
            else:
                assert outcome.exit_code == 0, outcome.log
                assert shipped(project / "dist")["3.13"]["gimel"] == "3.0"


def test_entries_have_locks_of_their_own(locksmith: Locksmith, machine: Machine, tmp_path: Path) -> None:
    root = project_of(tmp_path / "tiny", '[tool.lambda]\nruntime = "python3.13"\n' + ENTRIES)
    for name, kind in (("one", "poetry 2"), ("two", "pipenv")):
        entry = locksmith.project(kind, root / "functions" / name)
        (entry / "index.py").write_text("def handler(event, context):\n    return event\n")
        if kind == "pipenv":
            (entry / "pyproject.toml").unlink()
    outcome = build(machine, locksmith, root)
    assert "resolving poetry.lock" in outcome.log
    found = {
        item["name"]: {one["name"] for one in item["requirements"]} for item in manifest(root / "dist")["artifacts"]
    }
    common = {"aleph", "beth", "gimel", "daleth", "onlynew", "locallib", "editlib"}
    assert found == {"one": {*common, "optional"}, "two": {*common, "archived", "devtool"}}
    with zipfile.ZipFile(next((root / "dist").glob("*-two-*.zip"))) as archive:
        assert not {"Pipfile", "Pipfile.lock", "pyproject.toml"} & set(archive.namelist())


ENTRIES = """
[tool.lambda.functions.one]
entry = "functions/one"
extras = ["pdf"]

[tool.lambda.functions.two]
entry = "functions/two"
groups = ["dev"]
"""


def test_folders_outside_the_project(locksmith: Locksmith, machine: Machine, tmp_path: Path) -> None:
    project = tmp_path / "repository/services/tiny"
    locksmith.write("poetry 2", project)
    shutil.move(project / "libs", tmp_path / "repository/libs")
    pyproject = project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('"libs/', '"../../libs/'))
    locksmith.lock("poetry 2", project)
    add_table("poetry 2", project)
    build(machine, locksmith, project, "--wheel")
    assert {"locallib", "editlib"} <= shipped(project / "dist")["3.13"].keys()
    refused = build(machine, locksmith, project, out="sdist", check=False)
    assert "../../libs/editlib, which lies outside the project" in refused.message


def test_a_lock_of_poetry_1_is_not_exported_by_what_loses_extras(
    locksmith: Locksmith, machine: Machine, tmp_path: Path
) -> None:
    """Poetry 2.5 leaves out what the extras of dependencies bring, where a lock does not say whose group it is."""
    project = locksmith.project("poetry 1.8", tmp_path / "tiny")
    outcome = build(machine, locksmith, project, "-C", "lambda.bundling.tools.poetry=2.5", "--wheel", check=False)
    assert "aleph[fast] brings gimel, which the export lacks" in outcome.message
    assert "tool.lambda.bundling.tools.poetry" in outcome.message


ALEPH = ("aleph = {", 'devtool = "*"\naleph = {')
FORMAT = ('lock-version = "2.1"', 'lock-version = "9.0"')
GROUPS = ('groups = ["web"]', 'groups = ["wep"]')
OF_POETRY = "tool.lambda.bundling.tools.poetry"
BROKEN: dict[str, tuple[str, str, str | tuple[str, str] | None, list[str]]] = {
    "stale": (
        "poetry 2",
        "pyproject.toml",
        ALEPH,
        ["poetry.lock is not that of its project", "→ renew it: poetry lock"],
    ),
    "stale pipenv": (
        "pipenv",
        "Pipfile",
        ALEPH,
        ["Pipfile.lock is not that", "out-of-date", "→ renew it: pipenv lock"],
    ),
    "broken": ("poetry 2", "poetry.lock", "<<<<<<< HEAD\n", ["poetry.lock is no valid TOML", "`poetry lock`"]),
    "broken pipenv": ("pipenv", "Pipfile.lock", "{", ["Pipfile.lock is no valid JSON", "`pipenv lock`"]),
    "too new": ("poetry 2", "poetry.lock", FORMAT, ["cannot be exported by poetry 2.5", "exit code 1", OF_POETRY]),
    "no lock": ("poetry 2", "poetry.lock", None, ["there is no poetry.lock", "`poetry lock`"]),
    "no lock of pipenv": ("pipenv", "Pipfile.lock", None, ["Pipfile has no lock file", "`pipenv lock`"]),
    "unknown group": ("poetry 2", "pyproject.toml", GROUPS, ["no group 'wep'; did you mean 'web'"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_exported(name: str, locksmith: Locksmith, machine: Machine, tmp_path: Path) -> None:
    kind, path, change, said = BROKEN[name]
    project = locksmith.project(kind, tmp_path / "tiny")
    changed = project / path
    if change is None:
        changed.unlink()
    else:
        text = changed.read_text()
        changed.write_text(change if isinstance(change, str) else text.replace(*change))
        assert changed.read_text() != text
    refuses(machine, locksmith, project, said)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("1.8", ["poetry.lock is not that of its project", "changed significantly", "→ renew it: poetry lock"]),
        ("77.7", ["poetry 77.7, which exports poetry.lock, cannot be had", OF_POETRY]),
    ],
)
def test_what_another_poetry_says(
    version: str, said: list[str], locksmith: Locksmith, machine: Machine, tmp_path: Path
) -> None:
    project = locksmith.project("poetry 1.8", tmp_path / "tiny")
    changed = project / "pyproject.toml"
    changed.write_text(changed.read_text().replace(*ALEPH))
    refuses(machine, locksmith, project, said, "-C", f"lambda.bundling.tools.poetry={version}")


def refuses(machine: Machine, locksmith: Locksmith, project: Path, said: list[str], *arguments: str) -> None:
    outcome = build(machine, locksmith, project, "--wheel", *arguments, check=False)
    assert outcome.exit_code != 0
    for words in said:
        assert words in outcome.message
    assert "Traceback" not in outcome.log
    assert not list(project.glob("dist/*"))


def test_a_runtime_that_the_project_is_not_for(locksmith: Locksmith, machine: Machine, tmp_path: Path) -> None:
    project = tmp_path / "tiny"
    locksmith.write("poetry 2", project)
    pyproject = project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('">=3.10,<4"', '">=3.10,<3.13"'))
    locksmith.lock("poetry 2", project)
    add_table("poetry 2", project)
    outcome = build(machine, locksmith, project, check=False)
    assert "poetry.lock is for Python >=3.10,<3.13, and python3.13-x86_64 has not that" in outcome.message


class Private:
    """A project with a dependency at an index that wants a password."""

    def __init__(self, kind: str, locksmith: Locksmith, served: PackageIndex, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        password = str(served.password)
        locksmith.write(kind, folder)
        if kind == "pipenv":
            self.env = {"CORP_USER": "someone", "CORP_PASSWORD": password}
            path = folder / "Pipfile"
            source = PIPENV_PRIVATE.format(url=served.url_of("${CORP_USER}", "$CORP_PASSWORD"))
            text = path.read_text().replace(
                "[packages]", '[packages]\nsecretive = { version = "*", index = "private" }'
            )
            path.write_text(source.join(text.partition("\n[packages]")[::2]).replace(source, f"{source}\n[packages]"))
        else:
            self.env = {"POETRY_HTTP_BASIC_PRIVATE_USERNAME": "someone", "POETRY_HTTP_BASIC_PRIVATE_PASSWORD": password}
            path = folder / "pyproject.toml"
            line = 'secretive = { version = "*", source = "private" }\n'
            text = path.read_text().replace("[tool.poetry.extras]", f"{line}\n[tool.poetry.extras]")
            path.write_text(text + POETRY_PRIVATE.format(url=served.url))
        locksmith.lock(kind, folder, self.env)
        add_table(kind, folder)


@pytest.fixture(scope="session")
def private_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackageIndex]:
    folder = private_archives(tmp_path_factory.mktemp("private"))
    # Pipenv itself cannot lock with a password that URLs have to quote; that ours can is shown without it.
    password = re.sub("[@/]", "-", planted("password"))
    with serving(folder, user="someone", password=password) as served:
        yield served


@pytest.fixture(scope="session")
def private(
    locksmith: Locksmith, private_index: PackageIndex, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Private]:
    root = tmp_path_factory.mktemp("private-projects")
    return {kind: Private(kind, locksmith, private_index, root / kind) for kind in ("poetry 2", "pipenv")}


@pytest.mark.parametrize(
    ("kind", "engine"),
    [
        *(("poetry 2", "host"), ("pipenv", "host")),
        pytest.param("poetry 2", "podman", marks=pytest.mark.engine),
        pytest.param("pipenv", "docker", marks=pytest.mark.engine),
    ],
)
def test_a_private_index(
    kind: str,
    engine: str,
    private: dict[str, Private],
    *,
    private_index: PackageIndex,
    locksmith: Locksmith,
    machine: Machine,
    tmp_path: Path,
) -> None:
    project = shutil.copytree(private[kind].folder, tmp_path / "tiny")
    cache = tmp_path / "cache"
    env = {**private[kind].env, "LAMBDA_BACKEND_VERBOSE": "1", "UV_CACHE_DIR": str(tmp_path / "uv-cache")}
    logs = [build(machine, locksmith, project, engine=engine, cache=cache, **env).log]
    first = artifacts(project / "dist")
    assert shipped(project / "dist")["3.13"]["secretive"] == "2.0"
    # Each comes from its own index, whatever the other one has.
    assert shipped(project / "dist")["3.13"]["beth"] == "1.5"
    # Pins hold no credentials: they are asked for again where something has to be installed once more.
    for folder in (*cache.glob("*/deps"), tmp_path / "uv-cache", *cache.glob("**/uv-cache")):
        shutil.rmtree(folder, ignore_errors=True)
    downloads = [path for path in private_index.asked if path.endswith(".whl")]
    logs.append(build(machine, locksmith, project, engine=engine, cache=cache, **env).log)
    assert "resolving" not in logs[-1]
    assert "installing" in logs[-1]
    assert len([path for path in private_index.asked if path.endswith(".whl")]) > len(downloads)
    assert artifacts(project / "dist") == first
    # With nothing to install nobody asks for them.
    without = dict.fromkeys(private[kind].env)
    logs.append(build(machine, locksmith, project, engine=engine, cache=cache, **without).log)
    assert artifacts(project / "dist") == first
    planted_secrets = {"password": str(private_index.password)}
    assert folder_leaks(tmp_path, planted_secrets) == {}
    assert leaks("\n".join(logs).encode(), planted_secrets) == set()


@pytest.mark.parametrize("kind", ["poetry 2", "pipenv"])
def test_a_private_index_that_refuses(
    kind: str, private: dict[str, Private], locksmith: Locksmith, machine: Machine, tmp_path: Path
) -> None:
    project = shutil.copytree(private[kind].folder, tmp_path / "tiny")
    wrong = {name: "wrong-password" if "PASSWORD" in name else value for name, value in private[kind].env.items()}
    outcome = build(machine, locksmith, project, cache=tmp_path / "cache", check=False, **wrong)
    assert "secretive" in outcome.message
    assert "credentials" in outcome.message
    assert "wrong-password" not in outcome.log
    if kind == "pipenv":
        outcome = build(machine, locksmith, project, cache=tmp_path / "cache", check=False)
        assert "the source 'private' refers to CORP_PASSWORD, CORP_USER, which is not set" in outcome.message


def test_credentials_of_the_settings(
    private: dict[str, Private], locksmith: Locksmith, machine: Machine, tmp_path: Path
) -> None:
    """What bundling.environment sets reaches the tool and uv, with values from the build's environment."""
    for kind in ("poetry 2", "pipenv"):
        project = shutil.copytree(private[kind].folder, tmp_path / kind)
        table = "".join(f'{name} = "${{SECRET_{number}}}"\n' for number, name in enumerate(private[kind].env))
        pyproject = project / "pyproject.toml"
        pyproject.write_text(f"{pyproject.read_text()}\n[tool.lambda.bundling.environment]\n{table}")
        env = {f"SECRET_{number}": value for number, value in enumerate(private[kind].env.values())}
        build(machine, locksmith, project, cache=tmp_path / f"cache {kind}", **env)
        assert shipped(project / "dist")["3.13"]["secretive"] == "2.0"
