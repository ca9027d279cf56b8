from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lambda_backend.bundle.wheel import fits
from lambda_backend.errors import InstallError
from lambda_backend.install.tree import build_wheel, install
from lambda_backend.requirements.model import Pin
from lambda_backend.targets import target as target_of
from tests.helpers.wheels import make_wheel
from tests.unit.install.conftest import DEFAULT_INDEX, FakeWorkbench, make_folder, make_sdist, pin_of

if TYPE_CHECKING:
    from pathlib import Path

    from lambda_backend.install.workbench import HostWorkbench
    from lambda_backend.targets import Target
    from tests.unit.install.conftest import Call

CPYTHON = f"cp3{sys.version_info[1]}"
COMPILED = f"{CPYTHON}-{CPYTHON}-manylinux_2_17_x86_64"


def test_wheels_and_pure_source_distributions(host: HostWorkbench, target: Target, links: Path, tmp_path: Path) -> None:
    pins = [pin_of(make_wheel(links, "one")), pin_of(make_sdist(links, tmp_path, "two"))]
    tree = install(pins, target, host, name="tree1", variables={})
    assert (tree / "one.py").read_text() == "version = '1.0'\n"
    assert (tree / "two.py").read_text() == "answer = 42\n"


def test_nothing_is_an_empty_tree(host: HostWorkbench, target: Target) -> None:
    assert list(install([], target, host, name="tree1", variables={}).glob("[!.]*")) == []


def test_a_local_archive_by_its_path_in_the_project(host: HostWorkbench, target: Target) -> None:
    wheel = make_wheel(host.input, "one")
    tree = install([pin_of(wheel, root=host.input)], target, host, name="tree1", variables={})
    assert (tree / "one.py").is_file()


def test_the_host_names_everything_that_is_not_pure(
    host: HostWorkbench, target: Target, links: Path, tmp_path: Path
) -> None:
    pins = [
        pin_of(make_sdist(links, tmp_path, "one", tag=COMPILED)),
        pin_of(make_sdist(links, tmp_path, "pure")),
        replace(pin_of(make_sdist(links, tmp_path, "two", tag=COMPILED)), version=None),
        pin_of(make_wheel(links, "three", tag=COMPILED)),
    ]
    with pytest.raises(InstallError) as error:
        install(pins, target, host, name="tree1", variables={})
    assert error.value.message.splitlines()[1:] == ["  - one 1.0", "  - two"]
    assert "no wheel for" in error.value.message
    assert "container engine" in str(error.value.hint)


def test_the_host_says_why_a_build_failed(host: HostWorkbench, target: Target, links: Path, tmp_path: Path) -> None:
    source = make_folder(tmp_path / "broken-1.0", "broken")
    (source / "backend.py").write_text("raise RuntimeError('no compiler here')\n")
    shutil.make_archive(str(links / "broken-1.0"), "gztar", tmp_path, "broken-1.0")
    with pytest.raises(InstallError) as error:
        install([pin_of(links / "broken-1.0.tar.gz")], target, host, name="tree1", variables={})
    assert "  - broken 1.0\n" in error.value.message
    assert "no compiler here" in error.value.message


def test_a_wheel_that_is_gone(host: HostWorkbench, target: Target, links: Path) -> None:
    pin = pin_of(make_wheel(links, "one"))
    (links / "one-1.0-py3-none-any.whl").unlink()
    with pytest.raises(InstallError, match="installing the dependencies for") as error:
        install([pin], target, host, name="tree1", variables={})
    assert error.value.hint is not None
    assert "container" not in error.value.hint


def test_in_a_container_everything_is_built(fake: FakeWorkbench, target: Target) -> None:
    pins = [
        Pin(name="one", version="1.0", kind="sdist", url="https://x.example/one-1.0.tar.gz"),  # type: ignore[arg-type]
        Pin(name="two", version=None, kind="vcs", url="https://x.example/two", commit="a" * 40),  # type: ignore[arg-type]
    ]
    tree = install(pins, target, fake, name="tree7", variables={"UV_INDEX": "https://u:p@x.example"})
    assert tree == fake.output / "tree7"
    (call,) = fake.calls
    assert "--no-build" not in call.argv
    assert call.argv[call.argv.index("--target") + 1] == "/inside/output/tree7"
    assert call.variables == {"UV_INDEX": "https://u:p@x.example"}
    assert "https://x.example/two" in fake.outside(call.argv[call.argv.index("-r") + 1]).read_text()


@pytest.mark.parametrize(
    ("more", "index"),
    [
        ({}, DEFAULT_INDEX),
        ({"index": "https://x.example/simple"}, "https://x.example/simple"),
        ({"direct": True}, None),
    ],
)
def test_uv_is_told_the_index_that_its_cache_goes_by(
    more: dict[str, object], index: str | None, fake: FakeWorkbench, target: Target
) -> None:
    pin = Pin(name="one", version="1.0", kind="wheel", url="https://x.example/one-1.0-py3-none-any.whl", **more)  # type: ignore[arg-type]
    install([pin], target, fake, name="tree1", variables={})
    text = fake.outside(fake.calls[0].argv[fake.calls[0].argv.index("-r") + 1]).read_text("utf-8")
    assert (f'index = "{index}"' in text) if index else ("index =" not in text)


def test_in_a_container_a_failure_is_the_build_s_own(fake: FakeWorkbench, target: Target) -> None:
    def answer(_workbench: FakeWorkbench, _call: Call) -> str:
        raise InstallError("gcc says no")

    fake.answer = answer
    pin = Pin(name="one", version="1.0", kind="sdist", url="https://x.example/one-1.0.tar.gz")  # type: ignore[arg-type]
    with pytest.raises(InstallError, match=r"^gcc says no$"):
        install([pin], target, fake, name="tree1", variables={})


def test_only_wheels_are_downloaded_where_nothing_has_to_be_built(fake: FakeWorkbench, target: Target) -> None:
    install([], target, fake, name="tree1", variables={})
    assert "--no-build" in fake.calls[0].argv


def test_a_distribution_that_left_no_trace_is_not_taken_for_pure(
    fake: FakeWorkbench, target: Target, links: Path, tmp_path: Path
) -> None:
    fake.native = False
    with pytest.raises(InstallError, match=r"  - one 1\.0"):
        install([pin_of(make_sdist(links, tmp_path, "one"))], target, fake, name="tree1", variables={})


def test_a_folder_becomes_a_wheel(host: HostWorkbench, target: Target) -> None:
    source = make_folder(host.input / "vendor" / "local", "local")
    assert build_wheel(source, target, host, name="local").name == "local-1.0-py3-none-any.whl"


def test_two_folders_of_one_name_become_two_wheels(host: HostWorkbench, target: Target) -> None:
    wheels = {build_wheel(make_folder(host.input / place, "local"), target, host, name="local") for place in ("a", "b")}
    assert len(wheels) == 2
    assert all(wheel.is_file() for wheel in wheels)


def test_a_compiled_folder_needs_a_container(host: HostWorkbench, target: Target, fake: FakeWorkbench) -> None:
    tag = COMPILED.replace("manylinux_2_17", "linux")
    source = make_folder(host.input / "local", "local", tag=tag)
    with pytest.raises(InstallError, match=r"local is not pure Python \(local-1\.0-cp.*\.whl\), so its wheel has"):
        build_wheel(source, target, host, name="local")

    def answer(workbench: FakeWorkbench, call: Call) -> str:
        make_wheel(workbench.outside(call.argv[call.argv.index("--out-dir") + 1]), "local", tag=tag)
        return ""

    fake.answer = answer
    assert build_wheel(fake.input, target, fake, name="local").name == f"local-1.0-{tag}.whl"


@pytest.mark.parametrize(
    ("tag", "native", "expected"),
    [
        ("py3-none-any", False, True),
        ("cp313-cp313-manylinux_2_28_x86_64", False, True),
        ("cp313-cp313-manylinux_2_28_aarch64", True, False),
        ("cp313-cp313-manylinux_2_35_x86_64", True, False),
        ("cp313-cp313-linux_x86_64", False, False),
        ("cp313-cp313-linux_x86_64", True, True),
        ("cp312-cp312-linux_x86_64", True, False),
    ],
)
def test_what_may_go_into_an_artefact(tmp_path: Path, tag: str, *, native: bool, expected: bool) -> None:
    wheel = make_wheel(tmp_path, "one", tag=tag)
    assert fits(wheel, target_of("python3.13", "x86_64"), native=native) is expected
