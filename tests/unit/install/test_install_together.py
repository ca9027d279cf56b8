"""An archive that is put together is the one that would have been installed."""

from __future__ import annotations

import dataclasses
import shutil
from typing import TYPE_CHECKING

import pytest
from packaging.utils import canonicalize_name

from lambda_backend.bundle.excludes import Excludes
from lambda_backend.bundle.model import Collision
from lambda_backend.errors import DamagedArchiveError
from lambda_backend.install.builder import Builder
from lambda_backend.install.together import overlap
from tests.helpers.wheels import make_wheel
from tests.unit.install.conftest import pin_of

if TYPE_CHECKING:
    import io
    from pathlib import Path

    from lambda_backend.cache import Cache
    from lambda_backend.install.kept import Dependencies
    from lambda_backend.install.workbench import HostWorkbench
    from lambda_backend.requirements.model import Pin
    from lambda_backend.targets import Target
    from tests.unit.install.conftest import MakeInstaller, Opened


@pytest.fixture
def asked(make_installer: MakeInstaller, host: HostWorkbench, target: Target) -> Asked:
    return Asked(make_installer, host, target.name)


class Asked:
    """Dependencies, each time by a build of its own."""

    def __init__(self, make_installer: MakeInstaller, host: HostWorkbench, target: str) -> None:
        self.target = target
        self._make = make_installer
        self._host = host

    def __call__(self, *pins: Pin) -> Dependencies:
        with self._make(self._host) as installer:
            return installer.dependencies(pins, prefix="python", excludes=Excludes())


def normalised(pin: Pin) -> Pin:
    return dataclasses.replace(pin, name=canonicalize_name(pin.name))


def test_one_of_three_is_new(asked: Asked, links: Path, cache: Cache, spoken: io.StringIO) -> None:
    one, two = (normalised(pin_of(make_wheel(links, name))) for name in ("one", "Two"))
    old, new = (normalised(pin_of(make_wheel(links, "sub_three", version))) for version in ("1.0", "2.0"))
    asked(one, two, old)
    found = asked(one, two, new)
    assert f"installing 1 distribution for {asked.target}, the other 2 as before" in spoken.getvalue()
    content = found.archive.path.read_bytes()
    shutil.rmtree(cache.root)
    at_once = asked(one, two, new)
    assert at_once.archive == found.archive
    assert at_once.archive.path.read_bytes() == content
    assert at_once.builder == found.builder
    assert not found.from_cache


def test_fewer_than_before_need_no_workbench(asked: Asked, links: Path, cache: Cache, opened: Opened) -> None:
    one, two, three = (pin_of(make_wheel(links, name)) for name in ("one", "two", "three"))
    asked(one, two)
    asked(three)
    assert opened.opened == 2
    found = asked(one, three)
    assert (opened.opened, found.builder, found.from_cache) == (2, Builder(engine="host"), False)
    shutil.rmtree(cache.root)
    assert asked(one, three).archive == found.archive


@pytest.mark.parametrize("file", ["shared.py", "Shared.py", "shared.py/inner.py"])
def test_files_in_each_others_way_are_installed_together(
    asked: Asked, links: Path, cache: Cache, file: str, spoken: io.StringIO
) -> None:
    one = pin_of(make_wheel(links, "one", files={"shared.py": "x = 1\n"}))
    two = pin_of(make_wheel(links, "two", files={file: "x = 2\n"}))
    asked(one)
    if "/" in file:
        asked(two)
        with pytest.raises(Exception, match="shared"):
            asked(one, two)
        return
    found = asked(one, two)
    assert "not as published" not in spoken.getvalue()
    assert spoken.getvalue().count(f"installing 2 distributions for {asked.target}\n") == 1
    if file == "shared.py":
        assert found.collisions == (Collision(path="python/shared.py", owners=("one", "two")),)
    # Neither stands for itself.
    assert asked(one, two, pin_of(make_wheel(links, "three"))).collisions == found.collisions
    assert "the other 2 as before" not in spoken.getvalue()
    if file != "shared.py":  # uv installs both at one time, and either may be the last one
        shutil.rmtree(cache.root)
        assert asked(one, two).archive == found.archive


def test_a_damaged_part_is_installed_by_the_next_try(asked: Asked, links: Path, cache: Cache) -> None:
    one, two = (pin_of(make_wheel(links, name)) for name in ("one", "two"))
    path = asked(one).archive.path
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedArchiveError, match="its bytes have changed"):
        asked(one, two)
    found = asked(one, two)
    shutil.rmtree(cache.root)
    assert asked(one, two).archive == found.archive


def test_what_another_image_made_is_installed_anew(
    asked: Asked, links: Path, host: HostWorkbench, spoken: io.StringIO
) -> None:
    one, two = (pin_of(make_wheel(links, name)) for name in ("one", "two"))
    asked(one)
    host.builder = Builder(engine="docker", digest="sha256:other")
    assert asked(one, two).builder.engine == "docker"
    assert "as before" not in spoken.getvalue()
    three = pin_of(make_wheel(links, "three"))
    assert asked(one, three).builder.engine == "docker"
    assert spoken.getvalue().count("the other 1 as before") == 1


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ([], False),
        ([["a", "b/c"], ["b/d", "e"]], False),
        ([["a"], ["a"]], True),
        ([["a"], ["A"]], True),
        ([["a"], ["a/b"]], True),
        ([["x/a/b/c"], ["y"], ["X/A"]], True),
        ([["a", "A"], ["b"]], False),
    ],
)
def test_overlap(groups: list[list[str]], *, expected: bool) -> None:
    assert overlap(groups) is expected
    assert overlap(groups[::-1]) is expected
