# ruff: noqa: S108 - /tmp is that of a container
"""The promises of ``engines/protocol.py``, held by every engine."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines.ca import ca_bundle_mount, ca_environment
from lambda_backend.engines.environment import exec_environment
from lambda_backend.engines.image import bundling_image, find_python
from lambda_backend.engines.protocol import ContainerSpec, ImageBuild, Mount
from lambda_backend.errors import EngineError, EngineUnavailableError
from lambda_backend.targets import target
from tests.helpers.containers import containers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lambda_backend.engines.protocol import Container, Engine

pytestmark = [
    pytest.mark.engine,
    pytest.mark.parametrize("engine_environ", ["docker", "podman-socket", "podman", "nerdctl"], indirect=True),
]

AMD64 = "linux/amd64"
SECRET = "s3cr3t-in-a-url"  # noqa: S105 - what must not show
ROOT = Path(__file__).parents[2]


def spec_of(image: str, **changes: object) -> ContainerSpec:
    return ContainerSpec(image=image, platform=AMD64, **changes)  # type: ignore[arg-type]


@pytest.fixture
def container(engine: Engine, build_image: str) -> Iterator[Container]:
    with engine.start(spec_of(build_image)) as started:
        yield started


def test_version_names_the_engine(engine: Engine) -> None:
    assert any(character.isdigit() for character in engine.version())


def test_image_is_none_for_one_that_is_missing(engine: Engine) -> None:
    assert engine.image("localhost/lambda-backend-none:1", AMD64) is None


def test_image_has_an_id_and_is_of_the_platform(engine: Engine, build_image: str) -> None:
    image = engine.image(build_image, AMD64)
    assert image is not None
    assert image.id.startswith("sha256:")
    assert image.reference == build_image
    assert engine.image(build_image, "linux/arm64") is None


def test_pull_of_an_image_that_cannot_be_had_says_which_and_why(engine: Engine) -> None:
    with pytest.raises(EngineUnavailableError) as caught:
        engine.pull("localhost:1/lambda-backend/none:1", AMD64)
    assert "localhost:1/lambda-backend/none:1" in caught.value.message
    assert "refused" in caught.value.message
    assert caught.value.hint is not None
    assert "pull --platform linux/amd64" in caught.value.hint


def test_build_labels_keeps_and_finds_again(engine: Engine, build_image: str, tmp_path: Path) -> None:
    (tmp_path / "Containerfile").write_text("ARG IMAGE\nFROM ${IMAGE}\nCOPY greeting /greeting\n")
    (tmp_path / "greeting").write_text("hello\n")
    tag = "lambda-backend/test-build:1"
    lines: list[str] = []
    built = engine.build(
        ImageBuild(context=tmp_path, tag=tag, platform=AMD64, build_args={"IMAGE": build_image}), lines.append
    )
    assert engine.image(tag, AMD64) == built
    assert any("COPY" in line for line in lines)
    with engine.start(spec_of(tag)) as started:
        assert started.exec(["cat", "/greeting"]).output == "hello\n"


def test_a_failing_build_shows_its_last_lines_without_user_parts(
    engine: Engine, build_image: str, tmp_path: Path
) -> None:
    (tmp_path / "Containerfile").write_text(
        f"FROM {build_image}\nRUN echo about https://user:{SECRET}@example.com/simple && exit 7\n"
    )
    with pytest.raises(EngineError) as caught:
        engine.build(ImageBuild(context=tmp_path, tag="lambda-backend/test-broken:1", platform=AMD64, network="host"))
    assert "lambda-backend/test-broken:1" in caught.value.message
    assert "about https://***@example.com" in caught.value.message
    assert SECRET not in str(caught.value)


def test_exec_takes_any_argument_as_it_is(container: Container) -> None:
    arguments = ["two words", "new\nline", "quotes \"'", "$HOME", "`id`", "", "ünïcødé ✓", "*", "--help"]
    result = container.exec(["python3", "-c", "import json, sys; print(json.dumps(sys.argv[1:]))", *arguments])
    assert result.exit_code == 0
    assert json.loads(result.output) == arguments


def test_exec_gives_exit_code_output_and_streams_the_log(container: Container) -> None:
    heard: list[tuple[str, float]] = []
    result = container.exec(
        ["sh", "-c", "echo out; echo first >&2; sleep 1; printf 'é second' >&2; exit 42"],
        on_line=lambda line: heard.append((line, time.monotonic())),
    )
    assert (result.exit_code, result.output, result.log) == (42, "out\n", "first\né second")
    assert [line for line, _ in heard] == ["first", "é second"]
    assert heard[1][1] - heard[0][1] > 0.5


def test_exec_takes_large_output_on_both_streams(container: Container) -> None:
    script = "import sys; [print('o' * 99) or print('e' * 99, file=sys.stderr) for _ in range(20000)]"
    result = container.exec(["python3", "-c", script])
    assert (len(result.output), len(result.log)) == (2_000_000, 2_000_000)


def test_exec_in_two_threads_keeps_the_commands_apart(container: Container) -> None:
    def said(word: str) -> tuple[int, str, str]:
        result = container.exec(["sh", "-c", f"sleep 0.2; yes {word} | head -n 20000; echo {word} >&2; exit {word}"])
        return result.exit_code, result.output, result.log.strip()

    with ThreadPoolExecutor(2) as pool:
        for word, found in zip("123456", pool.map(said, "123456"), strict=True):
            assert found == (int(word), f"{word}\n" * 20000, word)


def test_exec_of_a_missing_command_is_an_exit_code(container: Container) -> None:
    assert container.exec(["no-such-command"]).exit_code in {126, 127}


def test_exec_has_folder_environment_and_home(container: Container) -> None:
    environment = {"GREETING": "two words\nand a line", "PATH": "/usr/bin:/bin", "PIP_INDEX_URL": "https://u:p@e/"}
    script = "import json, os; print(json.dumps([os.getcwd(), dict(os.environ)]))"
    result = container.exec(["python3", "-c", script], cwd=PurePosixPath("/opt"), environment=environment)
    folder, found = json.loads(result.output)
    assert folder == "/opt"
    assert found.items() >= environment.items()
    assert found["HOME"] == "/tmp"


def test_copy_in_and_out_keeps_modes_links_and_names(container: Container, tmp_path: Path) -> None:
    source = tmp_path / "in"
    (source / "folder" / "empty").mkdir(parents=True)
    (source / "folder" / "name with ünïcødé").write_text("text")
    (source / "run").write_bytes(b"#!/bin/sh\necho ran\n")
    (source / "run").chmod(0o755)
    (source / "folder" / "name with ünïcødé").chmod(0o640)
    (source / "link").symlink_to("run")
    container.copy_in(source, PurePosixPath("/asset/deep/in"))
    assert container.exec(["/asset/deep/in/link"]).output == "ran\n"
    out = tmp_path / "out"
    container.copy_out(PurePosixPath("/asset/deep/in"), out)
    assert {path.relative_to(out).as_posix() for path in out.rglob("*")} == {
        "folder",
        "folder/empty",
        "folder/name with ünïcødé",
        "link",
        "run",
    }
    assert stat.S_IMODE((out / "run").stat().st_mode) == 0o755
    assert stat.S_IMODE((out / "folder" / "name with ünïcødé").stat().st_mode) == 0o640
    assert (out / "link").readlink() == Path("run")


def test_copy_of_one_file(container: Container, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("1")
    container.copy_in(tmp_path / "one", PurePosixPath("/tmp/renamed"))
    assert container.exec(["cat", "/tmp/renamed"]).output == "1"
    container.copy_out(PurePosixPath("/tmp/renamed"), tmp_path / "back")
    assert (tmp_path / "back").read_text() == "1"
    assert container.exec(["stat", "-c", "%a", "/tmp"]).output == "1777\n"


def test_copy_that_ends_where_a_piece_of_a_pipe_does(container: Container, tmp_path: Path) -> None:
    target = PurePosixPath("/tmp/file")
    # A tar is of blocks of 512 bytes, a piece of 32768; what comes before and after the contents is some blocks.
    for blocks in range(57, 64):
        (tmp_path / "file").write_bytes(b"x" * 512 * blocks)
        container.copy_in(tmp_path / "file", target)
        assert container.exec(["wc", "-c", str(target)]).output.split()[0] == str(512 * blocks)


def test_copy_of_what_is_missing_says_what(container: Container, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="/no/such/file"):
        container.copy_out(PurePosixPath("/no/such/file"), tmp_path / "none")
    with pytest.raises(EngineError, match="nothing-here"):
        container.copy_in(tmp_path / "nothing-here", PurePosixPath("/tmp/none"))


def test_mounts_are_written_as_the_hosts_user_and_can_be_read_only(
    engine: Engine, build_image: str, tmp_path: Path
) -> None:
    # Podman's service and nerdctl take commas in a source for the next option.
    plain = engine.name == "nerdctl" or engine.version().startswith("Podman Engine")
    folder = tmp_path / ("a b ü" if plain else "a, b ü")
    folder.mkdir()
    mounts = (
        Mount(source=folder, target=PurePosixPath("/asset-output")),
        Mount(source=tmp_path, target=PurePosixPath("/asset-input"), read_only=True),
    )
    with engine.start(spec_of(build_image, mounts=mounts)) as started:
        assert started.exec(["touch", "/asset-output/made"]).exit_code == 0
        assert started.exec(["touch", "/asset-input/made"]).exit_code != 0
    made = (folder / "made").stat()
    assert (made.st_uid, made.st_gid) == (os.getuid(), os.getgid())


def test_a_missing_mount_is_an_error_and_made_by_nobody(engine: Engine, build_image: str, tmp_path: Path) -> None:
    mount = Mount(source=tmp_path / "none", target=PurePosixPath("/in"))
    with pytest.raises(EngineError), engine.start(spec_of(build_image, mounts=(mount,))):
        pytest.fail("started")
    assert not mount.source.exists()


def test_user_and_folder_of_the_spec(engine: Engine, build_image: str) -> None:
    with engine.start(spec_of(build_image, user="1234:4321", working_directory="/opt")) as started:
        assert started.exec(["sh", "-c", "id -u; id -g; pwd"]).output.split() == ["1234", "4321", "/opt"]


def test_copied_in_files_belong_to_the_containers_user(engine: Engine, build_image: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with engine.start(spec_of(build_image, user="1234:4321")) as started:
        started.copy_in(tmp_path, PurePosixPath("/asset-input"))
        found = started.exec(["stat", "-c", "%u:%g", "/asset-input", "/asset-input/file"])
        assert found.output.split() == ["1234:4321", "1234:4321"]


@pytest.mark.parametrize(("network", "reached"), [("host", True), ("none", False)])
def test_network(engine: Engine, build_image: str, network: str, reached: bool) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
        with engine.start(spec_of(build_image, network=network)) as started:
            assert (started.exec(["python3", "-c", script]).exit_code == 0) is reached


def test_a_container_is_gone_after_return_error_and_interrupt(
    engine: Engine, build_image: str, command: Callable[..., str]
) -> None:
    for error in (None, ValueError, KeyboardInterrupt):
        try:
            with engine.start(spec_of(build_image)):
                assert containers_of(command, os.getpid())
                if error is not None:
                    raise error
        except (ValueError, KeyboardInterrupt):
            pass
        assert not containers_of(command, os.getpid())


def test_an_image_that_is_missing_leaves_nothing_behind(engine: Engine, command: Callable[..., str]) -> None:
    with pytest.raises(EngineError), engine.start(spec_of("localhost/lambda-backend-none:1")):
        pytest.fail("started")
    assert not containers_of(command, os.getpid())


_CHILD = """
    import os, sys
    from lambda_backend.engines.choice import choose
    from lambda_backend.engines.protocol import ContainerSpec, ImageBuild
    engine = choose(os.environ["LAMBDA_BACKEND_ENGINE"], environ=os.environ, note=print)
    with engine.start(ContainerSpec(image=sys.argv[1], platform="linux/amd64")) as container:
        print("started", flush=True)
        container.exec(["sleep", "60"])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_a_build_that_is_stopped_leaves_no_container(
    engine: Engine,
    build_image: str,
    engine_environ: Mapping[str, str],
    command: Callable[..., str],
    number: signal.Signals,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_CHILD), build_image],
        env={**engine_environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "started\n"
        time.sleep(0.5)
        assert containers_of(command, child.pid)
        with engine.start(spec_of(build_image)):  # another's that lives is left alone
            pass
        assert containers_of(command, child.pid)
        child.send_signal(number)
        code = child.wait(30)
    assert code == {signal.SIGTERM: 143, signal.SIGINT: -signal.SIGINT, signal.SIGKILL: -signal.SIGKILL}[number]
    if number is signal.SIGKILL:
        assert containers_of(command, child.pid)
        with engine.start(spec_of(build_image)):
            pass
    assert not containers_of(command, child.pid)


def test_a_container_that_is_killed_under_a_command_is_an_error(
    engine: Engine, build_image: str, command: Callable[..., str]
) -> None:
    with engine.start(spec_of(build_image)) as started:
        name = containers_of(command, os.getpid())[0]
        killer = threading.Timer(1, lambda: command("kill", name))
        killer.start()
        with pytest.raises(EngineError, match="stopped while sleep ran"):
            started.exec(["sleep", "60"])
        killer.join()
        with pytest.raises(EngineError):
            started.exec(["true"])


def test_a_killed_command_in_a_living_container_is_an_exit_code(container: Container) -> None:
    assert container.exec(["sh", "-c", "kill -9 $$"]).exit_code == 137


def test_bundling_image_names_the_image_that_cannot_be_had(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailableError) as caught:
        bundling_image(
            engine,
            target("python3.13", "x86_64"),
            base="localhost:1/none:1",
            uv_version="0.13",
            network=None,
            cache_dir=tmp_path,
            exec_environment={},
            ca_bundle=None,
            on_line=print,
        )
    assert "localhost:1/none:1" in caught.value.message
    assert "refused" in caught.value.message


@pytest.mark.network
def test_bundling_image_has_uv_is_reused_and_holds_no_secret(
    engine: Engine, build_image: str, command: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "Containerfile").write_text(f"FROM {build_image}\nLABEL unique={tmp_path.name}-{os.getpid()}\n")
    base = f"lambda-backend/test-base:{os.getpid()}"
    engine.build(ImageBuild(context=tmp_path, tag=base, platform=AMD64))
    environment = {**exec_environment(os.environ), "LAMBDA_BACKEND_TEST_TOKEN": SECRET}
    lines: list[str] = []

    def make() -> str:
        return bundling_image(
            engine,
            target("python3.13", "x86_64"),
            base=base,
            uv_version="0.13",
            network="host",
            cache_dir=tmp_path / "cache",
            exec_environment=environment,
            ca_bundle=ca_bundle_mount("auto", os.environ),
            on_line=lines.append,
        ).reference

    reference = make()
    assert reference.startswith("lambda-backend/python3.13-x86_64:")
    uv = tmp_path / "cache" / "uv" / "0.13-linux-amd64" / "uv"
    assert stat.S_IMODE(uv.stat().st_mode) == 0o755
    assert {path.name for path in uv.parent.iterdir()} == {"uv"}
    said = len(lines)
    assert make() == reference
    assert len(lines) == said
    with engine.start(spec_of(reference)) as started:
        assert started.exec(["uv", "--version"]).output.startswith("uv 0.13.")
        python = find_python(started, target("python3.13", "x86_64"))
        assert started.exec([python, "-c", "import sys; print(sys.version_info[1])"]).output == "13\n"
        inside = started.exec(["env"], environment=environment)
        assert SECRET in inside.output
        shown = command("inspect", containers_of(command, os.getpid())[0])
    shown += command("image", "inspect", reference) + command("history", "--no-trunc", reference)
    assert SECRET not in shown
    assert "/etc/lambda-backend" not in command("image", "inspect", reference)
    command("rmi", "--force", reference, base)


@pytest.mark.network
def test_bundling_image_over_a_base_without_pip(engine: Engine, build_image: str, tmp_path: Path) -> None:
    (tmp_path / "Containerfile").write_text(
        f"FROM {build_image}\nRUN rm -rf /usr/lib/python3/dist-packages/pip /var/lang\n"
    )
    base = "lambda-backend/test-no-pip:1"
    engine.build(ImageBuild(context=tmp_path, tag=base, platform=AMD64, network="host"))
    image = bundling_image(
        engine,
        target("python3.13", "x86_64"),
        base=base,
        uv_version="0.13.9",
        network="host",
        cache_dir=tmp_path / "cache",
        exec_environment=exec_environment(os.environ),
        ca_bundle=ca_bundle_mount("auto", os.environ),
        on_line=print,
    )
    with engine.start(spec_of(image.reference)) as started:
        assert started.exec(["uv", "--version"]).output.startswith("uv 0.13.9")


def test_an_image_without_the_targets_python_is_named(container: Container) -> None:
    with pytest.raises(EngineError, match=r"no Python 3\.12 .*python3: 3\.13"):
        find_python(container, target("python3.12", "x86_64"))


def test_the_hosts_certificates_can_be_read_by_any_user(engine: Engine, build_image: str, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("certificates\n")
    mount = ca_bundle_mount(str(tmp_path / "ca.pem"), {})
    assert mount is not None
    with engine.start(spec_of(build_image, mounts=(mount,))) as started:
        result = started.exec(["sh", "-c", 'cat "$SSL_CERT_FILE"'], environment=ca_environment())
        assert result.output == "certificates\n"
