from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
from packaging.utils import canonicalize_name

from lambda_backend.errors import LockError
from lambda_backend.requirements.exported import read_export
from lambda_backend.requirements.exporters import Export, Exporter
from lambda_backend.requirements.tool_lock import LockedPackage, ToolLock
from lambda_backend.targets import target as target_of

if TYPE_CHECKING:
    from pathlib import Path

    from lambda_backend.requirements.exported import Exported
    from lambda_backend.targets import Target

AA, BB = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def package(name: str, version: str | None = None, **more: object) -> LockedPackage:
    return LockedPackage(name=canonicalize_name(name), version=version, **more)  # type: ignore[arg-type]


def export(
    root: Path, tool: Literal["poetry", "pipenv"], *packages: LockedPackage, extras: tuple[str, ...] = ()
) -> Export:
    return Export(
        lock=ToolLock(tool=tool, version="1", packages=packages, extras=(), groups=(), deciding=""),
        path=root / f"{tool}.lock",
        exporter=Exporter(tool=tool, version="1"),
        extras=extras,
        groups=(),
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("libs/one", "libs/two words", "app"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "libs/archive-1.0-py3-none-any.whl").write_bytes(b"")
    return tmp_path


def poetry(text: str, root: Path, target: Target, *packages: LockedPackage, extras: tuple[str, ...] = ()) -> Exported:
    return read_export(text, export(root, "poetry", *packages, extras=extras), root=root, target=target)


def pipenv(text: str, root: Path, target: Target, *packages: LockedPackage) -> Exported:
    packages = tuple(
        LockedPackage(
            name=one.name, version=one.version, path=one.path, index=one.index, marker=one.marker,
            hashes=one.hashes, groups=frozenset({"default"}),
        )
        for one in packages
    )  # fmt: skip
    return read_export(text, export(root, "pipenv", *packages), root=root, target=target)


def lines(found: Exported) -> list[str]:
    return [line.text for line in found.lines]


def test_an_export_of_poetry(root: Path, target: Target) -> None:
    text = (
        "--trusted-host x.example\n--index-url https://u:p@x.example/simple\n\n"
        f'-e file://{root}/libs/one ; python_version >= "3.10"\n'
        f'requests[socks,a]==2.32.3 ; python_version >= "3.10" and python_version < "4" \\\n    --hash={AA} \\\n'
        f"    --hash={BB}\n"
        'tomli==2.5.0 ; python_version < "3.11"\n'
        'colorama==0.4 ; sys_platform == "win32"\n'
        f'two @ file://{root}/libs/two%20words ; python_version >= "3.10"\n'
        f"archive @ file://{root}/libs/archive-1.0-py3-none-any.whl --hash={AA}\n"
        'far[x] @ git+https://x.example/far.git@abc#subdirectory=s ; python_version >= "3.10"\n'
    )
    packages = (package("one", path="libs/one"), package("requests", "2.32.3", index="https://x.example/simple"))
    found = poetry(text, root, target, *packages)
    assert [(pin.name, pin.kind, pin.path, pin.version) for pin in found.folders] == [
        ("one", "directory", "libs/one", None),
        ("two", "directory", "libs/two words", None),
    ]
    assert lines(found) == [
        "requests[a,socks]==2.32.3",
        "archive @ ",
        "far[x] @ git+https://x.example/far.git@abc#subdirectory=s",
    ]
    requests, archive, far = found.lines
    assert requests.index == "https://x.example/simple"
    assert archive.path == "libs/archive-1.0-py3-none-any.whl"
    assert (far.index, far.path) == (None, None)
    assert found.hashes["requests"] == {AA, BB}
    assert found.hashes["archive"] == {AA}


def test_what_applies_is_the_targets_affair(root: Path) -> None:
    text = 'a==1 ; python_version < "3.12"\na==2 ; python_version >= "3.12"\nb==1 ; platform_machine == "aarch64"\n'
    assert lines(poetry(text, root, target_of("python3.11", "arm64"))) == ["a==1", "b==1"]
    assert lines(poetry(text, root, target_of("python3.13", "x86_64"))) == ["a==2"]


def test_one_version_from_two_indexes(root: Path, target: Target) -> None:
    text = 'torch==2.0 ; sys_platform == "darwin"\ntorch==2.0 ; sys_platform == "linux"\n'
    packages = (
        package("torch", "2.0", index="mac", marker='sys_platform == "darwin"'),
        package("torch", "2.0", index="linux", marker='sys_platform == "linux"'),
        package("torch", "1.0", index="old"),
    )
    (line,) = poetry(text, root, target, *packages).lines
    assert line.index == "linux"
    chosen = (
        package("t", "1", index="cpu", marker='extra == "cpu"'),
        package("t", "1", index="gpu", marker='extra == "gpu"'),
    )
    (line,) = poetry("t==1\n", root, target, *chosen, extras=("gpu",)).lines
    assert line.index == "gpu"


def test_what_extras_bring_has_to_be_there(root: Path, target: Target) -> None:
    requests = package(
        "requests", "2", extras={"socks": ("PySocks (>=1.5.6,!=1.5.7)", 'win-inet ; sys_platform == "win32"', "?")}
    )
    locked = (requests, package("pysocks", "1.7.1"), package("win-inet", "1"))
    with pytest.raises(LockError, match=r"requests\[Socks\] brings pysocks, which the export lacks") as error:
        poetry("requests[Socks]==2\n", root, target, *locked)
    assert "win-inet" not in str(error.value)
    assert "tool.lambda.bundling.tools.poetry" in str(error.value.hint)
    assert len(poetry("requests[socks]==2\npysocks==1.7.1\n", root, target, *locked).lines) == 2
    assert len(poetry("requests[socks]==2\n", root, target, requests).lines) == 1


def test_an_export_of_pipenv(root: Path, target: Target) -> None:
    text = (
        "-i https://x.example/simple\n--extra-index-url https://${U}:${P}@y.example/simple\n"
        "-e ./libs/one\n./libs/two words\n./libs/archive-1.0-py3-none-any.whl\n"
        f"-e .\nidna==3.10 --hash={AA}\n"
        f"old==1; python_version < '3.11' --hash={AA}\n"
        "-e git+https://$TOKEN@x.example/far.git@abc#egg=far&subdirectory=s\n"
        "near@ git+https://x.example/near.git@abc\n"
        "windows@ git+https://x.example/windows.git@abc\n"
    )
    found = pipenv(
        text,
        root,
        target,
        package("one", path="./libs/one"),
        package("Two", path="libs/two words"),
        package("archive", path="./libs/archive-1.0-py3-none-any.whl", hashes=frozenset({BB})),
        package("here", path="."),
        package("idna", "==3.10", index="corp"),
        package("windows", marker="sys_platform == 'win32'"),
    )
    assert [(pin.name, pin.path) for pin in found.folders] == [("one", "libs/one"), ("two", "libs/two words")]
    assert lines(found) == [
        "archive @ ",
        "idna==3.10",
        "far @ git+https://${TOKEN}@x.example/far.git@abc#subdirectory=s",
        "near @ git+https://x.example/near.git@abc",
    ]
    assert found.hashes["archive"] == {BB}
    assert {line.name: line.index for line in found.lines}["idna"] == "corp"


@pytest.mark.parametrize("line", ["tomli; python_version < '3.11'", "tomli==*; python_version < '3.11'", "tomli*; x"])
def test_what_pipenv_locked_without_a_version(line: str, root: Path, target: Target) -> None:
    tomli = package("tomli", "*", marker="python_version < '3.11'")
    assert pipenv(f"{line}\n", root, target, tomli).lines == ()


def test_a_missing_version_that_is_needed(root: Path) -> None:
    tomli = package("tomli", "*", marker="python_version < '3.11'")
    with pytest.raises(LockError, match=r"tomli has no version, .* lock it with Python 3\.10"):
        pipenv("tomli; python_version < '3.11'\n", root, target_of("python3.10", "x86_64"), tomli)


def test_an_entry_and_what_lies_beside_it(root: Path, target: Target) -> None:
    asked = export(root / "app", "pipenv", package("one", path="../libs/one", groups=frozenset({"default"})))
    found = read_export("../libs/one\n-e .\n", asked, root=root, target=target)
    assert [pin.path for pin in found.folders] == ["libs/one"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("../outside", "leaves the project"),
        ("./libs/gone", "does not exist"),
        ("./libs/one", "the lock does not say the name of libs/one"),
        ("a==1 ; what", "is no marker"),
        ("a =! 1", "is no requirement, path or URL"),
        ("a==1 --odd", "unknown option --odd"),
        ("a==1 --hash=md5:1", "is no hash"),
        ("https://u:hush@x.example/a.whl ; what is", "is no marker"),
    ],
)
def test_lines_that_cannot_be_used(line: str, problem: str, root: Path, target: Target) -> None:
    with pytest.raises(
        LockError, match=f"poetry.lock cannot be used for .*\n.*line 1 of its export: .*{problem}"
    ) as error:
        poetry(f"{line}\n../further\n", root, target)
    assert "line 2" in str(error.value)
    assert "hush" not in str(error.value)


def test_a_marker_of_the_lock_that_is_none(root: Path, target: Target) -> None:
    with pytest.raises(LockError, match="'what' is no marker"):
        pipenv("a==1\n", root, target, package("a", "==1", marker="what"))


def test_credentials_are_in_no_representation(root: Path, target: Target) -> None:
    found = poetry("far @ git+https://u:hush@x.example/far.git@abc\n", root, target)
    assert "hush" in found.lines[0].text
    assert "hush" not in repr(found)
