from __future__ import annotations

import json
import time
import zipfile
from typing import TYPE_CHECKING

import pytest

from lambda_backend.bundle.excludes import Excludes
from lambda_backend.bundle.model import Collision
from lambda_backend.errors import InstallError
from lambda_backend.install.builder import Builder
from tests.helpers.wheels import make_wheel
from tests.unit.install.conftest import FakeWorkbench, make_folder, pin_of

if TYPE_CHECKING:
    import io
    from pathlib import Path

    from lambda_backend.cache import Cache
    from lambda_backend.install.installer import BuiltWheel
    from lambda_backend.install.kept import Dependencies
    from lambda_backend.install.workbench import HostWorkbench, Workbench
    from lambda_backend.requirements.model import Pin
    from tests.unit.install.conftest import Call, MakeInstaller, MakeWanted, Opened

HEAD = 'lock-version = "1.0"\ncreated-by = "test"\n'
DAY = 24 * 60 * 60
DAMAGE = ("truncated", "gone", "no index", "no builder", "odd builder")


def pylock(version: str) -> str:
    url = f"https://x.example/idna-{version}-py3-none-any.whl"
    hashes = f'{{ sha256 = "{"a" * 64}" }}'
    wheels = f'[{{ url = "{url}", hashes = {hashes} }}]'
    return f'{HEAD}[[packages]]\nname = "idna"\nversion = "{version}"\nwheels = {wheels}\n'


class Index:
    """Answers with the newest version, and a newer one each time."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, workbench: FakeWorkbench, call: Call) -> str:
        del workbench, call
        self.asked += 1
        return pylock(f"{self.asked}.0")


@pytest.fixture
def index(fake: FakeWorkbench) -> Index:
    found = Index()
    fake.answer = found
    return found


def versions(pins: tuple[Pin, ...]) -> list[str | None]:
    return [pin.version for pin in pins]


def installed(make_installer: MakeInstaller, workbench: Workbench, pins: list[Pin], prefix: str = "") -> Dependencies:
    with make_installer(workbench) as installer:
        return installer.dependencies(pins, prefix=prefix, excludes=Excludes())


def test_an_unlocked_set_is_used_for_a_day(
    make_installer: MakeInstaller,
    make_wanted: MakeWanted,
    fake: FakeWorkbench,
    index: Index,
    *,
    opened: Opened,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(2):
        with make_installer(fake) as installer:
            assert versions(installer.pins(make_wanted("idna"))) == ["1.0"]
    assert (index.asked, opened.opened, opened.closed) == (1, 1, 1)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + DAY - 60)
    assert versions(make_installer(fake).pins(make_wanted("idna"))) == ["1.0"]
    monkeypatch.setattr(time, "time", lambda: now + DAY + 60)
    assert versions(make_installer(fake).pins(make_wanted("idna"))) == ["2.0"]
    assert versions(make_installer(fake).pins(make_wanted("idna"))) == ["2.0"]


def test_what_decides_a_resolution(
    make_installer: MakeInstaller, make_wanted: MakeWanted, fake: FakeWorkbench, index: Index
) -> None:
    assert versions(make_installer(fake).pins(make_wanted("idna"))) == ["1.0"]
    assert versions(make_installer(fake).pins(make_wanted("idna>=1"))) == ["2.0"]
    assert versions(make_installer(fake).pins(make_wanted("idna", constraints=("a==1",)))) == ["3.0"]
    other = {"UV_DEFAULT_INDEX": "https://x.example"}
    assert versions(make_installer(fake, index=other).pins(make_wanted("idna"))) == ["4.0"]
    assert versions(make_installer(fake, place={"engine": "other"}).pins(make_wanted("idna"))) == ["5.0"]
    assert versions(make_installer(fake).pins(make_wanted("idna"))) == ["1.0"]
    assert index.asked == 5


def test_a_lock_is_read_once_and_for_all(
    make_installer: MakeInstaller,
    make_wanted: MakeWanted,
    fake: FakeWorkbench,
    index: Index,
    *,
    spoken: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = make_wanted("idna", files={"uv.lock": "one"})
    assert versions(make_installer(fake).pins(wanted)) == ["1.0"]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 100 * DAY)
    assert versions(make_installer(fake).pins(wanted)) == ["1.0"]
    assert versions(make_installer(fake).pins(make_wanted("idna", files={"uv.lock": "two"}))) == ["2.0"]
    assert index.asked == 2
    assert spoken.getvalue().count("lambda-backend: resolving uv.lock for ") == 2


def test_a_requirements_file_with_hashes_lasts_and_another_does_not(
    make_installer: MakeInstaller,
    make_wanted: MakeWanted,
    fake: FakeWorkbench,
    index: Index,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = time.time()
    hashed = make_wanted(files={"requirements.txt": f"idna --hash=sha256:{'a' * 64}\n"})
    assert versions(make_installer(fake).pins(hashed)) == ["1.0"]
    loose = make_wanted(files={"requirements.txt": "idna\n"})
    assert versions(make_installer(fake).pins(loose)) == ["2.0"]
    monkeypatch.setattr(time, "time", lambda: now + 2 * DAY)
    assert versions(make_installer(fake).pins(hashed)) == ["1.0"]
    assert versions(make_installer(fake).pins(loose)) == ["3.0"]
    assert index.asked == 3


def test_what_needs_no_workbench_opens_none(
    make_installer: MakeInstaller, make_wanted: MakeWanted, fake: FakeWorkbench, opened: Opened
) -> None:
    with make_installer(fake) as installer:
        assert installer.pins(make_wanted()) == ()
        assert versions(installer.pins(make_wanted("idna", files={"pylock.toml": pylock("7")}))) == ["7"]
    assert opened.opened == 0


@pytest.mark.parametrize("content", [b"", b"[]", b"1", b'{"made": "x"}', b'{"made": 1e99}', b"\xff", None])
def test_damaged_pins_are_made_anew(
    make_installer: MakeInstaller,
    make_wanted: MakeWanted,
    fake: FakeWorkbench,
    index: Index,
    *,
    cache: Cache,
    content: bytes | None,
) -> None:
    make_installer(fake).pins(make_wanted("idna"))
    (path,) = cache.root.rglob("pins.json")
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert versions(make_installer(fake).pins(make_wanted("idna"))) == ["2.0"]
    assert versions(make_installer(fake).pins(make_wanted("idna"))) == ["2.0"]
    assert index.asked == 2


def test_dependencies_are_installed_once(
    make_installer: MakeInstaller, host: HostWorkbench, links: Path, spoken: io.StringIO
) -> None:
    pins = [pin_of(make_wheel(links, "one"))]
    first = installed(make_installer, host, pins)
    again = installed(make_installer, host, pins)
    assert (first.from_cache, again.from_cache) == (False, True)
    assert (first.archive, first.builder) == (again.archive, again.builder)
    assert first.builder == Builder(engine="host")
    with zipfile.ZipFile(first.archive.path) as archive:
        assert "one.py" in archive.namelist()
    assert spoken.getvalue().count("installing 1 distribution") == 1
    assert list(host.output.iterdir()) == []
    below = installed(make_installer, host, pins, prefix="python")
    assert not below.from_cache
    assert {member.path.partition("/")[0] for member in below.archive.members} == {"python"}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_dependencies_are_made_anew(
    make_installer: MakeInstaller, host: HostWorkbench, links: Path, damage: str
) -> None:
    pins = [pin_of(make_wheel(links, "one"))]
    first = installed(make_installer, host, pins)
    content = first.archive.path.read_bytes()
    folder = first.archive.path.parent
    if damage == "truncated":
        first.archive.path.write_bytes(content[:-10])
    elif damage == "gone":
        first.archive.path.unlink()
    elif damage == "no index":
        (folder / "index.json").unlink()
    elif damage == "no builder":
        (folder / "builder.json").unlink()
    else:
        (folder / "builder.json").write_text(json.dumps({"what": "else"}))
    again = installed(make_installer, host, pins)
    assert not again.from_cache
    assert again.archive.path.read_bytes() == content
    assert installed(make_installer, host, pins).from_cache


def test_two_sets_at_one_workbench(make_installer: MakeInstaller, host: HostWorkbench, links: Path) -> None:
    with make_installer(host) as installer:
        for name in ("one", "two"):
            found = installer.dependencies([pin_of(make_wheel(links, name))], prefix="", excludes=Excludes())
            assert any(member.path == f"{name}.py" for member in found.archive.members)


@pytest.mark.parametrize("last", [False, True])
def test_a_workbench_that_is_left_is_opened_once_more(
    make_installer: MakeInstaller, fake: FakeWorkbench, opened: Opened, links: Path, *, last: bool
) -> None:
    def install(workbench: FakeWorkbench, call: Call) -> str:
        (workbench.outside(call.argv[call.argv.index("--target") + 1]) / "one.py").parent.mkdir()
        return ""

    fake.answer = install
    with make_installer(fake) as installer:
        for prefix in ("a", "b"):
            pins = [pin_of(make_wheel(links, "one"))]
            found = installer.dependencies(pins, prefix=prefix, excludes=Excludes(), last=last)
            assert found.builder == fake.builder
    assert (opened.opened, opened.closed, fake.left) == ((2, 2, 2) if last else (1, 1, 0))


def test_two_distributions_with_one_file(make_installer: MakeInstaller, host: HostWorkbench, links: Path) -> None:
    pins = [pin_of(make_wheel(links, name, files={"shared.py": f"x = {name!r}\n"})) for name in ("one", "two")]
    for from_cache in (False, True):
        found = installed(make_installer, host, pins)
        assert found.collisions == (Collision(path="shared.py", owners=("one", "two")),)
        assert found.from_cache is from_cache


def test_every_file_may_be_excluded(make_installer: MakeInstaller, host: HostWorkbench, links: Path) -> None:
    """The artefact's own code may well be all of it."""
    excludes = Excludes(["one*"])
    pins = [pin_of(make_wheel(links, "one"))]
    for from_cache in (False, True):
        with make_installer(host) as installer:
            found = installer.dependencies(pins, prefix="", excludes=excludes)
        assert (found.archive.members, found.from_cache) == ((), from_cache)


def test_a_failure_leaves_nothing_in_the_cache(
    make_installer: MakeInstaller, host: HostWorkbench, links: Path, cache: Cache
) -> None:
    pin = pin_of(make_wheel(links, "one"))
    (links / "one-1.0-py3-none-any.whl").unlink()
    with pytest.raises(InstallError):
        installed(make_installer, host, [pin])
    assert cache.size() == (0, 0)
    assert not installed(make_installer, host, [pin_of(make_wheel(links, "one"))]).from_cache


def test_credentials_of_a_requirements_file_reach_the_installation(
    make_installer: MakeInstaller, make_wanted: MakeWanted, fake: FakeWorkbench
) -> None:
    fake.answer = lambda _workbench, call: pylock("1") if "compile" in call.argv else ""
    text = "--extra-index-url https://u:p4ss@x.example/simple\nidna\n"
    with make_installer(fake) as installer:
        pins = installer.pins(make_wanted(files={"requirements.txt": text}))
        installer.dependencies(pins, prefix="", excludes=Excludes())
    assert fake.calls[-1].variables == {"UV_INDEX": "https://u:p4ss@x.example/simple"}


def test_no_secret_is_kept(
    make_installer: MakeInstaller, make_wanted: MakeWanted, fake: FakeWorkbench, cache: Cache
) -> None:
    fake.answer = lambda _workbench, call: pylock("1") if "compile" in call.argv else ""
    for password in ("p4ss", "0ther"):
        text = f"--extra-index-url https://u:{password}@x.example/simple\nidna\n"
        with make_installer(fake) as installer:
            pins = installer.pins(make_wanted(files={"requirements.txt": text}))
            installer.dependencies(pins, prefix="", excludes=Excludes())
    # Nor does it decide anything: with another password, both come from the cache.
    assert len(fake.calls) == 2
    kept = b"".join(path.read_bytes() for path in cache.root.rglob("*") if path.is_file())
    assert b"p4ss" not in kept


def wheel(make_installer: MakeInstaller, workbench: Workbench, digest: str) -> BuiltWheel:
    with make_installer(workbench) as installer:
        return installer.wheel("local", "vendor/local", digest)


def test_the_wheel_of_a_folder(make_installer: MakeInstaller, host: HostWorkbench, spoken: io.StringIO) -> None:
    make_folder(host.input / "vendor" / "local", "local")
    first = wheel(make_installer, host, "1")
    assert (first.path.name, first.builder.engine, first.from_cache) == ("local-1.0-py3-none-any.whl", "host", False)
    assert wheel(make_installer, host, "1").from_cache
    assert not wheel(make_installer, host, "2").from_cache
    assert spoken.getvalue().count("building a wheel of vendor/local") == 2
    first.path.unlink()
    again = wheel(make_installer, host, "1")
    assert not again.from_cache
    assert zipfile.is_zipfile(again.path)
    for name in ("builder.json", "wheel.sha256"):
        (again.path.parent / name).unlink()
        assert not wheel(make_installer, host, "1").from_cache


def test_a_truncated_wheel_is_made_anew(make_installer: MakeInstaller, host: HostWorkbench) -> None:
    make_folder(host.input / "vendor" / "local", "local")
    first = wheel(make_installer, host, "1")
    first.path.write_bytes(first.path.read_bytes()[:-10])
    again = wheel(make_installer, host, "1")
    assert not again.from_cache
    assert zipfile.is_zipfile(again.path)


def test_the_project_s_own_wheel(make_installer: MakeInstaller, fake: FakeWorkbench, tmp_path: Path) -> None:
    built = make_wheel(tmp_path, "shop")
    for from_cache in (False, True):
        with make_installer(fake) as installer:
            found = installer.own_wheel("digest", lambda _workbench: built)
        assert (found.path.read_bytes(), found.from_cache) == (built.read_bytes(), from_cache)
        assert found.builder == fake.builder
