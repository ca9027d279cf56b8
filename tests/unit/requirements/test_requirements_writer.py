from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from lambda_backend.errors import LockError
from lambda_backend.requirements.commands import ALL, install_command
from lambda_backend.requirements.model import Pin
from lambda_backend.requirements.pylock import select
from lambda_backend.requirements.writer import pylock_text
from lambda_backend.targets import target as target_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambda_backend.targets import Target


def pin(name: str, kind: str, version: str | None = "1", **more: object) -> Pin:
    if "sha256" in more:
        more["hashes"] = (("sha256", more["sha256"]),)
    return Pin(name=canonicalize_name(name), version=version, kind=kind, **more)


def test_what_is_written_is_selected_again(target: Target, tmp_path: Path) -> None:
    pins = (
        pin("a", "wheel", url="https://example.com/a-1-py3-none-any.whl", sha256="0", size=7),
        pin("b", "sdist", path="b-1.tar.gz", sha256="0"),
        pin("c", "sdist", direct=True, url="https://example.com/main.zip", sha256="0", subdirectory="s"),
        pin("d", "sdist", direct=True, url="https://example.com/main.zip", sha256="0"),
        pin("e", "vcs", None, url="https://example.com/e", vcs="git", commit="1"),
    )
    text = pylock_text((pin("z", "directory", path="z"), *reversed(pins)))
    assert select(text, target=target, source="p", root=tmp_path) == pins
    assert select(pylock_text(()), target=target, source="p", root=tmp_path) == ()


def test_prefix_and_file_urls() -> None:
    text = pylock_text([pin("a", "wheel", path="a-1-py3-none-any.whl", sha256="0")], prefix="../in/")
    assert 'path = "../in/a-1-py3-none-any.whl"' in text
    text = pylock_text(
        [Pin(name=canonicalize_name("a"), version="1", kind="sdist", url="file:///x%20y/a-1.tar.gz", sha256="0")]
    )
    assert 'sdist = { path = "/x y/a-1.tar.gz", hashes = { sha256 = "0" } }' in text
    assert "hashes = {}" in pylock_text([pin("a", "sdist", path="a-1.tar.gz")])


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_survives(word: str) -> None:
    (found,) = select(
        pylock_text([pin("a", "vcs", word and "1", url="https://example.com/", vcs=word, commit=word)]),
        target=target_of("python3.13", "x86_64"),
        source="p",
        root=Path("/nowhere"),
    )
    assert found.vcs == word


def test_surrogates_are_refused() -> None:
    with pytest.raises(LockError, match="no valid Unicode"):
        pylock_text([pin("a", "sdist", path="\ud800")])


def test_uv_installs_wheels_by_path_and_by_url(
    tmp_path: Path, target: Target, make_wheel: Callable[..., str], uv: Callable[..., str]
) -> None:
    one = make_wheel(tmp_path / "in/one-1-py3-none-any.whl")
    two = make_wheel(tmp_path / "in/two-1-py3-none-any.whl")
    text = pylock_text(
        [
            pin("one", "wheel", path="one-1-py3-none-any.whl", sha256=one),
            pin("two", "wheel", url=(tmp_path / "in/two-1-py3-none-any.whl").as_uri(), sha256=two),
        ],
        prefix="in",
    )
    (tmp_path / "pylock.lambda.toml").write_text(text)
    uv(install_command("pylock.lambda.toml", "out", target=target, build=False, link=False), tmp_path)
    assert {"one.py", "two.py"} <= {path.name for path in (tmp_path / "out").iterdir()}


PROJECT = """
[project]
name = "built"
version = "1"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """
import zipfile
def build_wheel(folder, settings=None, metadata=None):
    with zipfile.ZipFile(folder + "/built-1-py3-none-any.whl", "w") as z:
        z.writestr("built.py", "")
        z.writestr("built-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: built\\nVersion: 1\\n")
        z.writestr("built-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        z.writestr("built-1.dist-info/RECORD", "built.py,,\\n")
    return "built-1-py3-none-any.whl"
"""


@pytest.mark.parametrize("kind", ["sdist", "vcs"])
def test_uv_builds_and_installs(kind: str, tmp_path: Path, target: Target, uv: Callable[..., str]) -> None:
    source = tmp_path / "built-1"
    source.mkdir()
    (source / "pyproject.toml").write_text(PROJECT)
    (source / "backend.py").write_text(BACKEND)
    if kind == "sdist":
        with tarfile.open(tmp_path / "built-1.tar.gz", "w:gz") as archive:
            archive.add(source, "built-1")
        sha256 = hashlib.sha256((tmp_path / "built-1.tar.gz").read_bytes()).hexdigest()
        asked = pin("built", "sdist", path="built-1.tar.gz", sha256=sha256)
    else:
        git = ["git", "-c", "user.name=n", "-c", "user.email=n@example.com", "-C", str(source)]
        for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
            subprocess.run([*git, *command], check=True)
        head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
        asked = pin("built", "vcs", None, url=source.as_uri(), vcs="git", commit=head)
    (tmp_path / "pylock.lambda.toml").write_text(pylock_text([asked]))
    uv(install_command("pylock.lambda.toml", "out", target=target, build=True, link=False, python="python3"), tmp_path)
    assert (tmp_path / "out/built.py").is_file()


@pytest.mark.network
def test_uv_installs_from_an_index(tmp_path: Path, target: Target, uv: Callable[..., str]) -> None:
    from lambda_backend.requirements.commands import compile_command

    command = compile_command(["-"], target=target, uv_platform=target.uv_platforms[0], only_binary=ALL)
    text = uv(command, tmp_path, "idna==3.10\nmarkupsafe==3.0.2\n", offline=False)
    pins = select(text, target=target, source="p", root=tmp_path)
    assert [pin.kind for pin in pins] == ["wheel", "wheel"]
    (tmp_path / "pylock.lambda.toml").write_text(pylock_text(pins))
    uv(install_command("pylock.lambda.toml", "out", target=target, build=False, link=False), tmp_path, offline=False)
    assert list((tmp_path / "out/markupsafe").glob("*cpython-313-x86_64*.so"))


def test_the_index_is_written_of_what_is_from_one() -> None:
    place = {"url": "https://files.example/a-1-py3-none-any.whl", "index": "https://example.com/simple/"}
    (package,) = tomllib.loads(pylock_text([pin("a", "wheel", **place)]))["packages"]
    assert package["index"] == "https://example.com/simple/"
    mirrored = pin("a", "wheel", url="https://files.example/a-1-py3-none-any.whl")
    (package,) = tomllib.loads(pylock_text([mirrored], default_index="https://example.org/simple"))["packages"]
    assert package["index"] == "https://example.org/simple"
    for own in (
        pin("a", "wheel", direct=True, url="https://files.example/a-1-py3-none-any.whl"),
        pin("a", "sdist", url="https://files.example/a.zip"),
        pin("a", "wheel", path="a-1-py3-none-any.whl"),
    ):
        (package,) = tomllib.loads(pylock_text([own], default_index="https://example.org/simple"))["packages"]
        assert "index" not in package
