"""A project's own Containerfile, on every engine: what is built, when, and what does not show."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambda_backend.bundle.context import build_context
from lambda_backend.engines.ca import ca_bundle_mount
from lambda_backend.engines.choice import choose
from lambda_backend.engines.environment import exec_environment
from lambda_backend.engines.image import bundling_image, find_python
from lambda_backend.engines.own_image import OwnImage, own_image, own_tag
from lambda_backend.engines.owner import OWNER_LABEL
from lambda_backend.engines.protocol import LABEL, BuildSecret, ContainerSpec, ImageBuild
from lambda_backend.errors import EngineError
from lambda_backend.targets import target
from tests.helpers.machine import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lambda_backend.engines.image import BundlingImage
    from lambda_backend.engines.protocol import Engine, Image

pytestmark = pytest.mark.engine

AMD64 = "linux/amd64"
KEY = "tool.lambda.bundling.image"
SECRET = "s3cr3t-of-a-build"  # noqa: S105 - what must not show
TARGET = target("python3.13", "x86_64")


class Workshop:
    """Builds own images of one project, and remembers what was said and made."""

    def __init__(self, engine: Engine, base: str, root: Path, command: Callable[..., str]) -> None:
        self.engine = engine
        self.base = base
        self.root = root
        self.command = command
        self.tags: dict[str, None] = {}
        self.lines: list[str] = []
        self.steps: list[str] = []

    def write(self, containerfile: str, files: Mapping[str, str | bytes] | None = None) -> None:
        """Put a context into the project; every test's is another one, and finds no layers of an earlier run."""
        text = f"{containerfile.replace('BASE', self.base)}\nLABEL test={self.root.parent.name}-{os.getpid()}\n"
        write(self.root / "docker", {"Containerfile": text, **(files or {})})

    def own(self, **changes: object) -> OwnImage:
        context = build_context(self.root, "docker", None, key=KEY)
        own = OwnImage(key=KEY, context=context, **changes)  # type: ignore[arg-type]
        self.tags[own_tag(own, AMD64)] = None
        return own

    def make(self, **changes: object) -> Image:
        self.lines.clear()
        self.steps.clear()
        return own_image(
            self.engine,
            self.own(**changes),
            platform=AMD64,
            network="host",
            on_line=self.lines.append,
            on_step=self.steps.append,
        )

    def read(self, image: Image, path: str) -> str:
        with self.engine.start(ContainerSpec(image=image.reference, platform=AMD64)) as container:
            found = container.exec(["cat", path])
            assert found.exit_code == 0, found.log
            return found.output

    def fails(self, **changes: object) -> str:
        """The error of a build that leaves nothing behind."""
        before = self.containers()
        with pytest.raises(EngineError) as caught:
            self.make(**changes)
        self.no_more_than(before)
        assert tempfile.tempdir is not None
        assert not list(Path(tempfile.tempdir).iterdir())
        assert self.engine.image(next(reversed(self.tags)), AMD64) is None
        return str(caught.value)

    def no_more_than(self, before: set[str]) -> None:
        """No container is left. A server notices a little later, and other builds have theirs for a time."""
        left = self.containers() - before
        for _ in range(200):
            if not left:
                return
            time.sleep(0.1)
            left &= self.containers()  # and not what others have started since
        pytest.fail(self.command("ps", "--all"))

    def containers(self) -> set[str]:
        """Containers that are none of a build's own, which other builds may have at the same time."""
        external = ("--external",) if "--external" in self.command("ps", "--help") else ()
        lines = self.command("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Labels}}", *external).splitlines()
        return {line.split()[0] for line in lines if OWNER_LABEL not in line}


@pytest.fixture
def workshop(
    engine: Engine, build_image: str, tmp_path: Path, command: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workshop]:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    made = Workshop(engine, build_image, root, command)
    yield made
    for tag in reversed(made.tags):  # what lies on another goes first
        if engine.image(tag, AMD64) is not None:
            command("rmi", "--force", tag)


def bundling(
    workshop: Workshop, cache: Path, *, base: OwnImage | str, runtime: str = "python3.13", key: str | None = KEY
) -> BundlingImage:
    made = bundling_image(
        workshop.engine,
        target(runtime, "x86_64"),
        base=base,
        uv_version="0.13.9",
        network="host",
        cache_dir=cache,
        exec_environment=exec_environment(os.environ),
        ca_bundle=ca_bundle_mount("auto", os.environ),
        on_line=workshop.lines.append,
        key=key,
    )
    workshop.tags[made.reference] = None
    return made


def test_context_target_and_arguments_make_the_image(workshop: Workshop) -> None:
    workshop.write(
        """\
FROM BASE AS lib
ARG GREETING=none
COPY src /src
COPY run /src/
RUN echo "$GREETING and $(cat /src/deep/a) by $(/src/run)" > /greeting

FROM lib
RUN exit 7
""",
        {"src/deep/a": "a file", "src/b.skip": "", "run": "#!/bin/sh\necho a program", ".dockerignore": "**/*.skip"},
    )
    (workshop.root / "docker/run").chmod(0o755)
    image = workshop.make(target="lib", build_args={"GREETING": "hello world"}, templates={"GREETING": "hello world"})
    assert image.reference.startswith("lambda-backend/own-amd64:")
    assert workshop.read(image, "/greeting") == "hello world and a file by a program\n"
    (found,) = json.loads(workshop.command("image", "inspect", image.reference))
    assert LABEL in found["Config"]["Labels"]
    assert workshop.steps == [f"building the image of Containerfile for {AMD64} ({workshop.engine.name})"]
    with workshop.engine.start(ContainerSpec(image=image.reference, platform=AMD64)) as container:
        assert container.exec(["ls", "/src"]).output.split() == ["deep", "run"]


def test_an_image_is_built_once_for_its_inputs(workshop: Workshop) -> None:
    workshop.write("FROM BASE\nARG TOKEN\nARG LEVEL\nCOPY a /a", {"a": "1"})

    def make(token: str, *, level: str = "1", **more: object) -> Image:
        templates = {"TOKEN": "${TOKEN}", "LEVEL": level}
        return workshop.make(templates=templates, build_args={"TOKEN": token, "LEVEL": level}, **more)

    first = make("one")
    assert workshop.steps
    # A token that is another one for every build changes nothing, and no build is even begun.
    assert make("two") == first
    assert not workshop.steps
    assert not workshop.lines
    assert make("two", level="2").reference != first.reference
    assert workshop.steps
    (workshop.root / "docker/a").write_text("2")
    changed = make("one")
    assert workshop.steps
    assert workshop.read(changed, "/a") == "2"
    (workshop.root / "docker/a").write_text("1")
    assert make("one") == first
    assert not workshop.steps


def test_a_failing_build_shows_its_last_lines_and_no_secret(workshop: Workshop) -> None:
    workshop.write(
        'FROM BASE\nARG TOKEN\nARG URL\nRUN echo "token $TOKEN"; echo "index $URL"; echo the very last words; exit 42'
    )
    said = workshop.fails(
        templates={"TOKEN": "${TOKEN}", "URL": f"https://user:{SECRET}-in-the-table@example.com/"},
        build_args={"TOKEN": SECRET, "URL": f"https://user:{SECRET}-in-the-table@example.com/"},
        hidden=(SECRET,),
    )
    assert said.startswith(f"{KEY}: {workshop.engine.name} cannot build the image lambda-backend/own-amd64:")
    for shown in (said, "\n".join(workshop.lines)):
        assert "token ***" in shown
        assert "index https://***@example.com/" in shown
        assert "the very last words" in shown
        assert SECRET not in shown
    assert "42" in said
    assert "mend Containerfile" in said


def test_a_stage_that_is_none_is_told_by_its_key(workshop: Workshop) -> None:
    workshop.write("FROM BASE AS one\nFROM one as two\nFROM two")
    said = workshop.fails(target="three")
    assert said.startswith(f"{KEY}.target: ")
    assert "three" in said
    assert "name a stage of Containerfile: its stages are one, two" in said


def test_a_base_that_cannot_be_had_is_named(workshop: Workshop) -> None:
    write(workshop.root / "docker", {"Containerfile": "FROM localhost:1/lambda-backend/none:1\n"})
    said = workshop.fails()
    assert said.startswith(f"{KEY}: ")
    assert "localhost:1/lambda-backend/none" in said


@pytest.mark.network
def test_what_the_containerfile_does_not_use_is_in_nothing_of_ours(workshop: Workshop, tmp_path: Path) -> None:
    # A proxy may be used all the same: Docker records none.
    workshop.write('FROM BASE\nRUN test -n "$HTTPS_PROXY" && touch /made')
    proxy = f"http://user:{SECRET}@proxy.example.com:3128"
    args = {"PIP_INDEX_URL": f"https://aws:{SECRET}@example.com/simple/", "TOKEN": SECRET, "HTTPS_PROXY": proxy}
    templates = {
        "PIP_INDEX_URL": "https://aws:${TOKEN}@example.com/simple/",
        "TOKEN": "${TOKEN}",
        "HTTPS_PROXY": "${P}",
    }
    own = workshop.own(templates=templates, build_args=args, hidden=(SECRET, proxy))
    made = bundling(workshop, tmp_path / "cache", base=own)
    assert made.base.reference == own_tag(own, AMD64)
    shown = "\n".join(workshop.lines) + made.reference
    for reference in (made.reference, made.base.reference):
        shown += workshop.command("history", "--no-trunc", reference) + workshop.command("image", "inspect", reference)
    assert SECRET not in shown
    with workshop.engine.start(ContainerSpec(image=made.reference, platform=AMD64)) as container:
        assert container.exec(["ls", "/made"]).exit_code == 0
        assert container.exec(["uv", "--version"]).output.startswith("uv 0.13.9")
        assert SECRET not in container.exec(["env"]).output
    found = [
        path for path in (tmp_path / "cache").rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert not found


def test_an_own_image_needs_the_runtime_s_python(workshop: Workshop, tmp_path: Path) -> None:
    workshop.write("FROM BASE")
    own = workshop.own()
    with pytest.raises(EngineError, match=r"no Python 3\.12 .*python3: 3\.13") as caught:
        bundling(workshop, tmp_path, base=own, runtime="python3.12")
    assert caught.value.message.startswith(f"{KEY}: ")
    assert "python3.12" in str(caught.value.hint)


def test_an_own_image_without_python_is_told_by_its_key(workshop: Workshop, tmp_path: Path) -> None:
    workshop.write("FROM BASE\nRUN rm -rf /var/lang /usr/bin/python3*")
    own = workshop.own()
    with pytest.raises(EngineError, match=r"no Python 3\.13 .*python3: none") as caught:
        bundling(workshop, tmp_path, base=own)
    assert caught.value.message.startswith(f"{KEY}: ")


def test_an_own_image_in_which_nothing_runs_is_told_by_its_key(workshop: Workshop, tmp_path: Path) -> None:
    write(workshop.root / "docker", {"Containerfile": f"FROM scratch\nLABEL test={os.getpid()}\nCOPY a /\n", "a": ""})
    own = workshop.own()
    with pytest.raises(EngineError) as caught:
        bundling(workshop, tmp_path, base=own)
    assert caught.value.message.startswith(f"{KEY}: ")
    assert own_tag(own, AMD64) in caught.value.message


BUILDKIT = """\
FROM BASE
RUN --mount=type=secret,id=netrc,target=/etc/netrc grep -q 'password' /etc/netrc && touch /made
RUN --mount=type=cache,target=/cache --mount=type=bind,source=a,target=/a cp /a /b && test ! -e /etc/netrc
"""


def test_secrets_of_a_build_are_mounted_where_the_builder_can(
    workshop: Workshop, engine_environ: Mapping[str, str], tmp_path: Path
) -> None:
    netrc = write(tmp_path / "home", {"netrc": f"machine example.com login me password {SECRET}\n"}) / "netrc"
    workshop.write(BUILDKIT, {"a": "the file\n"})
    secrets = (BuildSecret(id="netrc", source=netrc),)
    if "podman" in engine_environ.get("DOCKER_HOST", ""):  # its Docker API knows no secrets
        assert KEY in workshop.fails(secrets=secrets)
        return
    image = workshop.make(secrets=secrets)
    assert workshop.read(image, "/b") == "the file\n"
    saved = workshop.command("history", "--no-trunc", image.reference) + "\n".join(workshop.lines)
    assert SECRET not in saved


def test_the_agent_s_socket_is_forwarded_where_the_builder_can(
    workshop: Workshop, engine_environ: Mapping[str, str], tmp_path: Path
) -> None:
    if "podman" in engine_environ.get("DOCKER_HOST", ""):
        pytest.skip("Podman's Docker API forwards no agent")
    workshop.write('FROM BASE\nRUN --mount=type=ssh test -S "$SSH_AUTH_SOCK" && touch /made')
    with agent(tmp_path) as address:
        image = workshop.make(ssh=f"default={address}")
    assert workshop.read(image, "/made") == ""


class agent:  # noqa: N801 - used as a function
    """A real ssh-agent without keys."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "agent.sock"

    def __enter__(self) -> Path:
        self.process = subprocess.Popen(["ssh-agent", "-D", "-a", str(self.socket)], stdout=subprocess.DEVNULL)
        for _ in range(100):
            if self.socket.exists() and stat.S_ISSOCK(self.socket.stat().st_mode):
                break
            time.sleep(0.05)
        return self.socket

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.mark.parametrize("engine_environ", ["docker"], indirect=True)
def test_without_docker_s_command_a_containerfile_for_buildkit_says_what_to_install(
    workshop: Workshop, engine_environ: Mapping[str, str], tmp_path: Path
) -> None:
    engine = choose("docker", environ={**engine_environ, "PATH": str(tmp_path)}, note=print)
    assert engine is not None
    workshop.engine = engine
    workshop.write(BUILDKIT, {"a": ""})
    said = workshop.fails()
    assert "buildx plugin" in said
    # Everything else is built without it.
    workshop.write("FROM BASE AS one\nARG A\nCOPY a /a\nRUN echo $A > /b\nFROM one\nRUN false", {"a": "the file"})
    image = workshop.make(target="one", build_args={"A": "by the API"})
    assert workshop.read(image, "/b") == "by the API\n"
    workshop.write("FROM BASE\nRUN echo the last words; exit 3", {"a": ""})
    said = workshop.fails()
    assert "the last words" in said
    assert "buildx" not in said


@pytest.fixture
def far(engine_environ: Mapping[str, str]) -> Iterator[str]:
    """The engine's socket at a TCP address, as that of another machine."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        path = engine_environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")

        def pump(source: socket.socket, target: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while piece := source.recv(65536):
                    target.sendall(piece)
                target.shutdown(socket.SHUT_WR)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    near = stack.enter_context(listener.accept()[0])
                    there = stack.enter_context(socket.socket(socket.AF_UNIX))
                    there.connect(path)
                    for pair in ((near, there), (there, near)):
                        threading.Thread(target=pump, args=pair, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("engine_environ", ["docker", "podman-socket"], indirect=True)
@pytest.mark.parametrize("by", ["address", "context"])
def test_a_remote_engine_builds_too(
    workshop: Workshop, engine_environ: Mapping[str, str], far: str, by: str, tmp_path: Path
) -> None:
    environ = {name: value for name, value in engine_environ.items() if name != "DOCKER_HOST"}
    if by == "address":
        environ["DOCKER_HOST"] = far
    else:
        meta = {"Name": "far", "Metadata": {}, "Endpoints": {"docker": {"Host": far, "SkipTLSVerify": False}}}
        digest = hashlib.sha256(b"far").hexdigest()
        write(tmp_path, {f"config/contexts/meta/{digest}/meta.json": json.dumps(meta)})
        environ |= {"DOCKER_CONTEXT": "far", "DOCKER_CONFIG": str(tmp_path / "config")}
    engine = choose("docker", environ=environ, note=print)
    assert engine is not None
    workshop.engine = engine
    workshop.write("FROM BASE\nARG HTTPS_PROXY\nRUN --mount=type=bind,source=a,target=/a cp /a /b", {"a": "the file"})
    proxy = {"HTTPS_PROXY": "http://proxy.invalid:1"}
    image = workshop.make(build_args=proxy, templates=proxy)
    assert workshop.read(image, "/b") == "the file"


IGNORED = {
    "everything but": "*\n!keep\n!deep/a/*.txt\n*.md\n",
    "some": "# docs\ndocs/\n/x.bin\n**/tmp*\n!docs/README.md\na?c\nb[0-9]\n",
    "anything": "**/*.md\n!deep/**/R*.md\nmid**\n**/*.txt\n",
}
TREE = (
    *("a.md", "abc", "acc", "b1", "bx", "deep/a/b.txt", "deep/a/b/c.txt", "deep/a/b/README.md", "deep/x.md", "docs/a"),
    *("docs/README.md", "keep/a", "keep/b.md", "middle/a", "sub/docs/a", "sub/tmp1/a", "tmp", "x.bin", "z/x.bin"),
)


@pytest.mark.parametrize("ignore", IGNORED.values(), ids=IGNORED)
def test_what_is_ignored_is_what_the_engine_itself_ignores(
    workshop: Workshop, command: Callable[..., str], tmp_path: Path, ignore: str
) -> None:
    raw = write(tmp_path / "raw", {**dict.fromkeys(TREE, "."), ".dockerignore": ignore})
    text = f"FROM {workshop.base}\nCOPY . /given\n"
    (tmp_path / "File").write_text(text)
    tag = f"lambda-backend/test-ignore:{os.getpid()}"
    workshop.tags[tag] = None
    command("build", "--quiet", "--tag", tag, "--file", str(tmp_path / "File"), str(raw))
    with workshop.engine.start(ContainerSpec(image=tag, platform=AMD64)) as container:
        found = container.exec(["find", "/given", "-type", "f", "-printf", "%P\n"]).output.split()
    context = build_context(write(tmp_path, {"raw/Containerfile": text}), "raw", None, key=KEY)
    assert set(context.files) - {"Containerfile"} == set(found) - {".dockerignore"}


def test_a_build_that_is_ended_leaves_neither_folder_nor_container(
    workshop: Workshop, engine_environ: Mapping[str, str], tmp_path: Path
) -> None:
    if "podman" in engine_environ.get("DOCKER_HOST", ""):
        pytest.skip("Podman's service ends the build of a client that has gone when the build is done, and not before")
    workshop.write("FROM BASE\nRUN echo begun; sleep 300")
    script = f"""\
        import os, pathlib
        from lambda_backend.bundle.context import build_context
        from lambda_backend.engines.choice import choose
        from lambda_backend.engines.own_image import OwnImage, own_image
        engine = choose(os.environ["LAMBDA_BACKEND_ENGINE"], environ=os.environ, note=print)
        context = build_context(pathlib.Path({str(workshop.root)!r}), "docker", None, key="key")
        own = OwnImage(key="key", context=context)
        own_image(engine, own, platform={AMD64!r}, network="host", on_line=lambda line: print(line, flush=True))
    """
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    workshop.own()
    before = workshop.containers()
    argv = [sys.executable, "-c", textwrap.dedent(script)]
    environ = {**engine_environ, "TMPDIR": str(scratch)}
    with subprocess.Popen(argv, env=environ, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert any("begun" in line and "RUN" not in line for line in child.stdout)
        assert list(scratch.glob("lambda-backend-*"))
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 128 + signal.SIGTERM
    assert not list(scratch.glob("lambda-backend-*"))
    workshop.no_more_than(before)


def test_the_interpreter_s_error_without_a_setting_names_the_setting(workshop: Workshop) -> None:
    with (
        workshop.engine.start(ContainerSpec(image=workshop.base, platform=AMD64)) as container,
        pytest.raises(EngineError) as caught,
    ):
        find_python(container, target("python3.12", "x86_64"))
    assert "tool.lambda.bundling.image" in str(caught.value.hint)


def test_our_own_containerfile_is_built_without_docker_s_command(
    engine: Engine, build_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine.name != "docker":
        pytest.skip("Podman is its command")
    monkeypatch.setattr("lambda_backend.engines.buildkit.buildkit_command", pytest.fail)
    (tmp_path / "Containerfile").write_text(f"FROM {build_image}\n")
    engine.build(ImageBuild(context=tmp_path, tag="lambda-backend/test-build:1", platform=AMD64))
