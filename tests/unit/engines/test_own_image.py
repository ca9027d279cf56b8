"""Own images without an engine: names, words of a build's command, what failures become."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambda_backend.bundle.context import build_context
from lambda_backend.engines.building import build, failed
from lambda_backend.engines.buildkit import buildkit_command
from lambda_backend.engines.command import Command
from lambda_backend.engines.own_image import OwnImage, own_digest, own_image, own_tag
from lambda_backend.engines.protocol import BuildSecret, Image, ImageBuild
from lambda_backend.errors import EngineError, EngineUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "tool.lambda.bundling.image"
AMD64 = "linux/amd64"
SECRET = "s3cr3t"  # noqa: S105 - what must not show


@pytest.fixture
def own(tmp_path: Path) -> OwnImage:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/Containerfile").write_text("FROM a AS One\nFROM \\\n  --platform=b b as two\nRUN true\n")
    return OwnImage(key=KEY, context=build_context(tmp_path, "docker", None, key=KEY))


def test_a_name_says_the_platform_and_changes_with_everything_that_is_built(own: OwnImage) -> None:
    assert own_tag(own, AMD64).startswith("lambda-backend/own-amd64:")
    assert own_tag(own, "linux/arm64/v8").startswith("lambda-backend/own-arm64-v8:")
    made = {
        own_tag(changed, platform).partition(":")[2]
        for changed in (
            own,
            replace(own, target="one"),
            replace(own, templates={"A": "1"}),
            replace(own, templates={"A": "2"}),
            replace(own, templates={"B": "1"}),
            replace(own, templates={"A": "${B}"}),
        )
        for platform in (AMD64, "linux/arm64")
    }
    assert len(made) == 12


def test_what_is_filled_in_and_what_is_secret_does_not_change_the_name(own: OwnImage) -> None:
    first = replace(own, templates={"A": "https://me:one@example.com/${B}"}, build_args={"A": "1"}, hidden=("1",))
    second = replace(own, templates={"A": "https://you:two@example.com/${B}"}, build_args={"A": "2"}, ssh="default")
    assert own_tag(first, AMD64) == own_tag(second, AMD64)
    assert own_digest(first.context, None, first.templates) == own_digest(second.context, None, second.templates)
    assert own_tag(first, AMD64) != own_tag(own, AMD64)


def test_values_are_not_in_what_python_shows_of_it(own: OwnImage) -> None:
    full = replace(own, build_args={"A": SECRET}, hidden=(SECRET,))
    asked = ImageBuild(context=Path(), tag="t", platform=AMD64, build_args={"A": SECRET})
    assert SECRET not in repr(full) + repr(asked)


class FakeEngine:
    """Has no image, and fails to build one as it is told to; or has it."""

    name = "fake"

    def __init__(self, fail: EngineError | None = None, image: Image | None = None) -> None:
        self.fail = fail
        self.has = image
        self.asked: list[ImageBuild] = []
        self.staged: list[str] = []

    def image(self, reference: str, platform: str) -> Image | None:
        del reference, platform
        return self.has

    def build(self, asked: ImageBuild, on_line: Callable[[str], None] | None = None) -> Image:
        self.asked.append(asked)
        self.staged += [path.name for path in asked.context.iterdir()]
        if on_line is not None:
            on_line(f"using {SECRET} and https://me:pw@example.com")
        if self.fail is not None:
            raise self.fail
        return Image(reference=asked.tag, id="sha256:1", digest=None)


def made(engine: FakeEngine, own: OwnImage, lines: list[str]) -> Image:
    return own_image(
        engine,  # type: ignore[arg-type] - all that is asked of it
        own,
        platform=AMD64,
        network="net",
        on_line=lines.append,
        on_step=lines.append,
    )


def test_a_build_is_asked_for_all_that_the_settings_say(own: OwnImage) -> None:
    secret = BuildSecret(id="netrc", source=Path("/netrc"))
    engine, lines = FakeEngine(), list[str]()
    full = replace(own, target="two", build_args={"A": SECRET}, hidden=(SECRET,), secrets=(secret,), ssh="default")
    image = made(engine, full, lines)
    (asked,) = engine.asked
    assert image.reference == asked.tag == own_tag(full, AMD64)
    assert (asked.file, asked.target, asked.network) == ("Containerfile", "two", "net")
    assert (asked.secrets, asked.ssh, asked.build_args) == ((secret,), "default", {"A": SECRET})
    assert asked.of_project
    assert engine.staged == ["Containerfile"]
    assert not asked.context.exists()
    assert lines == [f"building the image of Containerfile for {AMD64} (fake)", "using *** and https://***@example.com"]


def test_an_image_that_is_there_is_taken(own: OwnImage) -> None:
    engine, lines = FakeEngine(image=Image(reference="r", id="i", digest=None)), list[str]()
    assert made(engine, own, lines) == engine.has
    assert not engine.asked
    assert not lines


@pytest.mark.parametrize(
    ("target", "key", "hint"),
    [
        (None, KEY, "mend Containerfile"),
        ("TWO", KEY, "mend Containerfile"),
        ("1", KEY, "mend Containerfile"),
        ("three", f"{KEY}.target", "its stages are one, two"),
    ],
)
def test_a_failed_build_is_told_by_its_key_without_secrets(
    own: OwnImage, target: str | None, key: str, hint: str
) -> None:
    engine = FakeEngine(EngineError(f"cannot build:\n    {SECRET} at https://me:pw@example.com"))
    with pytest.raises(EngineError) as caught:
        made(engine, replace(own, target=target, hidden=(SECRET,)), [])
    assert caught.value.message == f"{key}: cannot build:\n    *** at https://***@example.com"
    assert hint in str(caught.value.hint)
    assert caught.value.__cause__ is None
    assert not engine.asked[0].context.exists()


def test_what_the_engine_advises_and_what_it_lacks_stays(own: OwnImage) -> None:
    with pytest.raises(EngineUnavailableError) as caught:
        made(FakeEngine(EngineUnavailableError("no emulator", hint="install one")), own, [])
    assert caught.value.hint == "install one"
    (own.context.files["Containerfile"]).write_text("FROM a\n")
    with pytest.raises(EngineError, match=r"image\.target: ") as other:
        made(FakeEngine(EngineError("no")), replace(own, target="x"), [])
    assert "none of its stages has a name" in str(other.value.hint)


@pytest.fixture
def asked(tmp_path: Path) -> ImageBuild:
    (tmp_path / "Containerfile").write_text("FROM a\n")
    return ImageBuild(context=tmp_path, tag="lambda-backend/t:1", platform=AMD64)


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport os, sys\n{script}\n")
    path.chmod(0o755)
    return path


def test_the_command_hears_all_of_it_and_its_arguments_show_no_value(asked: ImageBuild, tmp_path: Path) -> None:
    engine = program(tmp_path / "bin", "engine", "print(*sys.argv[1:], sep='\\n'); print('A is', os.environ['A'])")
    lines: list[str] = []
    build(
        Command(program=str(engine), environ=os.environ),
        replace(
            asked,
            file="sub/File",
            target="two",
            build_args={"A": SECRET, "DOCKER_HOST": "other"},
            network="host",
            secrets=(BuildSecret(id="netrc", source=Path("/some/netrc")),),
            ssh="default",
        ),
        what="it fails",
        more=("--progress", "plain"),
        on_line=lines.append,
    )
    *argv, said = lines
    assert said == f"A is {SECRET}"
    assert not any(SECRET in word for word in argv)
    text = " ".join(argv)
    assert text.startswith(f"build --file {tmp_path}/sub/File --platform linux/amd64 --tag lambda-backend/t:1 --label ")
    for words in ("--target two", "--network host", "--secret id=netrc,src=/some/netrc", "--ssh default"):
        assert words in text
    # What the engine's command reads itself must not reach it with the build's value.
    assert "--build-arg A --build-arg DOCKER_HOST=other" in text
    assert text.endswith(f"--progress plain {tmp_path}")


def test_a_command_that_fails_is_an_error_with_its_last_lines(asked: ImageBuild, tmp_path: Path) -> None:
    engine = Command(
        program=str(program(tmp_path / "bin", "engine", "print('first'); sys.exit('last')")), environ=os.environ
    )
    with pytest.raises(EngineError, match=r"it fails \(exit code 1\):\n    first\n    last") as caught:
        build(engine, asked, what="it fails")
    assert "info" in str(caught.value.hint)
    with pytest.raises(EngineError) as of_project:
        build(engine, replace(asked, of_project=True), what="it fails")
    assert of_project.value.hint is None


@pytest.mark.parametrize(
    ("line", "wants"),
    [
        ("# syntax=docker/dockerfile:1", True),
        ("#syntax = docker/dockerfile:1", True),
        ("RUN --mount=type=cache,target=/c true", True),
        ("RUN --network=none true", True),
        ("run <<EOF", True),
        ("COPY --link a b", True),
        ("COPY --chown=1:1 a b", False),
        ("RUN echo syntax=1", False),
        ("# RUN --mount=type=cache", False),
        ("RUN cat < a", False),
    ],
)
def test_a_containerfile_for_buildkit_is_known_when_the_older_builder_fails(
    asked: ImageBuild, line: str, wants: bool
) -> None:
    (asked.context / "Containerfile").write_text(f"{line}\nFROM a\n{line}\n")
    error = failed(asked, "no", buildkit=False, hint="other")
    assert ("buildx plugin" in str(error.hint)) is wants
    assert failed(asked, "no", hint="other").hint == "other"


def test_a_failure_for_a_foreign_processor_stays_one(asked: ImageBuild) -> None:
    assert isinstance(failed(asked, "exec /bin/sh: exec format error"), EngineUnavailableError)


NO_BUILDX = (
    "sys.exit('BuildKit is enabled but the buildx component is missing or broken.' if sys.argv[1] == 'build' else 0)"
)
TOO_NEW = "sys.exit('client version 1.52 is too new' if sys.argv[1] == 'version' else 0)"
GOOD = "assert os.environ['DOCKER_BUILDKIT'] == '1'"


def test_the_first_of_docker_s_commands_that_can_is_taken(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("none", "no-buildx", "too-new", "good", "other")]
    for folder, script in zip(folders[1:], (NO_BUILDX, TOO_NEW, GOOD, GOOD), strict=True):
        program(folder, "docker", script)
    environ = {"PATH": os.pathsep.join(map(str, folders)), "DOCKER_HOST": "tcp://there:1"}
    command = buildkit_command(environ)
    assert command is not None
    assert Path(command.program).parent.name == "good"
    # It finds the engine where the package found it.
    assert command.environ["DOCKER_HOST"] == "tcp://there:1"
    # Not by way of a proxy that is a build argument.
    assert command.environ["NO_PROXY"] == "there"
    proxied = buildkit_command({**environ, "https_proxy": "http://proxy:1"})
    assert proxied is not None
    assert "NO_PROXY" not in proxied.environ
    assert buildkit_command({**environ, "PATH": str(folders[1])}) is None


def test_a_local_socket_is_where_the_package_found_it(tmp_path: Path) -> None:
    program(tmp_path / "bin", "docker", GOOD)
    command = buildkit_command({"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)})
    assert command is not None
    assert command.environ["DOCKER_HOST"].startswith("unix://")
