"""Exports by tools that only say what a test tells them, and real uv, which sees a folder of archives."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING

import pytest
from packaging.utils import canonicalize_name

from lambda_backend.errors import InstallError, LockError, StaleLockError
from lambda_backend.install.exports import Exports
from lambda_backend.install.workbench import HostWorkbench
from lambda_backend.requirements.exporters import Export, Exporter
from lambda_backend.requirements.tool_lock import LockedPackage, Source, ToolLock
from tests.helpers.wheels import make_wheel
from tests.unit.install.conftest import HERE, make_folder, make_sdist

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lambda_backend.errors import LambdaBackendError
    from lambda_backend.install.wanted import Wanted
    from lambda_backend.requirements.model import Pin
    from lambda_backend.targets import Target
    from tests.unit.install.conftest import MakeWanted

OTHER = "py2-none-any"


class Bench(HostWorkbench):
    """Real uv, but for the tools that it would run."""

    said: str = ""
    failures: Mapping[str, str]
    calls: list[tuple[list[str], Path, dict[str, str]]]

    def uv(self, arguments: Sequence[str], *, cwd: Path, what: str, variables: Mapping[str, str] | None = None) -> str:
        self.calls.append((list(arguments), cwd, dict(variables or {})))
        if arguments[0] != "tool":
            return super().uv(arguments, cwd=cwd, what=what, variables=variables)
        for word, failure in self.failures.items():
            if word in arguments:
                raise InstallError(f"{what} failed (exit code 1):\n    {failure}")
        return self.said.replace("{input}", self.inside(self.input))

    def tools(self) -> list[list[str]]:
        return [arguments for arguments, _, _ in self.calls if arguments[0] == "tool"]


@pytest.fixture
def bench(tmp_path: Path, environ: dict[str, str]) -> Bench:
    scratch = tmp_path / "bench"
    scratch.mkdir()
    made = Bench(scratch, environ=environ, on_line=lambda _: None)
    made.calls, made.failures = [], {}
    return made


def package(name: str, version: str | None = None, **more: object) -> LockedPackage:
    return LockedPackage(name=canonicalize_name(name), version=version, **more)  # type: ignore[arg-type]


def asked(
    make_wanted: MakeWanted,
    tool: str,
    *packages: LockedPackage,
    hashes: bool = True,
    version: str = "2.5",
    **more: object,
) -> tuple[Wanted, Export]:
    wanted = make_wanted()
    values = {"python": None, "sources": (), **more}
    lock = ToolLock(tool=tool, version="1", packages=packages, extras=(), groups=(), deciding="", **values)  # type: ignore[arg-type]
    exporter = Exporter(tool=tool, version=version, hashes=hashes)  # type: ignore[arg-type]
    path = wanted.root / ("poetry.lock" if tool == "poetry" else "Pipfile.lock")
    return wanted, Export(lock=lock, path=path, exporter=exporter, extras=(), groups=())


def sha(path: Path) -> str:
    return f"--hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def names(pins: Sequence[Pin]) -> list[tuple[str, str | None, str]]:
    return [(pin.name, pin.version, pin.kind) for pin in pins]


def test_folders_and_archives(bench: Bench, make_wanted: MakeWanted, links: Path, target: Target) -> None:
    good = make_wheel(links, "idna", requires=["never"])
    wanted, export = asked(make_wanted, "poetry", package("local", path="libs/a b"))
    for root in (wanted.root, bench.input):
        make_folder(root / "libs/a b", "local")
        make_wheel(root / "libs", "archive")
    here = wanted.root / "libs/archive-1.0-py3-none-any.whl"
    bench.said = (
        "-e file://{input}/libs/a%20b ; python_version >= '3'\n"
        f"idna==1.0 ; python_version >= '3' {sha(good)}\n"
        f"archive @ file://{{input}}/libs/{here.name} {sha(here)}\n"
        "gone==1.0 ; python_version < '3'\n"
    )
    exports = Exports(lambda: bench, {})
    pins = exports.pins(wanted, export, target)
    assert names(pins) == [("archive", "1.0", "wheel"), ("idna", "1.0", "wheel"), ("local", None, "directory")]
    assert [pin.path for pin in pins] == [f"libs/{here.name}", None, "libs/a b"]
    # One run for pins and indexes alike.
    assert exports.indexes(wanted, export) == ()
    assert len(bench.tools()) == 1
    compiling = [arguments for arguments, _, _ in bench.calls if "compile" in arguments]
    assert ["--no-deps" in arguments for arguments in compiling] == [True]


def test_folders_alone_take_no_resolver(bench: Bench, make_wanted: MakeWanted, target: Target) -> None:
    wanted, export = asked(make_wanted, "poetry", package("local", path="libs/local"))
    make_folder(wanted.root / "libs/local", "local")
    wanted = dataclasses.replace(wanted, project="The_Shop")
    bench.said = "local @ file://{input}/libs/local\nthe-shop @ file://{input}/libs/local\n"
    assert names(Exports(lambda: bench, {}).pins(wanted, export, target)) == [("local", None, "directory")]
    assert [arguments[0] for arguments, _, _ in bench.calls] == ["tool"]


def test_a_workbench_behind_a_symlink(
    tmp_path: Path, environ: dict[str, str], make_wanted: MakeWanted, target: Target
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    bench = Bench(tmp_path / "link", environ=environ, on_line=lambda _: None)
    bench.calls, bench.failures = [], {}
    wanted, export = asked(make_wanted, "poetry", package("local", path="libs/local"))
    make_folder(wanted.root / "libs/local", "local")
    bench.said = f"local @ file://{tmp_path}/real/input/libs/local\n"
    assert names(Exports(lambda: bench, {}).pins(wanted, export, target)) == [("local", None, "directory")]


def test_a_wheel_that_came_after_the_lock(
    bench: Bench, make_wanted: MakeWanted, links: Path, tmp_path: Path, target: Target
) -> None:
    """The tool takes what is locked, which is the source distribution alone."""
    sdist = make_sdist(links, tmp_path, "idna")
    make_wheel(links, "idna", tag=f"{HERE.replace('python3.', 'cp3')}-none-any")
    wanted, export = asked(make_wanted, "poetry")
    bench.said = f"idna==1.0 {sha(sdist)}\n"
    assert names(Exports(lambda: bench, {}).pins(wanted, export, target)) == [("idna", "1.0", "sdist")]
    wanted, export = asked(make_wanted, "poetry", hashes=False)
    bench.said = "idna==1.0\n"
    assert names(Exports(lambda: bench, {}).pins(wanted, export, target)) == [("idna", "1.0", "wheel")]


def test_another_archive_than_the_locked_one(
    bench: Bench, make_wanted: MakeWanted, links: Path, target: Target
) -> None:
    make_wheel(links, "idna")
    wanted, export = asked(make_wanted, "pipenv")
    bench.said = f"idna==1.0 --hash=sha256:{'a' * 64}\n"
    with pytest.raises(LockError, match=r"hash mismatch: Pipfile\.lock has no archive .* idna"):
        Exports(lambda: bench, {}).pins(wanted, export, target)


def test_where_the_tool_runs_and_what_it_is_told(bench: Bench, make_wanted: MakeWanted, target: Target) -> None:
    environ = {"POETRY_HTTP_BASIC_CORP_PASSWORD": "hush", "OTHER": "x", "PASS": "word"}
    wanted, export = asked(make_wanted, "poetry")
    Exports(lambda: bench, environ).pins(wanted, export, target)
    (arguments, cwd, variables) = bench.calls.pop()
    assert (cwd, variables) == (bench.input, {"POETRY_HTTP_BASIC_CORP_PASSWORD": "hush"})
    assert arguments[arguments.index("--python") + 1] == bench.interpreter
    wanted, export = asked(make_wanted, "pipenv")
    environ |= {"HOME": "/home"}
    source = Source(name="s", template="https://$PASS@x.example", verified=True)
    lock = ToolLock(
        tool="pipenv", version="1", packages=(), extras=(), groups=(), sources=(source,), deciding="run = '$HOME/run'"
    )
    export = Export(lock=lock, path=export.path, exporter=export.exporter, extras=(), groups=())
    Exports(lambda: bench, environ).pins(wanted, export, target)
    assert [words[-1] for words in bench.tools()] == ["verify", "--hash"]
    assert bench.calls[-1][2] == {
        "POETRY_HTTP_BASIC_CORP_PASSWORD": "hush",
        "PASS": "word",
        "PIPENV_PIPFILE": str(bench.input / "Pipfile"),
    }


STALE = "pyproject.toml changed significantly since …"


@pytest.mark.parametrize(
    ("tool", "failing", "said", "error"),
    [
        ("poetry 2.5", "export", STALE, StaleLockError("poetry.lock is not that of its project", hint="poetry lock")),
        ("poetry 1.8", "check", STALE, StaleLockError("poetry.lock is not that of its project", hint="poetry lock")),
        ("pipenv 26", "verify", "… is out-of-date.", StaleLockError("is not that of its project", hint="pipenv lock")),
        ("poetry 2.5", "export", "Expected '='", LockError("cannot be exported by poetry 2.5", hint="poetry lock")),
        ("pipenv 26", "requirements", "boom", LockError("cannot be exported by pipenv 26", hint="tools.pipenv")),
        ("poetry 9", "export", "error: No solution", InstallError("poetry 9, which", hint="tools.poetry")),
        ("poetry 1.8", "check", "error: Failed to fetch", InstallError("cannot be had", hint="network")),
    ],
)
def test_a_tool_that_fails(
    bench: Bench,
    make_wanted: MakeWanted,
    target: Target,
    *,
    tool: str,
    failing: str,
    said: str,
    error: LambdaBackendError,
) -> None:
    name, version = tool.split()
    wanted, export = asked(make_wanted, name, version=version)
    bench.failures = {failing: said}
    with pytest.raises(type(error), match=error.message) as raised:
        Exports(lambda: bench, {}).pins(wanted, export, target)
    assert type(raised.value) is type(error)
    assert said in raised.value.message
    assert str(error.hint) in str(raised.value.hint)


def test_what_poetry_1_minds_beside_the_lock(bench: Bench, make_wanted: MakeWanted, target: Target) -> None:
    wanted, export = asked(make_wanted, "poetry", version="1.8")
    bench.failures = {"check": "Error: Declared README file does not exist: README.md"}
    assert Exports(lambda: bench, {}).pins(wanted, export, target) == ()


def test_a_lock_for_other_pythons(bench: Bench, make_wanted: MakeWanted, target: Target) -> None:
    wanted, export = asked(make_wanted, "poetry", python=">=3.6,<3.8")
    bench.said = 'idna==1.0 ; python_version >= "3.6" and python_version < "3.8"\n'
    with pytest.raises(LockError, match=r"poetry\.lock is for Python >=3\.6,<3\.8, and python3\..* has not that"):
        Exports(lambda: bench, {}).pins(wanted, export, target)
    wanted, export = asked(make_wanted, "poetry", python=">=3.6")
    assert Exports(lambda: bench, {}).pins(wanted, export, target) == ()


def test_an_index_that_refuses_or_lacks_a_package(bench: Bench, make_wanted: MakeWanted, target: Target) -> None:
    wanted, export = asked(make_wanted, "poetry", package("idna", "1.0", index="https://x.example/simple"))
    bench.said = "--index-url https://u:hush@x.example/simple\nidna==1.0\n"
    failure = "error: No solution found\n      cause: Because idna was not found in the package registry and …"

    def failing(arguments: Sequence[str], **more: object) -> str:
        if arguments[0] == "tool":
            return bench.said
        assert more["variables"] == {
            "UV_INDEX_LAMBDA_BACKEND_0_USERNAME": "u",
            "UV_INDEX_LAMBDA_BACKEND_0_PASSWORD": "hush",
        }
        assert not any("hush" in word for word in arguments)
        raise InstallError(failure, hint="loosen it")

    bench.uv = failing  # type: ignore[assignment, method-assign]
    with pytest.raises(InstallError, match="idna was not found") as error:
        Exports(lambda: bench, {}).pins(wanted, export, target)
    assert "https://x.example/simple" in str(error.value.hint)
    assert "POETRY_HTTP_BASIC_" in str(error.value.hint)
    written = [path.read_text() for path in bench.output.rglob("pyproject.toml")]
    assert len(written) == 2
    assert not any("hush" in text for text in written)


def test_indexes_are_asked_of_the_tool_where_there_are_any(bench: Bench, make_wanted: MakeWanted) -> None:
    wanted, export = asked(make_wanted, "poetry", package("idna", "1.0"))
    assert Exports(lambda: bench, {}).indexes(wanted, export) == ()
    assert bench.calls == []
    wanted, export = asked(
        make_wanted, "pipenv", sources=(Source(name="s", template="https://$U@x.example", verified=False),)
    )
    (index,) = Exports(lambda: bench, {"U": "me"}).indexes(wanted, export)
    assert (index.url_with_user, index.verified) == ("https://me:@x.example", False)
