"""Credentials of indexes that only a tool's export or the environment holds: asked for when something is installed."""

from __future__ import annotations

import dataclasses
import io
import shutil
import time
from typing import TYPE_CHECKING

import pytest
from packaging.utils import canonicalize_name

from lambda_backend.bundle.excludes import Excludes
from lambda_backend.install.installer import Installer
from lambda_backend.report.words import Words
from lambda_backend.requirements.exporters import Export, Exporter
from lambda_backend.requirements.tool_lock import LockedPackage, Source, ToolLock
from tests.unit.install.conftest import FakeWorkbench, Opened, _opener

if TYPE_CHECKING:
    from lambda_backend.cache import Cache
    from lambda_backend.install.wanted import Wanted
    from lambda_backend.targets import Target
    from tests.unit.install.conftest import Call, MakeWanted

IDNA = (
    'lock-version = "1.0"\ncreated-by = "test"\n[[packages]]\nname = "idna"\nversion = "1"\n'
    f'wheels = [{{ url = "https://x.example/idna-1-py3-none-any.whl", hashes = {{ sha256 = "{"a" * 64}" }} }}]\n'
)
TEXT = f"--index-url https://u:hush@x.example/simple\nidna==1 --hash=sha256:{'a' * 64}\n"


def answer(workbench: FakeWorkbench, call: Call) -> str:
    if "tool" in call.argv:
        return TEXT
    if "compile" in call.argv:
        return IDNA
    tree = workbench.outside(call.argv[call.argv.index("--target") + 1])
    tree.mkdir()
    (tree / "idna.py").write_text("")
    return ""


@pytest.fixture
def bench(fake: FakeWorkbench) -> FakeWorkbench:
    fake.answer = answer
    return fake


def poetry(wanted: Wanted, *, indexed: bool = True, **more: object) -> Wanted:
    index = "https://x.example/simple" if indexed else None
    lock = ToolLock(
        tool="poetry",
        version="2.5",
        packages=(LockedPackage(name=canonicalize_name("idna"), version="1", index=index),),
        extras=(),
        groups=(),
        deciding="",
    )
    exporter = Exporter(tool="poetry", version="2.5", **more)  # type: ignore[arg-type]
    export = Export(lock=lock, path=wanted.root / "poetry.lock", exporter=exporter, extras=(), groups=())
    return dataclasses.replace(wanted, export=export)


def build(
    wanted: Wanted, target: Target, cache: Cache, bench: FakeWorkbench, environ: dict[str, str] | None = None
) -> list[str]:
    """What is run for it, in a build of its own, by its most telling word."""
    bench.calls.clear()
    said = io.StringIO()
    opener = _opener(bench, Opened())
    with Installer(
        target,
        cache=cache,
        place={},
        index={},
        environ=environ or {},
        host={},
        open_workbench=opener,
        words=Words(said),
    ) as made:
        pins = made.pins(wanted)
        made.dependencies(pins, prefix="", excludes=Excludes())
    assert "hush" not in said.getvalue()
    return [next(word for word in call.argv if word in {"export", "verify", "requirements", "compile", "install"})
            for call in bench.calls]  # fmt: skip


def drop(cache: Cache, kind: str) -> None:
    for folder in cache.root.rglob(kind):
        shutil.rmtree(folder)


def test_an_export_is_run_again_for_its_credentials_alone(
    make_wanted: MakeWanted, target: Target, cache: Cache, bench: FakeWorkbench
) -> None:
    wanted = poetry(make_wanted(files={"poetry.lock": ""}))
    assert build(wanted, target, cache, bench) == ["export", "compile", "install"]
    assert bench.calls[-1].variables == {"UV_INDEX": "https://u:hush@x.example/simple"}
    assert build(wanted, target, cache, bench) == []
    drop(cache, "deps")
    assert build(wanted, target, cache, bench) == ["export", "install"]
    assert bench.calls[-1].variables == {"UV_INDEX": "https://u:hush@x.example/simple"}
    assert not any(b"hush" in path.read_bytes() for path in cache.root.rglob("*") if path.is_file())


def test_without_an_index_of_its_own_no_export_is_needed(
    make_wanted: MakeWanted, target: Target, cache: Cache, bench: FakeWorkbench
) -> None:
    wanted = poetry(make_wanted(files={"poetry.lock": ""}), indexed=False)
    build(wanted, target, cache, bench)
    drop(cache, "deps")
    assert build(wanted, target, cache, bench) == ["install"]


def test_pins_with_hashes_last(
    make_wanted: MakeWanted, target: Target, cache: Cache, bench: FakeWorkbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = poetry(make_wanted(files={"poetry.lock": ""}))
    loose = poetry(make_wanted(), hashes=False)
    assert build(hashed, target, cache, bench) == ["export", "compile", "install"]
    assert build(loose, target, cache, bench) == ["export", "compile"]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 100 * 24 * 60 * 60)
    assert build(hashed, target, cache, bench) == []
    assert build(loose, target, cache, bench) == ["export", "compile"]


@pytest.mark.parametrize("change", ["version", "urls", "deciding", "groups", "lock"])
def test_what_decides_an_export(
    make_wanted: MakeWanted, target: Target, cache: Cache, bench: FakeWorkbench, *, change: str
) -> None:
    first = poetry(make_wanted(files={"poetry.lock": ""}))
    build(first, target, cache, bench)
    assert build(first, target, cache, bench) == []
    assert first.export is not None
    other = first.export
    if change == "version":
        other = dataclasses.replace(other, exporter=dataclasses.replace(other.exporter, version="2.4"))
    elif change == "urls":
        other = dataclasses.replace(other, exporter=dataclasses.replace(other.exporter, urls=False))
    elif change == "deciding":
        other = dataclasses.replace(other, lock=dataclasses.replace(other.lock, deciding="x"))
    elif change == "lock":
        make_wanted(files={"poetry.lock": "# new"})
    second = dataclasses.replace(first, export=other, groups=("g",) if change == "groups" else ())
    assert build(second, target, cache, bench)[0] == "export"


def test_credentials_decide_nothing(
    make_wanted: MakeWanted, target: Target, cache: Cache, bench: FakeWorkbench
) -> None:
    first = poetry(make_wanted(files={"poetry.lock": 'url = "https://u:one@x.example"'}))
    build(first, target, cache, bench)
    second = poetry(make_wanted(files={"poetry.lock": 'url = "https://u:two@x.example"'}))
    assert build(second, target, cache, bench) == []


def test_sources_of_a_pipfile(make_wanted: MakeWanted, target: Target, cache: Cache, bench: FakeWorkbench) -> None:
    wanted = poetry(make_wanted(files={"Pipfile": "", "Pipfile.lock": ""}))
    assert wanted.export is not None
    source = Source(name="s", template="https://$USER_NAME:${PASS}@x.example/simple", verified=False)
    lock = dataclasses.replace(wanted.export.lock, tool="pipenv", sources=(source,), packages=(), python="3.1")
    exporter = Exporter(tool="pipenv", version="1")
    wanted = dataclasses.replace(wanted, export=dataclasses.replace(wanted.export, lock=lock, exporter=exporter))
    environ = {"USER_NAME": "me", "PASS": "hu/sh", "UV_INSECURE_HOST": "other"}
    assert build(wanted, target, cache, bench, environ) == ["verify", "requirements", "compile", "install"]
    assert bench.calls[-1].variables == {
        "UV_INDEX": "https://me:hu%2Fsh@x.example/simple",
        "UV_INSECURE_HOST": "other x.example",
    }
    assert "--allow-insecure-host" in bench.calls[-2].argv
