"""What is said to engines that are spoken to by their command line, and what becomes of their answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines.cli import CliEngine
from lambda_backend.engines.cli_container import PACK, UNPACK
from lambda_backend.engines.command import Command
from lambda_backend.engines.flavors import FLAVORS
from lambda_backend.engines.protocol import ContainerSpec, ImageBuild, Mount
from lambda_backend.engines.tarball import pack, unpack
from lambda_backend.errors import EngineError
from tests.helpers.machine import write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PROGRAM = """\
#!{python}
import json, pathlib, sys
told = pathlib.Path({folder!r})
with (told / "said").open("a") as file:
    print(json.dumps(sys.argv[1:]), file=file)
answers = json.loads((told / "answers").read_text())
verb = " ".join(sys.argv[1:3]) if sys.argv[1] in ("image", "container") else sys.argv[1]
output, log, code = answers.get(verb, ["", "", 0])
sys.stdout.write(output)
sys.stderr.write(log)
sys.exit(code)
"""
_FATAL = 'time="2026-11-23T10:00:00Z" level=fatal msg="{}"'
Talk = "Callable[..., tuple[CliEngine, Callable[[], list[list[str]]]]]"
ROOTLESS = json.dumps({"SecurityOptions": ["name=rootless"]})
SELINUX = json.dumps({"SecurityOptions": ["name=selinux"]})


@pytest.fixture
def talk(tmp_path: Path) -> Callable[..., tuple[CliEngine, Callable[[], list[list[str]]]]]:
    """An engine that gives fixed answers by verb, and what was said to it."""

    def make(name: str, **answers: object) -> tuple[CliEngine, Callable[[], list[list[str]]]]:
        path = tmp_path / name
        path.write_text(_PROGRAM.format(python=sys.executable, folder=str(tmp_path)))
        path.chmod(0o755)
        known = {"info": ["{}", "", 0], "container inspect": ["true\n", "", 0]}
        given = {verb.replace("_", " "): answer for verb, answer in answers.items()}
        (tmp_path / "answers").write_text(json.dumps({**known, **given}))
        engine = CliEngine.connect(name, {"PATH": str(tmp_path)})
        return engine, lambda: [json.loads(line) for line in (tmp_path / "said").read_text().splitlines()]

    return make


def spec(**options: object) -> ContainerSpec:
    return ContainerSpec(image="image:1", platform="linux/amd64", **options)  # type: ignore[arg-type]


def run_words(said: list[list[str]]) -> list[str]:
    return next(words for words in said if words[0] == "run")


@pytest.mark.parametrize(
    ("name", "info", "expected"),
    [
        ("podman", json.dumps({"host": {"security": {"rootless": True}}}), ["--userns=keep-id"]),
        ("nerdctl", ROOTLESS, ["--user", "0:0"]),
        ("finch", ROOTLESS, ["--user", "0:0"]),
    ],
)
def test_the_containers_user_of_a_rootless_engine(talk: Talk, name: str, info: str, expected: list[str]) -> None:
    engine, said = talk(name, info=[info, "", 0])
    with engine.start(spec()):
        pass
    words = run_words(said())
    at = words.index(expected[0])
    assert words[at : at + len(expected)] == expected
    assert ("--user" in words) is (expected[0] == "--user")
    with engine.start(spec(user="1:2")):
        pass
    last = run_words(said()[::-1])
    assert last[last.index("--user") + 1] == "1:2"
    assert "--userns=keep-id" not in last


def test_labels_are_off_only_where_the_engine_labels(talk: Talk) -> None:
    engine, said = talk("nerdctl")
    with engine.start(spec()):
        assert "--security-opt" not in run_words(said())
    engine, said = talk("nerdctl", info=[SELINUX, "", 0])
    with engine.start(spec()):
        words = run_words(said()[::-1])
        assert words[words.index("--security-opt") + 1] == "label=disable"


def test_an_image_of_another_platform_is_asked_for_by_it(talk: Talk) -> None:
    found = json.dumps([{"Id": "sha256:1", "Os": "linux", "Architecture": "arm64"}])
    engine, said = talk("nerdctl", image_inspect=[found, "", 0])
    assert engine.image("image:1", "linux/arm64") is not None
    assert said()[-1] == ["image", "inspect", "--platform", "linux/arm64", "image:1"]
    engine, said = talk("podman", image_inspect=[found, "", 0])
    assert engine.image("image:1", "linux/arm64") is not None
    assert said()[-1] == ["image", "inspect", "image:1"]


@pytest.mark.parametrize(
    "answer", [["", "", 0], ["[]\n", 'level=fatal msg="1 errors: [no such image: image:1]"', 1]], ids=["2.0", "2.1"]
)
def test_an_image_that_nerdctl_does_not_have(talk: Talk, answer: list[object]) -> None:
    engine, _ = talk("nerdctl", image_inspect=answer)
    assert engine.image("image:1", "linux/amd64") is None


@pytest.mark.parametrize(
    ("log", "own"),
    [
        (f"last\n{_FATAL.format('exec failed with exit code 42')}\n", "last\n"),
        ("lastFATA[0005] exec failed with exit code 42\n", "last"),
        (f"last\n{_FATAL.format('exec failed with exit code 42')}\n{_FATAL.format('exit status 1')}\n", "last\n"),
    ],
    ids=["pipe", "terminal", "finch"],
)
def test_the_exit_code_of_a_command_is_told_in_words(talk: Talk, log: str, own: str) -> None:
    engine, _ = talk("finch", exec=["out", log, 1])
    heard: list[str] = []
    with engine.start(spec()) as container:
        result = container.exec(["false"], on_line=heard.append)
    assert (result.exit_code, result.output, result.log) == (42, "out", own)
    assert heard == ["last"]


def test_podmans_words_are_the_commands_own(talk: Talk) -> None:
    engine, _ = talk("podman", exec=["", "FATA[0005] exec failed with exit code 42\n", 1])
    with engine.start(spec()) as container:
        result = container.exec(["false"])
    assert (result.exit_code, result.log) == (1, "FATA[0005] exec failed with exit code 42\n")


def test_unpacking_in_a_container_waits_for_no_end_of_its_input(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_text("text")
    (tmp_path / "in" / "link").symlink_to("file")
    target = PurePosixPath(tmp_path) / "deep" / "out"
    argv = [sys.executable, "-I", "-c", UNPACK]
    with (
        subprocess.Popen(argv, stdin=subprocess.PIPE) as process,
        pack(tmp_path / "in", target, (os.getuid(), os.getgid())) as tar,
    ):
        assert process.stdin is not None
        process.stdin.write(tar.read())
        process.stdin.flush()
        assert process.wait(20) == 0
    assert (tmp_path / "deep" / "out" / "link").read_text() == "text"


def test_what_is_packed_in_a_container_is_what_cp_would_give(tmp_path: Path) -> None:
    write(tmp_path / "in", {"folder/ünïcødé": "text"})
    (tmp_path / "in" / "link").symlink_to("folder")
    packed = tmp_path / "packed.tar"
    with packed.open("wb") as file:
        subprocess.run([sys.executable, "-I", "-c", PACK, str(tmp_path / "in")], stdout=file, check=True)
    with packed.open("rb") as file:
        unpack(file, tmp_path / "out")
    assert (tmp_path / "out" / "link" / "ünïcødé").read_text() == "text"
    done = subprocess.run(
        [sys.executable, "-I", "-c", PACK, str(tmp_path / "none")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, f"no such file or folder in the container: {tmp_path}/none\n")


@pytest.mark.parametrize("where", ["source", "target"])
@pytest.mark.parametrize("mark", [",", ":", '"', "="])
def test_paths_that_cannot_be_told_to_finch(talk: Talk, tmp_path: Path, where: str, mark: str) -> None:
    engine, said = talk("finch")
    (tmp_path / f"a{mark}b").mkdir()
    mount = (
        Mount(source=tmp_path / f"a{mark}b", target=PurePosixPath("/in"))
        if where == "source"
        else Mount(source=tmp_path, target=PurePosixPath(f"/a{mark}b"))
    )
    with (
        pytest.raises(EngineError, match=f"finch cannot mount .*it takes no {mark} in a path"),
        engine.start(spec(mounts=(mount,))),
    ):
        pytest.fail("started")
    assert not any(words[0] == "run" for words in said())


def test_nerdctl_is_not_asked_for_volumes_of_containers_that_it_would_ignore(talk: Talk) -> None:
    engine, said = talk("nerdctl", container_inspect=["[]", "no such container: ghost", 1])
    with (
        pytest.raises(EngineError, match="cannot take volumes from the container ghost"),
        engine.start(spec(volumes_from=("ghost",))),
    ):
        pytest.fail("started")
    assert not any(words[0] == "run" for words in said())


def test_a_folder_that_finchs_machine_does_not_see_is_told_with_what_to_write_where(talk: Talk, tmp_path: Path) -> None:
    (tmp_path / "Containerfile").write_text("FROM scratch\n")
    log = 'level=fatal msg="lstat /private/var/folders/x/Containerfile: no such file or directory"'
    engine, _ = talk("finch", build=["", log, 1])
    with pytest.raises(EngineError) as caught:
        engine.build(ImageBuild(context=tmp_path, tag="t:1", platform="linux/amd64"))
    assert caught.value.hint is not None
    for line in (
        "~/.finch/finch.yaml",
        "additional_directories:",
        "- path: /private/var/folders",
        "- path: /var/folders",
    ):
        assert line in caught.value.hint
    assert "finch vm stop && finch vm start" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "system", "flag", "shown"),
    [
        ("podman", "darwin", "--env", False),
        ("podman", "darwin", "--build-arg", False),
        ("finch", "darwin", "--env", False),
        ("finch", "darwin", "--build-arg", True),
        ("nerdctl", "darwin", "--env", True),
        ("nerdctl", "darwin", "--build-arg", True),
        ("finch", "linux", "--build-arg", False),
        ("nerdctl", "linux", "--env", False),
    ],
)
def test_values_stand_in_the_command_line_only_where_the_engine_does_not_get_our_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, system: str, flag: str, shown: bool
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    command = Command(program=name, environ={}, flavor=FLAVORS[name])
    environ, arguments = command.variables(flag, {"TOKEN": "value", "PATH": "/inside"})
    values: Mapping[bool, list[str]] = {True: [flag, "TOKEN=value"], False: [flag, "TOKEN"]}
    assert arguments == [*values[shown], flag, "PATH=/inside"]
    assert environ == ({} if shown else {"TOKEN": "value"})
