from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambda_backend.errors import LockError
from lambda_backend.requirements.places import inside
from lambda_backend.requirements.pylock import select

if TYPE_CHECKING:
    from lambda_backend.requirements.model import Pin
    from lambda_backend.targets import Target

SHA = "a" * 64
HASHES = f'hashes = {{sha256 = "{SHA}"}}'
HEAD = 'lock-version = "1.0"\ncreated-by = "test"\n'


def wheel(name: str, tags: str = "py3-none-any", sha: str = SHA) -> str:
    return f'{{url = "https://u:secret@example.com/{name}-{tags}.whl", hashes = {{sha256 = "{sha}"}}}}'


def package(name: str = "a", *wheels: str, more: str = "", version: str = 'version = "1"') -> str:
    listed = f"wheels = [{', '.join(wheels)}]" if wheels else ""
    return f'[[packages]]\nname = "{name}"\n{version}\n{listed}\n{more}\n'


def sdist(name: str = "a") -> str:
    return f'sdist = {{url = "https://example.com/{name}-1.tar.gz", {HASHES}}}'


def pins(target: Target, text: str, root: Path = Path("/nowhere"), **options: object) -> tuple[Pin, ...]:
    return select(HEAD + text, target=target, source="pylock.toml", root=root, **options)


def failure(target: Target, text: str, root: Path = Path("/nowhere"), **options: object) -> LockError:
    with pytest.raises(LockError) as error:
        pins(target, text, root, **options)
    assert "secret" not in error.value.message
    return error.value


def test_best_wheel_or_sdist(target: Target) -> None:
    text = (
        package("c", wheel("c-1", "cp313-cp313-win_amd64"), more=sdist("c"))
        + package("b", wheel("b-1"), wheel("b-1", "cp313-cp313-manylinux_2_28_x86_64"), more=sdist("b"))
        + package("a", wheel("a-1", "cp313-cp313-manylinux_2_35_x86_64"), wheel("a-1"), more=sdist("a"))
        + package("w", wheel("w-1"), more="marker = \"sys_platform == 'win32'\"")
        + package("shop", wheel("shop-1"))
    )
    a, b, c = pins(target, text, project="Shop")
    assert a.url == "https://example.com/a-1-py3-none-any.whl"
    assert b.url == "https://example.com/b-1-cp313-cp313-manylinux_2_28_x86_64.whl"
    assert (c.kind, c.url, c.version, c.sha256, c.hashes) == (
        "sdist",
        "https://example.com/c-1.tar.gz",
        "1",
        SHA,
        (("sha256", SHA),),
    )


def test_no_archive_for_the_target(target: Target) -> None:
    many = [wheel("a-1", f"cp3{minor}-cp3{minor}-win_amd64") for minor in range(8, 14)]
    text = package("a", *many) + package("b", wheel("b-1", "cp39-cp39-win32"))
    text += package("ok", wheel("ok-1")) + package("s", more=sdist("s"))
    text += package("w", wheel("w-1", "cp39-cp39-win32"), more="marker = \"sys_platform == 'win32'\"")
    message = failure(target, text).message
    assert "a 1 has no wheel for python3.13-x86_64 and no sdist; there is a-1-cp38-cp38-win_amd64.whl, " in message
    assert "cp311-win_amd64.whl, …" in message
    assert "b 1 has no wheel for python3.13-x86_64 and no sdist; there is b-1-cp39-cp39-win32.whl" in message
    assert "  - w" not in message
    twice = package("a", wheel("a-1")) * 2
    assert "Multiple packages with the name 'a'" in failure(target, twice).message


def test_requires_python_and_environments(target: Target) -> None:
    assert pins(target, 'requires-python = ">=3.13.2"\npackages = []') == ()
    assert "requires Python >=3.14" in failure(target, 'requires-python = ">=3.14"\npackages = []').message
    assert "requires Python <3.13.2" in failure(target, 'requires-python = "<3.13.2"\npackages = []').message
    text = package("a", wheel("a-1"), more='requires-python = ">=3.14"')
    assert "'>=3.14' for package 'a'" in failure(target, text).message
    assert pins(target, package("a", wheel("a-1"), more='requires-python = ">=3.13.4"'))
    message = failure(target, "environments = [\"sys_platform == 'win32'\"]\npackages = []").message
    assert "written for other environments: sys_platform ==" in message


def test_extras_and_groups(target: Target) -> None:
    text = (
        'extras = ["pdf"]\ndependency-groups = ["prod", "main"]\ndefault-groups = ["main"]\n'
        + package("a", wheel("a-1"), more="marker = \"'pdf' in extras\"")
        + package("b", wheel("b-1"), more="marker = \"'prod' in dependency_groups\"")
        + package("c", wheel("c-1"), more="marker = \"'main' in dependency_groups\"")
    )
    assert [pin.name for pin in pins(target, text)] == ["c"]
    assert [pin.name for pin in pins(target, text, extras=["PDF"], groups=["prod"])] == ["a", "b", "c"]
    message = failure(target, text, extras=["x"], groups=["y"]).message
    assert "pylock.toml has no extra 'x'; it has pdf" in message
    assert "pylock.toml has no group 'y'; it has main, prod" in message
    assert pins(target, package("a", wheel("a-1")), extras=["any"], groups=["any"])


def test_the_index_comes_without_its_user_part(target: Target) -> None:
    text = package("a", wheel("a-1"), more='index = "https://u:secret@example.com/simple/"')
    (pin,) = pins(target, text)
    assert pin.index == "https://example.com/simple/"


def test_unreadable_locks(target: Target) -> None:
    assert "is not valid TOML" in failure(target, "=").message
    assert "is not a valid pylock file" in failure(target, "packages = 1").message
    with pytest.raises(LockError, match=r"version 2\.0 is not supported"):
        select('lock-version = "2.0"\ncreated-by = ""\npackages=[]', target=target, source="p", root=Path("/nowhere"))


def test_allowed_hashes(target: Target) -> None:
    other = "b" * 64
    text = package("a", wheel("a-1", sha=other), wheel("a-1", "cp313-none-any"), more=sdist())
    (pin,) = pins(target, text, allowed_hashes={"a": frozenset({f"sha256:{other}"})})
    assert pin.sha256 == other
    text = package("a", wheel("a-1", sha=other), more=sdist())
    (pin,) = pins(target, text, allowed_hashes={"a": frozenset({f"sha256:{SHA}"})})
    assert pin.kind == "sdist"
    text = (
        package("a", wheel("a-1"))
        + package("b", more=sdist("b"))
        + package("v", more='vcs = {type = "git", url = "https://example.com/v", commit-id = "1"}')
    )
    message = failure(target, text, allowed_hashes={"a": frozenset({f"sha256:{other}"})}).message
    assert message.startswith("hash mismatch:")
    assert message.endswith("a 1, b 1 (no hash is given for it)")


def test_archives(target: Target) -> None:
    def archive(place: str) -> str:
        return f'archive = {{url = "https://u:secret@example.com/{place}", {HASHES}, subdirectory = "sub"}}'

    text = package("a", more=archive("a-1-py3-none-any.whl"), version="") + package("b", more=archive("main.zip"))
    a, b = pins(target, text, allowed_hashes={"a": frozenset({f"sha256:{SHA}"}), "": frozenset({f"sha256:{SHA}"})})
    assert (a.kind, a.url, a.version) == ("wheel", "https://example.com/a-1-py3-none-any.whl", None)
    assert (b.kind, b.subdirectory) == ("sdist", "sub")
    text = package("a", more=archive("a-1-cp39-cp39-win32.whl")) + package("b", more=archive("b.whl"))
    message = failure(target, text, allowed_hashes={"a": frozenset()}).message
    assert "a: hash mismatch: https://example.com/a-1-cp39-cp39-win32.whl" in message
    assert "is no wheel for python3.13-x86_64" in message
    assert "b: Invalid wheel filename" in message


def test_places_in_the_project(target: Target, tmp_path: Path) -> None:
    for folder in ("fn", "lib", "wheels"):
        (tmp_path / folder).mkdir()
    text = (
        package("lib", more='directory = {path = "../lib", subdirectory = "s"}', version="")
        + package("v", more='vcs = {type = "git", url = "file:///r", commit-id = "1"}', version="")
        + package("p", more='vcs = {type = "git", path = "../lib", commit-id = "1"}', version="")
        + package("a", f'{{url = "file:///input/wheels/a-1-py3-none-any.whl", {HASHES}}}')
        + package("b", f'{{url = "file:///links/b-1-py3-none-any.whl", {HASHES}}}')
        + package("r", more='directory = {path = ".."}', version="")
        + package("s", more=f'sdist = {{path = "/input/s-1.tar.gz", {HASHES}}}')
    )
    by = {pin.name: pin for pin in pins(target, text, tmp_path, directory="fn", seen_as="/input")}
    assert (by["lib"].kind, by["lib"].path, by["lib"].subdirectory) == ("directory", "lib", "s")
    assert (by["v"].url, by["v"].commit, by["v"].vcs, by["p"].path) == ("file:///r", "1", "git", "lib")
    assert (by["a"].path, by["a"].url) == ("wheels/a-1-py3-none-any.whl", None)
    assert by["b"].url == "file:///links/b-1-py3-none-any.whl"
    assert (by["r"].path, by["s"].path) == (".", "s-1.tar.gz")


def test_places_outside_the_project(target: Target, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    text = package("a", more='directory = {path = "../b"}') + package("b", more='directory = {path = "link"}')
    error = failure(target, text, root)
    assert "a: ../b is outside the project" in error.message
    assert "b: link is outside the project" in error.message
    assert "--wheel" in str(error.hint)
    assert not inside(root / "\0", root)
