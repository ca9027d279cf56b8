"""The user's own commands: hooks before and after the installation, and a command in its place."""

from __future__ import annotations

import os
import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.helpers.engine_answers import engine_environment
from tests.helpers.machine import artifacts, manifest, project, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.machine import Machine, Outcome

DOCKER = pytest.param("docker", marks=pytest.mark.engine)
PODMAN = pytest.param("podman", marks=pytest.mark.engine)
# Where nothing of the engine's own is in question one of them will do, in turn.
ENTRY = {
    "fn/index.py": "def handler(event, context):\n    return event\n",
    "fn/requirements.txt": "six==1.16.0\n",
    "fn/notes.md": "left out\n",
}


def made(tmp_path: Path, bundling: str, *, entry: bool = True, more: str = "") -> Path:
    short = 'entry = "fn"' if entry else 'handler = "tiny.app.handler"'
    table = f'[tool.lambda]\nruntime = "python3.13"\n{short}\n{more}\n[tool.lambda.bundling]\n{bundling}\n'
    return project(tmp_path / "project", table, files=ENTRY)


def build(machine: Machine, folder: Path, engine: str, *, check: bool = True, **env: str) -> Outcome:
    shutil.rmtree(folder / "dist", ignore_errors=True)
    variables = {**engine_environment(engine), "LAMBDA_BACKEND_CACHE_DIR": str(folder.parent / "cache"), **env}
    return machine.build(folder, env=variables, check=check)


def members(folder: Path, name: str = "function") -> dict[str, str]:
    (path,) = (folder / "dist").glob(f"*-{name}-*.zip")
    with zipfile.ZipFile(path) as archive:
        return {info: archive.read(info).decode("utf-8", "replace") for info in archive.namelist()}


@pytest.mark.parametrize("engine", ["host", DOCKER, PODMAN])
def test_hooks_of_an_entry(engine: str, machine: Machine, tmp_path: Path) -> None:
    before = [
        'test "$PWD" = "$LAMBDA_INPUT_DIR" && test -f index.py && test ! -e "$LAMBDA_OUTPUT_DIR/six.py"',
        'echo "SOURCE = 1" > generated.py && echo early > "$LAMBDA_OUTPUT_DIR/early.txt"',
    ]
    after = [
        'cd "$LAMBDA_OUTPUT_DIR" && test -f six.py && test -f index.py && test -f early.txt && test -f generated.py',
        'rm "$LAMBDA_OUTPUT_DIR/notes.md" && echo late > "$LAMBDA_OUTPUT_DIR/late.txt"',
        'sed -i s/event/changed/ "$LAMBDA_OUTPUT_DIR/index.py"',
    ]
    folder = made(tmp_path, f"before = {before}\nafter = {after}")
    build(machine, folder, engine)
    found = members(folder)
    assert {name: found[name] for name in ("generated.py", "early.txt", "late.txt")} == {
        "generated.py": "SOURCE = 1\n",
        "early.txt": "early\n",
        "late.txt": "late\n",
    }
    assert "six.py" in found
    assert "notes.md" not in found
    assert "def handler(changed, context)" in found["index.py"]
    # The project's own files are as they were.
    assert {path.name for path in (folder / "fn").iterdir()} == {"index.py", "requirements.txt", "notes.md"}
    assert "event" in (folder / "fn/index.py").read_text()


@pytest.mark.parametrize("engine", ["host", DOCKER])
def test_hooks_of_a_project_and_of_a_layer(engine: str, machine: Machine, tmp_path: Path) -> None:
    before = ["test -f pyproject.toml && test -f tiny/app.py"]
    after = ['test -f "$LAMBDA_OUTPUT_DIR/tiny/app.py"']
    of_layer = [
        'test -f "$LAMBDA_OUTPUT_DIR/python/six.py" && mkdir "$LAMBDA_OUTPUT_DIR/bin"',
        'echo "#!/bin/sh" > "$LAMBDA_OUTPUT_DIR/bin/tool" && chmod +x "$LAMBDA_OUTPUT_DIR/bin/tool"',
    ]
    table = f"""
[tool.lambda]
runtime = "python3.13"
handler = "tiny.app.handler"
[tool.lambda.bundling]
before = {before}
after = {after}
[tool.lambda.layers.deps.bundling]
before = []
after = {of_layer}
"""
    folder = project(tmp_path / "project", table, dependencies='["six==1.16.0"]')
    build(machine, folder, engine)
    assert {"tiny/app.py", "six.py"} <= set(members(folder))
    layer = members(folder, "deps")
    assert {"python/six.py", "bin/tool"} <= set(layer)
    (path,) = (folder / "dist").glob("*-deps-*.zip")
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("bin/tool").external_attr >> 16 & 0o777 == 0o755
        assert archive.getinfo("python/six.py").external_attr >> 16 & 0o777 == 0o644


@pytest.mark.parametrize("engine", ["host", PODMAN])
def test_a_command_installs_in_place_of_ours(engine: str, machine: Machine, tmp_path: Path) -> None:
    # The requirements file could not be resolved: the command alone decides.
    script = (
        'mkdir -p "$LAMBDA_OUTPUT_DIR/vendored-1.5.dist-info" && cd "$LAMBDA_OUTPUT_DIR" && '
        'echo "Name: vendored" > vendored-1.5.dist-info/METADATA && echo "answer = 42" > vendored.py && '
        'echo "handler = print  # mine" > index.py'
    )
    folder = made(tmp_path, f"command = ['sh', '-c', '{script}']")
    (folder / "fn/requirements.txt").write_text("no-such-distribution-anywhere==1\n")
    build(machine, folder, engine)
    found = members(folder)
    assert found["vendored.py"] == "answer = 42\n"
    # What it left stays; the code goes in around it.
    assert found["index.py"] == "handler = print  # mine\n"
    assert "notes.md" in found
    (artifact,) = manifest(folder / "dist")["artifacts"]
    assert [(item["name"], item["version"]) for item in artifact["requirements"]] == [("vendored", "1.5")]
    assert (artifact["lock"], artifact["engine"]) == (None, engine)


@pytest.mark.parametrize("engine", [DOCKER])
def test_commands_as_written_for_aws_cdk(engine: str, machine: Machine, tmp_path: Path) -> None:
    command = "pip install --quiet -r requirements.txt -t /asset-output && cp -au . /asset-output"
    folder = made(tmp_path, f"entrypoint = ['/bin/sh', '-c']\ncommand = ['{command}']")
    build(machine, folder, engine)
    found = members(folder)
    assert {"six.py", "index.py", "notes.md", "requirements.txt"} <= set(found)
    assert not [name for name in found if name.endswith(".pyc")]


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_entrypoint_and_working_directory(engine: str, machine: Machine, tmp_path: Path) -> None:
    after = ['pwd > "$LAMBDA_OUTPUT_DIR/where.txt" && echo "$WRAPPED" > "$LAMBDA_OUTPUT_DIR/wrapped.txt"']
    folder = made(tmp_path, f"entrypoint = ['env', 'WRAPPED=yes']\nworking-directory = '/var/task'\nafter = {after}")
    build(machine, folder, engine)
    found = members(folder)
    assert (found["where.txt"], found["wrapped.txt"]) == ("/var/task\n", "yes\n")


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_a_user_who_is_nobody_here(engine: str, machine: Machine, tmp_path: Path) -> None:
    after = ['id -u > "$LAMBDA_OUTPUT_DIR/who.txt" && umask 077 && mkdir "$LAMBDA_OUTPUT_DIR/own"',
             'echo a > "$LAMBDA_OUTPUT_DIR/own/a"']  # fmt: skip
    folder = made(tmp_path, f"user = '4711:4712'\nafter = {after}")
    build(machine, folder, engine)
    found = members(folder)
    assert (found["who.txt"], found["own/a"]) == ("4711\n", "a\n")
    assert "six.py" in found
    foreign = [path for path in (tmp_path / "cache").rglob("*") if path.lstat().st_uid != os.getuid()]
    assert foreign == []


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_no_hook_is_passed_by(engine: str, machine: Machine, tmp_path: Path) -> None:
    # An entrypoint that takes one argument is a command's alone; hooks run without it.
    with_command = made(tmp_path / "one", "entrypoint = ['/bin/sh', '-c']\ncommand = ['true']\nafter = ['exit 3']")
    outcome = build(machine, with_command, engine, check=False)
    assert "tool.lambda.bundling.after[0] failed (exit code 3)" in outcome.message
    alone = made(tmp_path / "two", "entrypoint = ['/bin/sh', '-c']\nafter = ['exit 3']")
    outcome = build(machine, alone, engine, check=False)
    assert "tool.lambda.bundling.entrypoint does not run the command that follows it" in outcome.message


@pytest.mark.parametrize("engine", ["host", DOCKER])
def test_they_run_when_the_artefact_is_made_anew(engine: str, machine: Machine, tmp_path: Path) -> None:
    folder = made(tmp_path, "before = ['echo hook-ran']\nafter = ['true']")
    verbose = {"LAMBDA_BACKEND_VERBOSE": "1"}
    first = build(machine, folder, engine, **verbose)
    assert first.log.count("hook-ran") == 1
    digests = artifacts(folder / "dist")
    unchanged = build(machine, folder, engine, **verbose)
    assert "hook-ran" not in unchanged.log
    assert "starting a container" not in unchanged.log
    assert artifacts(folder / "dist") == digests
    (folder / "fn/index.py").write_text("def handler(event, context):\n    return 2\n")
    edited = build(machine, folder, engine, **verbose)
    assert edited.log.count("hook-ran") == 1
    assert "lambda-backend: installing" not in edited.log
    write(folder, {"fn/index.py": ENTRY["fn/index.py"]})
    build(machine, folder, engine)
    assert artifacts(folder / "dist") == digests


def test_every_engine_gives_the_same_bytes(machine: Machine, tmp_path: Path) -> None:
    digests = {}
    for engine in ("host", "docker", "podman"):
        bundling = "before = ['echo a > made.py']\nafter = ['echo b > \"$LAMBDA_OUTPUT_DIR/b.txt\"']"
        folder = made(tmp_path / engine, bundling)
        build(machine, folder, engine)
        digests[engine] = {name: digest for name, digest in artifacts(folder / "dist").items() if name.endswith("zip")}
    assert digests["host"] == digests["docker"] == digests["podman"]


@pytest.mark.parametrize(
    ("kind", "engine"),
    [
        *(("before", "host"), ("after", "host"), ("command", "host")),
        pytest.param("before", "docker", marks=pytest.mark.engine),
        pytest.param("after", "podman", marks=pytest.mark.engine),
        pytest.param("command", "docker", marks=pytest.mark.engine),
    ],
)
def test_the_first_that_fails_ends_the_build(kind: str, engine: str, machine: Machine, tmp_path: Path) -> None:
    failing = "echo first line; echo second line >&2; exit 7"
    value = f"['sh', '-c', '{failing}']" if kind == "command" else f"['true', '{failing}', 'echo never-run']"
    folder = made(tmp_path, f"{kind} = {value}")
    outcome = build(machine, folder, engine, check=False, LAMBDA_BACKEND_VERBOSE="1")
    assert outcome.exit_code != 0
    place = "command" if kind == "command" else f"{kind}[1]"
    assert f"tool.lambda.bundling.{place}" in outcome.message
    assert "exit code 7" in outcome.message
    assert "first line" in outcome.message
    assert "second line" in outcome.message
    assert "never-run" not in outcome.log
    assert "Traceback" not in outcome.log
    assert not list((folder / "dist").glob("*"))


@pytest.mark.parametrize("engine", ["host", PODMAN])
def test_variables_that_a_hook_names(engine: str, machine: Machine, tmp_path: Path) -> None:
    hook = 'echo "is $HOOK_TOKEN" && printf %s "${#HOOK_TOKEN}${HOOK_TOKEN:+-set}" > "$LAMBDA_OUTPUT_DIR/seen.txt"'
    folder = made(tmp_path, f"after = ['{hook}']")
    token = "t0p-s3cret-of-a-hook"  # noqa: S105 - what must not show
    outcome = build(machine, folder, engine, HOOK_TOKEN=token, LAMBDA_BACKEND_VERBOSE="1")
    assert members(folder)["seen.txt"] == f"{len(token)}-set"
    assert token not in outcome.log
    assert "is ***" in outcome.log


def test_an_empty_tree_is_an_error(machine: Machine, tmp_path: Path) -> None:
    folder = made(tmp_path, "after = ['rm -r \"$LAMBDA_OUTPUT_DIR\"/*']")
    outcome = build(machine, folder, "host", check=False)
    assert "empty" in outcome.message


def test_bytecode_that_a_hook_makes_ships(machine: Machine, tmp_path: Path) -> None:
    folder = made(
        tmp_path, 'after = [\'python3 -m compileall -q -s "$LAMBDA_OUTPUT_DIR" -p /var/task "$LAMBDA_OUTPUT_DIR"\']'
    )
    build(machine, folder, "host")
    assert any(name.startswith("__pycache__/index.") for name in members(folder))
    digests = artifacts(folder / "dist")
    shutil.rmtree(tmp_path / "cache")
    build(machine, folder, "host")
    assert artifacts(folder / "dist") == digests
