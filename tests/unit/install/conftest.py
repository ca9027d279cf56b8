"""A workbench that only remembers, a real one with an index in a folder, and what to install with them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

import pytest

from lambda_backend.cache import Cache
from lambda_backend.install.builder import Builder
from lambda_backend.install.installer import Installer
from lambda_backend.install.wanted import Wanted
from lambda_backend.install.workbench import HostWorkbench, Workbench
from lambda_backend.report.words import Words
from lambda_backend.requirements.find import find_lock
from lambda_backend.requirements.model import Pin
from lambda_backend.requirements.requirements_txt import parse
from lambda_backend.targets import target as target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.targets import Target

HERE = f"python3.{sys.version_info[1]}"
SETUP = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "{name}"
version = "1.0"
"""
# A PEP 517 backend of a few lines: building takes no index.
BACKEND = """\
import pathlib, zipfile
NAME, TAG, PURE = {name!r}, {tag!r}, {pure!r}
INFO = NAME + "-1.0.dist-info"

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = f"{{NAME}}-1.0-{{TAG}}.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / name, "w") as archive:
        archive.writestr(f"{{NAME}}.py", "answer = 42\\n")
        archive.writestr(f"{{INFO}}/METADATA", f"Metadata-Version: 2.1\\nName: {{NAME}}\\nVersion: 1.0\\n")
        archive.writestr(f"{{INFO}}/WHEEL", f"Wheel-Version: 1.0\\nRoot-Is-Purelib: {{PURE}}\\nTag: {{TAG}}\\n")
        names = [f"{{NAME}}.py", *(f"{{INFO}}/{{name}}" for name in ("METADATA", "WHEEL", "RECORD"))]
        archive.writestr(f"{{INFO}}/RECORD", "".join(f"{{name}},,\\n" for name in names))
    return name
"""


@dataclass(frozen=True, kw_only=True)
class Call:
    argv: list[str]
    cwd: Path
    what: str
    variables: dict[str, str]


DEFAULT_INDEX = "https://index.example/simple"


class Answer(Protocol):
    def __call__(self, workbench: FakeWorkbench, call: Call) -> str: ...


def silent(workbench: FakeWorkbench, call: Call) -> str:
    del workbench, call
    return ""


@dataclass
class FakeWorkbench:
    """Remembers what it was told, and answers what a test says."""

    scratch: Path
    native: bool = True
    links: bool = False
    has_target_python: bool = True
    interpreter: str = sys.executable
    builder: Builder = field(default_factory=lambda: Builder(engine="fake", image="image", digest="sha256:00"))
    answer: Answer = silent
    calls: list[Call] = field(default_factory=list)

    shell: tuple[str, ...] = ("sh", "-c")
    pushed: list[Path] = field(default_factory=list)
    pulled: list[Path] = field(default_factory=list)
    left: int = 0

    def __post_init__(self) -> None:
        for folder in (self.input, self.output, self.source, self.tree):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def input(self) -> Path:
        return self.scratch / "input"

    @property
    def output(self) -> Path:
        return self.scratch / "output"

    @property
    def trees(self) -> Path:
        return self.output

    @property
    def source(self) -> Path:
        return self.scratch / "source"

    @property
    def tree(self) -> Path:
        return self.scratch / "tree"

    def leave(self) -> None:
        self.left += 1

    def push(self, path: Path) -> None:
        self.pushed.append(path)

    def pull(self, path: Path) -> None:
        self.pulled.append(path)

    def inside(self, path: Path) -> str:
        return str(PurePosixPath("/inside") / path.relative_to(self.scratch).as_posix())

    def outside(self, name: str) -> Path:
        """The path of a name that ``inside`` gave."""
        return self.scratch / PurePosixPath(name).relative_to("/inside")

    def uv(self, arguments: Sequence[str], *, cwd: Path, what: str, variables: Mapping[str, str] | None = None) -> str:
        return self.run(["uv", *arguments], cwd=cwd, what=what, variables=variables)

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        what: str,
        variables: Mapping[str, str] | None = None,
        wrapped: bool = True,
    ) -> str:
        if "--emit-index-url" in argv:  # asked on the side, and no step that a test is about
            return f"--index-url {DEFAULT_INDEX}\n"
        del wrapped
        self.calls.append(Call(argv=list(argv), cwd=cwd, what=what, variables=dict(variables or {})))
        return self.answer(self, self.calls[-1])


@pytest.fixture
def target() -> Target:
    """With the Python of the tests, which uv needs to build anything."""
    return target_of(HERE, "x86_64")


@pytest.fixture
def fake(tmp_path: Path) -> FakeWorkbench:
    return FakeWorkbench(tmp_path / "fake")


@pytest.fixture
def spoken() -> io.StringIO:
    """What the person was told."""
    return io.StringIO()


@pytest.fixture
def links(tmp_path: Path) -> Path:
    """A folder of archives, which is all that uv sees of the world."""
    folder = tmp_path / "links"
    folder.mkdir()
    return folder


@pytest.fixture
def environ(tmp_path: Path, links: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "UV_FIND_LINKS": str(links),
        "UV_NO_CONFIG": "1",
        "UV_NO_INDEX": "1",
        "UV_OFFLINE": "1",
        "UV_PYTHON": sys.executable,
    }


@pytest.fixture
def host(tmp_path: Path, environ: dict[str, str]) -> HostWorkbench:
    """Real uv."""
    scratch = tmp_path / "host"
    scratch.mkdir()
    return HostWorkbench(scratch, environ=environ, on_line=lambda _: None)


def make_folder(folder: Path, name: str, *, tag: str = "py3-none-any") -> Path:
    """A folder of sources that builds to a wheel without any build requirement."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(SETUP.format(name=name))
    (folder / "backend.py").write_text(BACKEND.format(name=name, tag=tag, pure=tag.endswith("-none-any")))
    return folder


def make_sdist(links: Path, scratch: Path, name: str, *, tag: str = "py3-none-any") -> Path:
    """A source distribution of such a folder."""
    source = make_folder(scratch / f"{name}-1.0", name, tag=tag)
    (source / "PKG-INFO").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    path = links / f"{name}-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(source, f"{name}-1.0")
    return path


def pin_of(archive: Path, root: Path | None = None) -> Pin:
    """The pin of an archive, by its path relative to a root or else by its file URL."""
    name, version = archive.name.removesuffix(".tar.gz").split("-")[:2]
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    return Pin(
        name=name,  # type: ignore[arg-type]
        version=version,
        kind="wheel" if archive.suffix == ".whl" else "sdist",
        url=None if root else archive.as_uri(),
        path=archive.relative_to(root).as_posix() if root else None,
        sha256=digest,
        hashes=(("sha256", digest),),
    )


class MakeWanted(Protocol):
    def __call__(
        self,
        *declared: str,
        files: Mapping[str, str] | None = None,
        constraints: tuple[str, ...] = (),
        extras: tuple[str, ...] = (),
        groups: tuple[str, ...] = (),
    ) -> Wanted: ...


@pytest.fixture
def make_wanted(tmp_path: Path) -> MakeWanted:
    """What an artefact asks for, with a lock where one of the files is one."""
    root = tmp_path / "project"
    root.mkdir()

    def make(
        *declared: str,
        files: Mapping[str, str] | None = None,
        constraints: tuple[str, ...] = (),
        extras: tuple[str, ...] = (),
        groups: tuple[str, ...] = (),
    ) -> Wanted:
        for name, text in (files or {}).items():
            (root / name).write_text(text)
        lock = find_lock(root, None, key="tool.lambda.lock")
        return Wanted(
            key="tool.lambda",
            project="shop",
            base=root,
            root=root,
            folder=root,
            lock=lock,
            requirements=parse(lock.path, root) if lock and lock.kind == "requirements" else None,
            declared=declared,
            extras=extras,
            groups=groups,
            constraints=constraints,
        )

    return make


class MakeInstaller(Protocol):
    def __call__(
        self, workbench: Workbench, *, place: Mapping[str, object] | None = None, index: Mapping[str, str] | None = None
    ) -> Installer: ...


@dataclass
class Opened:
    """How often a workbench was opened and closed."""

    opened: int = 0
    closed: int = 0


@pytest.fixture
def opened() -> Opened:
    return Opened()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def make_installer(target: Target, cache: Cache, spoken: io.StringIO, opened: Opened) -> MakeInstaller:
    """An installer with the test's cache; each stands for a build of its own."""

    def make(
        workbench: Workbench, *, place: Mapping[str, object] | None = None, index: Mapping[str, str] | None = None
    ) -> Installer:
        return Installer(
            target,
            cache=cache,
            place=place or {"engine": "fake"},
            index=index or {},
            environ={},
            host={},
            open_workbench=_opener(workbench, opened),
            words=Words(spoken),
        )

    return make


def _opener(workbench: Workbench, opened: Opened) -> Callable[[], contextlib.AbstractContextManager[Workbench]]:
    @contextlib.contextmanager
    def open_workbench() -> Iterator[Workbench]:
        opened.opened += 1
        yield workbench
        opened.closed += 1

    return open_workbench
