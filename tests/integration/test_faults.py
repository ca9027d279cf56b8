"""Whatever goes wrong: one clear message, no traceback, and dist/ as it was."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.helpers.containers import containers_with, engine_command
from tests.helpers.engine_answers import engine_environment
from tests.helpers.interpreters import unavailable
from tests.helpers.machine import Outcome, artifacts, example, manifest, project, small_disk, snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.helpers.machine import Machine

TABLE = '[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"\n'
OLD = {"tiny-1.0.0-function-python3.13-x86_64.zip": "old zip", "tiny-1.0.0.lambda.json": "{}", "other.txt": "kept"}


def fails(
    machine: Machine,
    made: Path,
    *words: str,
    env: Mapping[str, str | None] | None = None,
) -> str:
    """Build over an old dist/; the build has to fail as it should. Gives the message, which holds all the words."""
    dist = made / "dist"
    dist.mkdir(exist_ok=True)
    for name, text in OLD.items():
        (dist / name).write_text(text, "utf-8")
    before = snapshot(dist)
    outcome = machine.build(made, env=env, check=False)
    assert outcome.exit_code != 0, outcome.log
    assert "Traceback" not in outcome.log, outcome.log
    message = outcome.message
    missing = [word for word in words if word not in message]
    assert not missing, f"{missing} not in:\n{outcome.log}"
    assert "→" in message, f"what to do is not said:\n{message}"
    assert snapshot(dist) == before
    return message


@pytest.mark.network
def test_unsatisfiable_requirement(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", TABLE, dependencies='["idna>3", "idna<2"]')
    fails(machine, made, "idna", "python3.13-x86_64")


@pytest.mark.network
def test_unknown_requirement(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", TABLE, dependencies='["idna==999"]')
    fails(machine, made, "idna", "999")


@pytest.mark.network
def test_no_wheel_for_the_target_on_the_host(machine: Machine, tmp_path: Path) -> None:
    files = {
        "requirements.txt": "./vendor/fastsum\n",
        "vendor/fastsum/pyproject.toml": '[build-system]\nrequires=["setuptools"]\n'
        'build-backend="setuptools.build_meta"\n[project]\nname="fastsum"\nversion="1"\n[tool.setuptools]\npackages=[]\n'
        '[[tool.setuptools.ext-modules]]\nname="fastsum"\nsources=["fastsum.c"]\n',
        "vendor/fastsum/fastsum.c": "#include <Python.h>\n"
        'static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, "fastsum", 0, -1, 0};\n'
        "PyMODINIT_FUNC PyInit_fastsum(void) { return PyModule_Create(&def); }\n",
    }
    made = project(tmp_path / "tiny", TABLE, files=files)
    fails(machine, made, "fastsum", "container")


@pytest.mark.network
def test_hash_mismatch(machine: Machine, tmp_path: Path) -> None:
    lock = f"idna==3.10 --hash=sha256:{'0' * 64}\n"
    made = project(tmp_path / "tiny", TABLE, files={"requirements.txt": lock})
    fails(machine, made, "idna", "hash")


@pytest.mark.network
def test_hash_mismatch_in_a_pylock(machine: Machine, tmp_path: Path) -> None:
    wheel = tmp_path / "links/lonely-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("lonely.py", "")
        archive.writestr("lonely-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: lonely\nVersion: 1.0\n")
        archive.writestr("lonely-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("lonely-1.0.dist-info/RECORD", "")
    lock = f"""\
lock-version = "1.0"
created-by = "test"
[[packages]]
name = "lonely"
version = "1.0"
[[packages.wheels]]
name = "{wheel.name}"
url = "{wheel.as_uri()}"
hashes = {{ sha256 = "{"1" * 64}" }}
"""
    made = project(tmp_path / "tiny", TABLE, files={"pylock.toml": lock})
    fails(machine, made, "lonely", "ash")


def test_registry_unreachable(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", TABLE, dependencies='["idna"]')
    closed = "http://user:s3cr3t@127.0.0.1:9/simple/"
    env = {
        "UV_INDEX_URL": closed,
        "UV_DEFAULT_INDEX": closed,
        "PIP_INDEX_URL": closed,
        "UV_FIND_LINKS": None,
        "UV_HTTP_RETRIES": "0",
        "PIP_FIND_LINKS": None,
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache"),
    }
    message = fails(machine, made, "127.0.0.1:9", env=env)
    assert "s3cr3t" not in message
    for path in (tmp_path / "cache").rglob("*"):
        assert not path.is_file() or b"s3cr3t" not in path.read_bytes(), path


@pytest.mark.network
def test_tls_refused(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", TABLE, dependencies='["idna"]')
    empty = tmp_path / "empty.pem"
    empty.write_text("", "utf-8")
    env = {
        "SSL_CERT_FILE": str(empty),
        "SSL_CERT_DIR": str(tmp_path / "none"),
        "UV_NATIVE_TLS": None,
        "UV_SYSTEM_CERTS": None,
        "UV_HTTP_RETRIES": "0",
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache"),
        "UV_FIND_LINKS": None,
        "PIP_FIND_LINKS": None,
    }
    with contextlib.suppress(AssertionError):
        # Where the index is reached through an authority that uv itself knows, nothing is refused.
        machine.build(made, out=tmp_path / "out", env={**env, "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "probe")})
        pytest.skip("this machine's index needs no authority of its own")
    fails(machine, made, env=env)


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_engine_absent(engine: str, machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", TABLE, dependencies='["idna==3.10"]')
    env = {
        "LAMBDA_BACKEND_ENGINE": engine,
        "DOCKER_HOST": f"unix://{tmp_path}/no.sock",
        "PATH": str(tmp_path),
        "HOME": str(tmp_path),
        "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache"),
    }
    fails(machine, made, engine, env=env)


@pytest.mark.network
def test_auto_falls_back_to_the_host_and_says_so(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", TABLE, dependencies='["idna==3.10"]')
    env = {
        "LAMBDA_BACKEND_ENGINE": "auto",
        "DOCKER_HOST": f"unix://{tmp_path}/no.sock",
        "PATH": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache"),
    }
    outcome = machine.build(made, env=env)
    said = [line for line in outcome.log.splitlines() if "host" in line and line.startswith("lambda-backend:")]
    assert len(said) == 1, outcome.log
    assert len(artifacts(made / "dist")) == 2


NO_IMAGE = '\n[tool.lambda.bundling]\nimage = "localhost:9/lambda-backend/none:1"\n'


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_image_missing(engine: str, machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", TABLE + NO_IMAGE, dependencies='["idna==3.10"]')
    env = {**engine_environment(engine), "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")}
    fails(machine, made, "localhost:9/lambda-backend/none:1", "python3.13-x86_64", env=env)


@pytest.mark.engine
@pytest.mark.network
def test_auto_falls_back_where_the_image_is_missing(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", TABLE + NO_IMAGE, dependencies='["idna==3.10"]')
    env = {**engine_environment("docker"), "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")}
    outcome = machine.build(made, env={**env, "LAMBDA_BACKEND_ENGINE": "auto"})
    said = [line for line in outcome.log.splitlines() if line.startswith("lambda-backend:") and "host" in line]
    assert len(said) == 1, outcome.log
    assert "localhost:9/lambda-backend/none:1" in said[0]
    assert manifest(made / "dist")["artifacts"][0]["engine"] == "host"


@pytest.mark.engine
@pytest.mark.network
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_engine_dies(engine: str, machine: Machine, tmp_path: Path) -> None:
    """Its container is taken away while it works."""
    backend = "import time, pathlib\npathlib.Path('started').touch()\ntime.sleep(60)\n"
    files = {
        "requirements.txt": "./slow\n",
        "slow/pyproject.toml": '[build-system]\nrequires=[]\nbuild-backend="backend"\nbackend-path=["."]\n',
        "slow/backend.py": backend,
    }
    made = project(tmp_path / "tiny", TABLE, files=files)
    environment = {**engine_environment(engine), "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")}
    argv = [machine.python(), "-m", "build", "--no-isolation", "--skip-dependency-check", "--wheel", made]
    process = subprocess.Popen(
        [str(word) for word in argv],
        env=machine.environment(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    try:
        _await_file(tmp_path / "cache", "started")
        command = engine_command(engine)
        (container,) = containers_with(command, tmp_path / "cache")
        command("rm", "--force", *([] if engine == "docker" else ["--time", "0"]), container)  # Podman would wait
        log = process.communicate(timeout=60)[0].decode()
    finally:
        process.kill()
        process.communicate()
    outcome = Outcome(exit_code=process.returncode, log=log)
    assert outcome.exit_code != 0
    assert "container" in outcome.message
    assert "→" in outcome.message
    assert "Traceback" not in log
    assert not list((made / "dist").glob("*")) if (made / "dist").exists() else True


def _await_file(folder: Path, name: str) -> None:
    end = time.monotonic() + 60
    while not list(folder.rglob(name)):
        assert time.monotonic() < end, f"{name} did not appear below {folder}"
        time.sleep(0.1)


def test_output_folder_is_a_file(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", TABLE)
    (made / "taken").write_text("a file", "utf-8")
    fails(machine, made, "taken", env={"LAMBDA_BACKEND_OUTPUT_DIR": str(made / "taken")})
    fails(machine, made, "taken", env={"LAMBDA_BACKEND_OUTPUT_DIR": str(made / "taken/below")})


@contextlib.contextmanager
def mounted_read_only(folder: Path):  # noqa: ANN201 - a context manager of nothing
    folder.mkdir(parents=True, exist_ok=True)
    steps = (["mount", "--bind", str(folder), str(folder)], ["mount", "-o", "remount,bind,ro", str(folder)])
    if os.getuid() != 0:
        unavailable("a read-only folder needs root, who ignores modes")
    for index, argv in enumerate(steps):
        if subprocess.run(argv, capture_output=True, check=False).returncode != 0:
            if index:
                subprocess.run(["umount", str(folder)], check=False)
            pytest.skip("this machine lets nobody mount")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_output_folder_not_writable(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", TABLE)
    out = tmp_path / "read-only"
    with mounted_read_only(out):
        fails(machine, made, str(out), env={"LAMBDA_BACKEND_OUTPUT_DIR": str(out)})


def test_cache_not_writable(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "tiny", TABLE)
    cache = tmp_path / "read-only"
    with mounted_read_only(cache):
        fails(machine, made, str(cache), env={"LAMBDA_BACKEND_CACHE_DIR": str(cache)})


@pytest.mark.parametrize("variable", ["LAMBDA_BACKEND_OUTPUT_DIR", "LAMBDA_BACKEND_CACHE_DIR"])
def test_disk_full(variable: str, machine: Machine, tmp_path: Path) -> None:
    files = {"tiny/large.bin": random.Random(1).randbytes(400_000)}  # noqa: S311 - bytes that do not compress
    table = TABLE + '\n[tool.setuptools.package-data]\ntiny = ["*.bin"]\n'
    made = project(tmp_path / "tiny", table, files=files)
    try:
        with small_disk(tmp_path / "small", "256k") as small:
            fails(machine, made, "space", env={variable: str(small)})
            left = [path for path in small.rglob("*") if path.is_file() and path.stat().st_size > 0]
            assert left == []
    except PermissionError as error:
        pytest.skip(f"no small file system here: {error}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Whole:
    """A build that nobody disturbs, with an empty cache."""

    engine: str
    environment: dict[str, str]
    complete: dict[str, str]
    """Its artefacts."""
    seconds: float


@pytest.fixture(scope="module", params=["host", pytest.param("docker", marks=pytest.mark.engine)])
def whole(request: pytest.FixtureRequest, machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    environment = engine_environment(request.param)
    folder = tmp_path_factory.mktemp("whole")
    made = example("quickstart", folder / "quickstart")
    machine.build(made, env={**environment, "LAMBDA_BACKEND_CACHE_DIR": str(folder / "warm-up")})
    started = time.monotonic()
    machine.build(made, env={**environment, "LAMBDA_BACKEND_CACHE_DIR": str(folder / "cache")})
    seconds = time.monotonic() - started
    return Whole(engine=request.param, environment=environment, complete=artifacts(made / "dist"), seconds=seconds)


@pytest.mark.network
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_killed_at_any_moment(number: signal.Signals, machine: Machine, whole: Whole, tmp_path: Path) -> None:
    made = example("quickstart", tmp_path / "quickstart")
    dist, temporary, cache = made / "dist", tmp_path / "tmp", tmp_path / "cache"
    dist.mkdir()
    temporary.mkdir()
    (dist / "kept.txt").write_text("kept", "utf-8")
    env = {**whole.environment, "TMPDIR": str(temporary), "LAMBDA_BACKEND_CACHE_DIR": str(cache)}
    argv = [machine.python(), "-m", "build", "--no-isolation", "--skip-dependency-check", "--wheel", "--outdir", dist]
    points = 6
    for point in range(points):
        process = subprocess.Popen(
            [str(word) for word in (*argv, made)],
            env=machine.environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(whole.seconds * (point + 0.5) / points)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        log, _ = process.communicate(timeout=60)
        names = {path.name for path in dist.iterdir()} - {"kept.txt"}
        assert names in (set(), {*whole.complete, "hello-1.0.0-py3-none-any.whl"}), log.decode()
        if names and process.returncode != 0:
            # The signal came after the move into place.
            assert artifacts(dist) == whole.complete
        for name in names:
            (dist / name).unlink()
    # The next build sweeps what a killed one could not: what was locked at once, what was not after ten minutes.
    for folder in in_the_making(cache / "v1"):
        if not folder.with_name(f"{folder.name}.lock").exists():
            os.utime(folder, (time.time() - 601,) * 2)
    machine.build(made, out=dist, env=env)
    assert artifacts(dist) == whole.complete
    ours = [path for path in temporary.rglob("*") if "lambda" in path.name]
    assert ours == []
    assert in_the_making(cache / "v1") == []
    if whole.engine == "docker":
        # A container that nobody could remove, and what it was writing, go when the next one starts: not every build
        # has one.
        shutil.rmtree(cache / "v1")
        machine.build(made, out=tmp_path / "again", env=env)
        assert in_the_making(cache) == []
        assert containers_with(engine_command("docker"), tmp_path) == []


def in_the_making(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("tmp/*") if path.is_dir()]
