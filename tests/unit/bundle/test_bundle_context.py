from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from lambda_backend.bundle.context import BuildContext, build_context
from lambda_backend.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY = "tool.lambda.bundling.image"


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def found(root: Path, context: str = "docker", file: str | None = None, **more: object) -> BuildContext:
    return build_context(root, context, file, key=KEY, **more)  # type: ignore[arg-type]


def test_all_files_of_the_folder_in_order(tmp_path: Path) -> None:
    write(tmp_path, {"docker/Containerfile": "", "docker/b/c": "", "docker/a": "", "other/d": ""})
    context = found(tmp_path)
    assert list(context.files) == ["Containerfile", "a", "b/c"]
    assert context.file == "Containerfile"
    assert context.files["b/c"] == tmp_path / "docker/b/c"
    assert context.ignore is None


@pytest.mark.parametrize(
    ("files", "file", "chosen"),
    [
        (["Containerfile", "Dockerfile"], None, "Containerfile"),
        (["Dockerfile"], None, "Dockerfile"),
        (["Dockerfile", "sub/My.file"], "./sub/../sub/My.file", "sub/My.file"),
    ],
)
def test_which_containerfile(tmp_path: Path, files: list[str], file: str | None, chosen: str) -> None:
    write(tmp_path / "docker", dict.fromkeys(files, "FROM x"))
    context = found(tmp_path, file=file)
    assert context.file == chosen
    assert context.text() == "FROM x"


@pytest.mark.parametrize(
    ("context", "file", "message"),
    [
        ("none", None, f"{KEY}.context: there is no folder 'none'"),
        ("docker", None, f"{KEY}: there is neither a Containerfile nor a Dockerfile in 'docker'"),
        ("docker", "Some", f"{KEY}.file: there is no file 'Some' in 'docker'"),
        ("docker", "folder", f"{KEY}.file: there is no file 'folder' in 'docker'"),
        ("out", None, f"{KEY}.context: 'out' leaves the project by a link"),
        ("docker", "Out", f"{KEY}.file: 'Out' leaves the project by a link"),
    ],
)
def test_what_is_not_there_is_told_by_its_key(tmp_path: Path, context: str, file: str | None, message: str) -> None:
    root = write(tmp_path / "root", {"docker/folder/a": ""})
    write(tmp_path / "beside", {"Containerfile": ""})
    (root / "out").symlink_to(tmp_path / "beside")
    (root / "docker/Out").symlink_to(tmp_path / "beside/Containerfile")
    with pytest.raises(BundleError) as caught:
        found(root, context, file)
    assert caught.value.message == message
    assert caught.value.hint


def test_ignored_files_stay_out_and_the_containerfile_stays_in(tmp_path: Path) -> None:
    write(tmp_path / "docker", {"Dockerfile": "", ".dockerignore": "*\n!a\n", "a": "", "b": "", "sub/c": ""})
    context = found(tmp_path)
    assert list(context.files) == ["Dockerfile", "a"]
    assert context.ignore == tmp_path / "docker/.dockerignore"
    assert set(context.read) == {tmp_path / "docker" / name for name in ("Dockerfile", "a", ".dockerignore")}


def test_which_ignore_file(tmp_path: Path) -> None:
    names = ("x/File.containerignore", "x/File.dockerignore", ".containerignore", ".dockerignore")
    write(tmp_path / "docker", {"x/File": "", **{name: name for name in names}})
    for name in names:
        context = found(tmp_path, file="x/File")
        assert context.ignore == tmp_path / "docker" / name
        assert name not in context.files
        (tmp_path / "docker" / name).unlink()
    assert found(tmp_path, file="x/File").ignore is None


def test_a_bad_line_is_told_by_the_key_and_the_file(tmp_path: Path) -> None:
    write(tmp_path / "docker", {"Dockerfile": "", ".dockerignore": "[\n"})
    with pytest.raises(BundleError, match=r"^tool\.lambda\.bundling\.image: \.dockerignore, line 1"):
        found(tmp_path)


DEFAULTS = {
    "Dockerfile": "",
    ".git/config": "",
    "src/__pycache__/a.pyc": "",
    "src/a.py": "",
    "env/pyvenv.cfg": "",
    "env/lib/b.py": "",
    "x.egg-info/c": "",
}


def test_what_is_of_no_use_to_anybody_stays_out(tmp_path: Path) -> None:
    write(tmp_path / "docker", DEFAULTS)
    assert list(found(tmp_path).files) == ["Dockerfile", "src/a.py"]


def test_a_list_of_what_is_wanted_does_not_bring_caches_back(tmp_path: Path) -> None:
    write(tmp_path / "docker", {**DEFAULTS, ".dockerignore": "*\n!src\n"})
    assert list(found(tmp_path).files) == ["Dockerfile", "src/a.py"]


def test_a_line_about_a_default_brings_it_back(tmp_path: Path) -> None:
    write(tmp_path / "docker", {**DEFAULTS, ".dockerignore": "!.git\n!env\n!**/*.pyc\n"})
    assert list(found(tmp_path).files) == [".git/config", "Dockerfile", "env/lib/b.py", "env/pyvenv.cfg", "src/a.py"]


def test_of_the_project_s_root_what_builds_write_is_out(tmp_path: Path) -> None:
    names = ("Dockerfile", "a", "build/x", "dist/x", "made/x", "PKG-INFO", "setup.cfg", "sub/build/x", "sub/setup.cfg")
    write(tmp_path, dict.fromkeys(names, ""))
    context = found(tmp_path, ".", outputs=[tmp_path / "made"])
    assert list(context.files) == ["Dockerfile", "a", "sub/build/x", "sub/setup.cfg"]


def test_links_are_followed_in_the_project_and_refused_outside(tmp_path: Path) -> None:
    root = write(tmp_path / "root", {"docker/Dockerfile": "", "shared/a": "shared", "docker/b": ""})
    (root / "docker/in").symlink_to("../shared")
    assert list(found(root).files) == ["Dockerfile", "b", "in/a"]
    (root / "docker/out").symlink_to("../../x")
    (root / "docker/loop").symlink_to(".")
    with pytest.raises(BundleError) as caught:
        found(root)
    assert caught.value.message.startswith(f"{KEY}.context: ")
    assert "'loop' is a link" in caught.value.message
    assert "'out' is a link" in caught.value.message
    (root / "docker/.dockerignore").write_text("out\nloop\n")
    assert list(found(root).files) == ["Dockerfile", "b", "in/a"]


def test_contents_and_modes_decide_the_digest_and_nothing_else_does(tmp_path: Path) -> None:
    files = {"Dockerfile": "FROM x", "a": "1", "skipped": "2", ".dockerignore": "skipped\n"}
    one, two = (write(tmp_path / name / "docker", files).parent for name in ("one", "two"))
    first = found(one).digest()
    os.utime(two / "docker/a", (1, 1))
    (two / "docker/a").chmod(0o600)
    (two / "docker/skipped").write_text("3")
    (two / "docker/.dockerignore").write_text("# the same\nskipped\n")
    assert found(two).digest() == first
    (two / "docker/a").chmod(0o700)
    assert found(two).digest() != first
    (two / "docker/a").chmod(0o600)
    (two / "docker/a").write_text("4")
    assert found(two).digest() != first


def test_staged_copies_are_the_same_everywhere(tmp_path: Path) -> None:
    root = write(tmp_path / "root", {"docker/Dockerfile": "FROM x", "docker/sub/run": "#!", "shared/a": "shared"})
    (root / "docker/sub/run").chmod(0o700)
    (root / "docker/Dockerfile").chmod(0o600)
    (root / "docker/link").symlink_to("../shared/a")
    stage = tmp_path / "stage"
    stage.mkdir()
    old = os.umask(0o077)
    try:
        found(root).stage(stage)
    finally:
        os.umask(old)
    modes = {path.relative_to(stage).as_posix(): stat.S_IMODE(path.lstat().st_mode) for path in stage.rglob("*")}
    assert modes == {"Dockerfile": 0o644, "link": 0o644, "sub": 0o755, "sub/run": 0o755}
    assert (stage / "link").read_text() == "shared"
    assert {path.stat().st_mtime for path in stage.rglob("*")} == {315_532_800}
