from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lambda_backend.errors import InstallError, LockError
from lambda_backend.install.resolve import resolve
from lambda_backend.install.wanted import credentials, read_lock
from lambda_backend.requirements.model import LockFile
from tests.helpers.wheels import make_wheel
from tests.unit.install.conftest import FakeWorkbench, make_folder, make_sdist

if TYPE_CHECKING:
    from pathlib import Path

    from lambda_backend.install.workbench import HostWorkbench, Workbench
    from lambda_backend.targets import Target
    from tests.unit.install.conftest import Call, MakeWanted

HEAD = 'lock-version = "1.0"\ncreated-by = "test"\n'
IDNA = (
    '[[packages]]\nname = "idna"\nversion = "3.20"\nwheels = [{ url = "https://x.example/idna-3.20-py3-none-any.whl", '
    f'hashes = {{ sha256 = "{"a" * 64}" }} }}]\n'
)


def no_bench() -> Workbench:
    pytest.fail("nothing has to run")


def names(pins: object) -> list[tuple[str, str, str]]:
    return [(pin.name, pin.version, pin.kind) for pin in pins]  # type: ignore[attr-defined]


def test_nothing_asked_for_takes_nothing(make_wanted: MakeWanted, target: Target) -> None:
    assert resolve(make_wanted(), target, no_bench, {}) == ()


def test_a_pylock_is_read_without_a_workbench(make_wanted: MakeWanted, target: Target) -> None:
    extra = 'extras = ["pdf"]\n' + '[[packages]]\nname = "local"\ndirectory = { path = "libs/local" }\n'
    extra += "marker = \"'pdf' in extras\"\n"
    wanted = make_wanted("idna", files={"pylock.toml": extra.replace("extras = ", HEAD + "extras = ", 1) + IDNA})
    assert names(resolve(wanted, target, no_bench, {})) == [("idna", "3.20", "wheel")]
    wanted = make_wanted("idna", extras=("pdf",))
    assert [pin.path for pin in resolve(wanted, target, no_bench, {})] == [None, "libs/local"]


def test_a_lock_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "pylock.toml"
    with pytest.raises(LockError, match=r"pylock\.toml cannot be read: No such file"):
        read_lock(LockFile(kind="pylock", path=path))
    path.write_bytes(b"\xff")
    with pytest.raises(LockError, match=r"pylock\.toml is not UTF-8"):
        read_lock(LockFile(kind="pylock", path=path))


def test_a_uv_lock_is_exported_by_uv(make_wanted: MakeWanted, target: Target, fake: FakeWorkbench) -> None:
    fake.answer = lambda _workbench, _call: HEAD + IDNA
    wanted = make_wanted("idna", files={"uv.lock": ""}, extras=("pdf",), groups=("prod",))
    assert names(resolve(wanted, target, lambda: fake, {})) == [("idna", "3.20", "wheel")]
    (call,) = fake.calls
    assert call.argv[:3] == ["uv", "export", "--quiet"]
    assert call.argv[-4:] == ["--extra", "pdf", "--group", "prod"]
    assert (call.cwd, call.what) == (fake.input, "exporting uv.lock")


def test_a_uv_lock_elsewhere_is_none_that_uv_would_read(make_wanted: MakeWanted, target: Target) -> None:
    wanted = make_wanted("idna", files={"uv.lock": ""})
    (wanted.root / "prod").mkdir()
    elsewhere = replace(wanted, lock=LockFile(kind="uv", path=wanted.root / "prod" / "uv.lock"))
    with pytest.raises(LockError, match=r"tool\.lambda\.lock: uv reads only .* and prod/uv\.lock is neither"):
        resolve(elsewhere, target, no_bench, {})


def test_a_member_of_a_workspace_has_the_lock_above(
    make_wanted: MakeWanted, target: Target, fake: FakeWorkbench
) -> None:
    fake.answer = lambda _workbench, _call: HEAD + IDNA
    wanted = make_wanted("idna", files={"uv.lock": ""})
    member = replace(wanted, folder=wanted.root / "functions" / "worker")
    assert names(resolve(member, target, lambda: fake, {})) == [("idna", "3.20", "wheel")]
    assert fake.calls[0].cwd == fake.input / "functions" / "worker"


def test_wheels_first_then_source_distributions(make_wanted: MakeWanted, target: Target, fake: FakeWorkbench) -> None:
    def answer(_workbench: FakeWorkbench, call: Call) -> str:
        if "--only-binary" in call.argv:
            raise InstallError("no wheels")
        return HEAD + IDNA

    fake.answer = answer
    assert names(resolve(make_wanted("idna"), target, lambda: fake, {})) == [("idna", "3.20", "wheel")]
    first, second = fake.calls
    assert first.argv[first.argv.index("--python-platform") + 1] == target.uv_platforms[0]
    assert second.argv[second.argv.index("--python-platform") + 1] == target.uv_platforms[-1]
    assert first.argv[-1] == "/inside/input/.lambda-backend-requirements.in"
    assert fake.outside(first.argv[-1]).read_text() == "idna\n"


@pytest.mark.parametrize("words", ["Failed to fetch: x", "error sending request for url", "Could not connect"])
def test_an_index_that_does_not_answer_is_asked_once(
    make_wanted: MakeWanted, target: Target, fake: FakeWorkbench, words: str
) -> None:
    def answer(_workbench: FakeWorkbench, _call: Call) -> str:
        raise InstallError(words)

    fake.answer = answer
    with pytest.raises(InstallError, match=words.partition(":")[0]):
        resolve(make_wanted("idna"), target, lambda: fake, {})
    assert len(fake.calls) == 1


def test_both_attempts_in_vain(make_wanted: MakeWanted, target: Target, host: HostWorkbench) -> None:
    with pytest.raises(InstallError, match=r"resolving the dependencies for .* failed \(exit code 1\)") as error:
        resolve(make_wanted("nosuch"), target, lambda: host, {})
    assert "nosuch was not found" in error.value.message


def test_real_uv_prefers_the_older_version_with_a_wheel(
    make_wanted: MakeWanted, target: Target, host: HostWorkbench, links: Path, tmp_path: Path
) -> None:
    make_wheel(links, "both", "0.9")
    make_sdist(links, tmp_path, "both")
    make_sdist(links, tmp_path, "source")
    assert names(resolve(make_wanted("both"), target, lambda: host, {})) == [("both", "0.9", "wheel")]
    found = resolve(make_wanted("source"), target, lambda: host, {})
    assert names(found) == [("source", "1.0", "sdist")]
    assert found[0].sha256 == hashlib.sha256((links / "source-1.0.tar.gz").read_bytes()).hexdigest()


def test_what_the_layers_have_holds_the_versions(
    make_wanted: MakeWanted, target: Target, host: HostWorkbench, links: Path
) -> None:
    for version in ("1.0", "2.0"):
        make_wheel(links, "idna", version)
    assert names(resolve(make_wanted("idna"), target, lambda: host, {})) == [("idna", "2.0", "wheel")]
    wanted = make_wanted("idna", constraints=("idna==1.0",))
    assert names(resolve(wanted, target, lambda: host, {})) == [("idna", "1.0", "wheel")]


def test_a_version_that_the_layers_do_not_have_is_found_all_the_same(
    make_wanted: MakeWanted, target: Target, host: HostWorkbench, links: Path
) -> None:
    for version in ("1.0", "2.0"):
        make_wheel(links, "idna", version)
    wanted = make_wanted("idna>=2", constraints=("idna==1.0",))
    # Comparing it with the layer's then names package, versions, function and layer.
    assert names(resolve(wanted, target, lambda: host, {})) == [("idna", "2.0", "wheel")]


def test_requirements_files_with_constraints(
    make_wanted: MakeWanted, target: Target, host: HostWorkbench, links: Path
) -> None:
    for version in ("1.0", "2.0"):
        make_wheel(links, "idna", version)
    wanted = make_wanted(files={"requirements.txt": "idna\n-c limits.txt\n", "limits.txt": "idna<2\n"})
    assert names(resolve(wanted, target, lambda: host, {})) == [("idna", "1.0", "wheel")]


def test_hashes_are_held_against_what_is_resolved(
    make_wanted: MakeWanted, target: Target, host: HostWorkbench, links: Path
) -> None:
    good = hashlib.sha256(make_wheel(links, "idna").read_bytes()).hexdigest()
    wanted = make_wanted(files={"requirements.txt": f"idna==1.0 --hash=sha256:{good}\n"})
    assert names(resolve(wanted, target, lambda: host, {})) == [("idna", "1.0", "wheel")]
    wanted = make_wanted(files={"requirements.txt": f"idna==1.0 --hash=sha256:{'0' * 64}\n"})
    with pytest.raises(LockError, match="idna"):
        resolve(wanted, target, lambda: host, {})


def test_one_hash_means_hashes_for_all(
    make_wanted: MakeWanted, target: Target, host: HostWorkbench, links: Path
) -> None:
    good = hashlib.sha256(make_wheel(links, "idna", requires=["more"]).read_bytes()).hexdigest()
    make_wheel(links, "more")
    wanted = make_wanted(files={"requirements.txt": f"idna==1.0 --hash=sha256:{good}\n"})
    with pytest.raises(LockError, match="more"):
        resolve(wanted, target, lambda: host, {})


def test_a_local_folder_keeps_its_path(make_wanted: MakeWanted, target: Target, host: HostWorkbench) -> None:
    make_folder(host.input / "vendor" / "local", "local")
    wanted = make_wanted()
    make_folder(wanted.root / "vendor" / "local", "local")
    wanted = make_wanted(files={"requirements.txt": "./vendor/local\n"})
    (found,) = resolve(wanted, target, lambda: host, {})
    assert (found.name, found.kind, found.path) == ("local", "directory", "vendor/local")


def test_the_project_is_no_dependency_of_its_own(
    make_wanted: MakeWanted, target: Target, host: HostWorkbench, links: Path
) -> None:
    make_wheel(links, "idna", requires=["shop"])
    make_wheel(links, "shop")
    assert names(resolve(make_wanted("idna"), target, lambda: host, {})) == [("idna", "1.0", "wheel")]


def test_variables_of_a_requirements_file_are_handed_to_uv(
    make_wanted: MakeWanted, target: Target, fake: FakeWorkbench
) -> None:
    fake.answer = lambda _workbench, _call: HEAD + IDNA
    text = "--extra-index-url https://u:${TOKEN}@x.example/simple\n--index-url https://${USER}@y.example/simple\nidna\n"
    wanted = make_wanted(files={"requirements.txt": text})
    environ = {"TOKEN": "t0ken", "OTHER": "o"}
    resolve(wanted, target, lambda: fake, environ)
    assert fake.calls[0].variables == {"TOKEN": "t0ken"}
    assert credentials(wanted, environ) == ("https://u:t0ken@x.example/simple",)
    assert credentials(make_wanted(), environ) == ("https://u:t0ken@x.example/simple",)


def test_no_requirements_file_holds_no_credentials(make_wanted: MakeWanted) -> None:
    assert credentials(make_wanted("idna"), {}) == ()
