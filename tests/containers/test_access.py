"""The promises of ``engines/access.py`` and of a workbench's push and pull, held by every engine."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines.access import started
from lambda_backend.engines.protocol import ContainerSpec, Mount
from lambda_backend.errors import EngineError
from lambda_backend.install.builder import Builder
from lambda_backend.install.workbench import FOLDERS, ContainerWorkbench
from tests.helpers.containers import containers_of, forgotten_volumes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lambda_backend.engines.access import FileAccess, Reached
    from lambda_backend.engines.protocol import Container, Engine

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]
CACHE = PurePosixPath("/var/cache/of-a-tool")
CERTIFICATES = PurePosixPath("/etc/certificates/ca.pem")
ON_ENGINE = PurePosixPath("/mnt/volume")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """A real engine that mounts another folder of the same name, as one does on another machine."""

    engine: Engine
    differs: Mapping[Path, Path]
    """What it mounts instead."""
    name: str = "elsewhere"
    asked: list[ContainerSpec] = dataclasses.field(default_factory=list)

    def start(self, spec: ContainerSpec) -> contextlib.AbstractContextManager[Container]:
        self.asked.append(spec)
        mounts = tuple(
            dataclasses.replace(mount, source=self.differs.get(mount.source, mount.source)) for mount in spec.mounts
        )
        return self.engine.start(dataclasses.replace(spec, mounts=mounts))


@pytest.fixture
def spec(build_image: str, tmp_path: Path) -> ContainerSpec:
    """All kinds of mounts, over a folder with files of all kinds."""
    for name in FOLDERS:
        (tmp_path / "scratch" / name).mkdir(parents=True)
    made = tmp_path / "scratch" / "input"
    (made / "folder" / "empty").mkdir(parents=True)
    (made / "folder" / "name with ünïcødé").write_text("text")
    (made / "folder" / "name with ünïcødé").chmod(0o640)
    (made / "run").write_bytes(b"#!/bin/sh\necho ran\n")
    (made / "run").chmod(0o755)
    (made / "link").symlink_to("folder/name with ünïcødé")
    (tmp_path / "ca.pem").write_text("certificates\n")
    (tmp_path / "ca.pem").chmod(0o600)
    for name in ("cache", "volume"):
        (tmp_path / name).mkdir()
    (tmp_path / "cache" / "kept").write_text("kept")
    (tmp_path / "volume" / "there").write_text("there")
    mounts = (
        *(Mount(source=tmp_path / "scratch" / name, target=there) for name, there in FOLDERS.items()),
        Mount(source=tmp_path / "cache", target=CACHE, is_cache=True),
        Mount(source=tmp_path / "ca.pem", target=CERTIFICATES, read_only=True),
        Mount(source=tmp_path / "volume", target=ON_ENGINE, on_engine=True),
    )
    return ContainerSpec(image=build_image, platform="linux/amd64", mounts=mounts)


@pytest.fixture
def elsewhere(engine: Engine, spec: ContainerSpec, tmp_path: Path) -> Elsewhere:
    """Sees other folders and files of all these names, but for the volume, which is its own."""
    differs = {}
    for mount in spec.mounts:
        other = tmp_path / "other" / str(mount.target).strip("/").replace("/", "-")
        if mount.on_engine:
            continue
        if mount.source.is_dir():
            other.mkdir(parents=True)
            (other / "stranger").write_text("stranger")
        else:
            other.parent.mkdir(parents=True, exist_ok=True)
            other.write_text("other certificates\n")
        differs[mount.source] = other
    return Elsewhere(engine=engine, differs=differs)


@pytest.fixture
def nothing_left(engine: Engine, command: Callable[..., str]) -> Iterator[None]:
    """Neither a container nor a volume is there at the end that was not there before."""
    del engine
    before = forgotten_volumes(command)
    yield
    assert not containers_of(command, os.getpid())
    assert forgotten_volumes(command) <= before


def workbench(reached: Reached, scratch: Path) -> ContainerWorkbench:
    return ContainerWorkbench(
        reached.container,
        scratch,
        builder=Builder(engine="test"),
        interpreter="python3",
        environment={},
        on_line=print,
        shared=reached.shared,
        leave=lambda: None,
    )


def sh(bench: ContainerWorkbench, line: str) -> str:
    return bench.run(["sh", "-ec", line], cwd=bench.input, what=line)


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("access", ["auto", "bind-mount"])
def test_mounts_where_the_engine_sees_the_files(
    engine: Engine, spec: ContainerSpec, tmp_path: Path, access: FileAccess
) -> None:
    before = names(tmp_path)
    with started(engine, spec, access) as reached:
        assert reached.shared
        assert names(tmp_path) == before
        bench = workbench(reached, tmp_path / "scratch")
        sh(bench, f"echo made > ../output/made; echo more > {CACHE}/more")
        assert (bench.output / "made").read_text() == "made\n"
        assert (tmp_path / "cache" / "more").read_text() == "more\n"
        assert reached.container.exec(["touch", str(CERTIFICATES)]).exit_code != 0
    assert names(tmp_path) - before == {"scratch/output/made", "cache/more"}


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("user", [None, "1234:4321", "nobody"])
def test_copies_show_the_same_files_to_the_working_user(
    engine: Engine, spec: ContainerSpec, tmp_path: Path, user: str | None
) -> None:
    with started(engine, dataclasses.replace(spec, user=user), "volume-copy") as reached:
        assert not reached.shared
        bench = workbench(reached, tmp_path / "scratch")
        assert sh(bench, "find . | sort").split("\n") == [
            *(".", "./folder", "./folder/empty", "./folder/name with ünïcødé", "./link", "./run"),
            "",
        ]
        assert sh(bench, "cat link; ./run") == "textran\n"
        assert sh(bench, "stat -c %a run folder/name*").split() == ["755", "640"]
        assert sh(bench, f"cat {CERTIFICATES}; stat -c %a {CERTIFICATES}") == "certificates\n600\n"
        everything = " ".join(map(str, [*FOLDERS.values(), CACHE, CERTIFICATES, "run", "folder"]))
        assert set(sh(bench, f"stat -c %u:%g {everything}").split()) == {sh(bench, "echo $(id -u):$(id -g)").strip()}
        # A cache is of use and not needed: it starts empty, and is written here in vain.
        assert sh(bench, f"ls -A {CACHE}") == ""
        sh(bench, f"touch {CACHE}/made ../output/made ./made /asset-input/made /asset-output/made")
        if user is None:
            assert sh(bench, f"cat {ON_ENGINE}/there; echo made > {ON_ENGINE}/made") == "there"
    assert names(tmp_path / "cache") == {"kept"}
    assert names(tmp_path / "volume") == ({"there", "made"} if user is None else {"there"})
    assert "made" not in names(tmp_path / "scratch/input")
    assert names(tmp_path / "scratch/output") == set()


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("access", ["auto", "volume-copy"])
def test_pushed_is_seen_and_what_commands_did_is_pulled(
    engine: Engine, spec: ContainerSpec, tmp_path: Path, access: FileAccess
) -> None:
    with started(engine, spec, access) as reached:
        bench = workbench(reached, tmp_path / "scratch")
        (bench.input / "late").write_text("late")
        bench.push(bench.input / "late")
        deep = bench.tree / "deep"
        (deep / "a").mkdir(parents=True)
        for name in ("removed", "replaced", "stays"):
            (deep / name).write_text(name)
        bench.push(bench.tree)
        sh(
            bench,
            """
            cat late > /asset-output/deep/copied
            cd /asset-output/deep
            rm removed replaced
            mkdir -p replaced/empty b/c
            ln stays hard; ln -s b/c soft; ln -s nowhere broken
            echo '#!/bin/sh' > run; chmod 751 run; chmod 600 stays
            """,
        )
        bench.pull(bench.tree)
        bench.pull(bench.output / "never-made")
        bench.pull(bench.input / "late")
        assert names(bench.tree) == {
            "deep",
            *(f"deep/{name}" for name in ("a", "b", "b/c", "broken", "copied", "hard", "replaced", "replaced/empty")),
            *(f"deep/{name}" for name in ("run", "soft", "stays")),
        }
        assert (deep / "copied").read_text() == "late"
        assert (deep / "hard").read_text() == "stays"
        assert [(deep / name).readlink() for name in ("soft", "broken")] == [Path("b/c"), Path("nowhere")]
        assert [stat.S_IMODE((deep / name).stat().st_mode) for name in ("run", "stays")] == [0o751, 0o600]
        assert {path.lstat().st_uid for path in bench.tree.rglob("*")} == {os.getuid()}
        assert not (bench.output / "never-made").exists()
        sh(bench, "rm late")
        bench.pull(bench.input / "late")
        assert not (bench.input / "late").exists()


@pytest.mark.usefixtures("nothing_left")
def test_auto_copies_where_the_engine_mounts_something_else(
    elsewhere: Elsewhere, spec: ContainerSpec, tmp_path: Path
) -> None:
    with started(elsewhere, spec, "auto") as reached:  # type: ignore[arg-type]
        assert not reached.shared
        bench = workbench(reached, tmp_path / "scratch")
        assert sh(bench, "./run; ls -A ../output") == "ran\n"
        assert sh(bench, f"cat {CERTIFICATES} {ON_ENGINE}/there") == "certificates\nthere"
    assert [len(asked.mounts) for asked in elsewhere.asked] == [len(spec.mounts), 1]
    assert not any("probe" in name for name in names(tmp_path))


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("target", [CERTIFICATES, CACHE, FOLDERS["tree"]])
def test_one_file_or_folder_that_is_not_shared_is_enough_to_copy_them(
    elsewhere: Elsewhere, spec: ContainerSpec, target: PurePosixPath
) -> None:
    one = next(mount.source for mount in spec.mounts if mount.target == target)
    partly = dataclasses.replace(elsewhere, differs={one: elsewhere.differs[one]})
    with started(partly, spec, "auto") as reached:  # type: ignore[arg-type]
        assert not reached.shared


@pytest.mark.usefixtures("nothing_left")
def test_a_file_that_looks_the_same_is_the_same(elsewhere: Elsewhere, spec: ContainerSpec) -> None:
    one = next(mount.source for mount in spec.mounts if mount.target == CERTIFICATES)
    elsewhere.differs[one].write_text(one.read_text())
    partly = dataclasses.replace(elsewhere, differs={one: elsewhere.differs[one]})
    with started(partly, spec, "auto") as reached:  # type: ignore[arg-type]
        assert reached.shared


@pytest.mark.usefixtures("nothing_left")
def test_bind_mount_on_an_engine_that_sees_nothing_names_the_setting(
    elsewhere: Elsewhere, spec: ContainerSpec, tmp_path: Path
) -> None:
    with pytest.raises(EngineError) as caught, started(elsewhere, spec, "bind-mount"):  # type: ignore[arg-type]
        pytest.fail("started")
    assert f"does not see {tmp_path}/scratch/input" in caught.value.message
    assert "file-access" in str(caught.value.hint)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("access", ["auto", "bind-mount", "volume-copy"])
def test_a_source_that_is_missing_here_is_an_error_of_its_own(
    engine: Engine, spec: ContainerSpec, tmp_path: Path, access: FileAccess
) -> None:
    (tmp_path / "ca.pem").unlink()
    with pytest.raises(EngineError) as caught, started(engine, spec, access):
        pytest.fail("started")
    assert f"{tmp_path}/ca.pem" in caught.value.message
    assert "file-access" not in str(caught.value)


@pytest.mark.usefixtures("nothing_left")
def test_a_volume_that_the_engine_lacks_is_no_reason_to_copy(
    engine: Engine, spec: ContainerSpec, tmp_path: Path
) -> None:
    lacking = Mount(source=tmp_path / "lacking", target=PurePosixPath("/lacking"), on_engine=True)
    counted = Elsewhere(engine=engine, differs={})
    lacks = dataclasses.replace(spec, mounts=(*spec.mounts, lacking))
    # Docker and Podman's command refuse it; Podman's socket makes an empty folder.
    with contextlib.suppress(EngineError), started(counted, lacks, "auto"):  # type: ignore[arg-type]
        pass
    assert len(counted.asked) == 1


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("error", [EngineError("no"), KeyboardInterrupt(), SystemExit(1)], ids=repr)
def test_nothing_is_left_of_a_build_that_fails(
    engine: Engine, spec: ContainerSpec, tmp_path: Path, error: BaseException
) -> None:
    before = names(tmp_path)

    def build() -> None:
        with started(engine, spec, "volume-copy") as reached:
            sh(workbench(reached, tmp_path / "scratch"), "touch made")
            raise error

    with pytest.raises(type(error)):
        build()
    assert names(tmp_path) == before


@pytest.mark.usefixtures("nothing_left")
def test_nothing_is_left_of_a_copy_that_fails(engine: Engine, spec: ContainerSpec, tmp_path: Path) -> None:
    # A file where a folder has to be: every engine refuses that.
    below = Mount(source=tmp_path / "ca.pem", target=CERTIFICATES / "below", read_only=True)
    with (
        pytest.raises(EngineError, match=r"ca\.pem"),
        started(engine, dataclasses.replace(spec, mounts=(*spec.mounts, below)), "volume-copy"),
    ):
        pytest.fail("started")


_CHILD = """
    import os, resource, sys
    from pathlib import Path, PurePosixPath
    from lambda_backend.engines.access import started
    from lambda_backend.engines.choice import choose
    from lambda_backend.engines.protocol import ContainerSpec, Mount

    engine = choose(os.environ["LAMBDA_BACKEND_ENGINE"], environ=os.environ, note=print)
    folder = Path(sys.argv[2])
    mounts = (Mount(source=folder, target=PurePosixPath("/asset-input")),)
    with started(engine, ContainerSpec(image=sys.argv[1], platform="linux/amd64", mounts=mounts), "volume-copy") as it:
        {body}
"""


def child(body: str, *arguments: str | Path) -> Sequence[str]:
    text = textwrap.dedent(_CHILD).format(body=body)
    return [sys.executable, "-c", text, *map(str, arguments)]


def test_a_build_that_is_stopped_leaves_nothing(
    engine: Engine,
    build_image: str,
    engine_environ: Mapping[str, str],
    command: Callable[..., str],
    tmp_path: Path,
) -> None:
    del engine
    before = forgotten_volumes(command)
    temporary = tmp_path / "tmp"
    (tmp_path / "in").mkdir()
    temporary.mkdir()
    body = "print('started', flush=True); it.container.exec(['sleep', '60'])"
    with subprocess.Popen(
        child(body, build_image, tmp_path / "in"),
        env={**engine_environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as build:
        assert build.stdout is not None
        assert build.stdout.readline() == "started\n"
        assert containers_of(command, build.pid)
        build.send_signal(signal.SIGTERM)
        assert build.wait(30) == 143
    assert not containers_of(command, build.pid)
    assert forgotten_volumes(command) <= before
    assert not any(name.startswith("lambda-backend") for name in names(temporary))


def test_memory_does_not_grow_with_what_is_copied(
    engine: Engine, build_image: str, engine_environ: Mapping[str, str], tmp_path: Path
) -> None:
    del engine
    (tmp_path / "in").mkdir()
    with (tmp_path / "in" / "large").open("wb") as file:
        file.truncate(256 * 1024 * 1024)
    body = (
        "it.container.copy_out(PurePosixPath('/asset-input'), folder / 'out');"
        "print(os.path.getsize(folder / 'out/large'), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run(
        child(body, build_image, tmp_path / "in"),
        env={**engine_environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    size, kilobytes = map(int, done.stdout.split())
    assert size == 256 * 1024 * 1024
    assert kilobytes < 160 * 1024
