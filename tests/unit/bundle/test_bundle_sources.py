"""Excludes, entries, includes, folders: what of a project's sources ships."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_backend.bundle.entry import entry_members
from lambda_backend.bundle.excludes import Excludes
from lambda_backend.bundle.folder import folder_digest, folder_files
from lambda_backend.bundle.include import include_members
from lambda_backend.bundle.model import Member
from lambda_backend.bundle.paths import normalised, path_problem
from lambda_backend.bundle.sources import content, files_digest, fingerprint
from lambda_backend.errors import BundleError


def put(root: Path, *paths: str) -> None:
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)


def shipped(folder: Path, *patterns: str, root: Path | None = None) -> list[str]:
    return [member.path for member in entry_members(folder, Excludes(patterns), root=root or folder.parent)]


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "entry"
    folder.mkdir(parents=True)
    return folder


JUNK = (
    ".git/config",
    ".venv/lib/x.py",
    "a/__pycache__/x.cpython-313.pyc",
    "a/b.pyc",
    ".tox/x",
    ".nox/x",
    ".mypy_cache/x",
    ".ruff_cache/x",
    ".pytest_cache/x",
    ".hg/x",
    ".svn/x",
    "a/.DS_Store",
    ".idea/x",
    ".vscode/x",
    "node_modules/x",
    "htmlcov/x",
    ".coverage",
    ".coverage.host.1",
    "src/x.egg-info/PKG-INFO",
    "build/lib/x.py",
)
INPUTS = (
    "requirements.txt",
    "uv.lock",
    "poetry.lock",
    "Pipfile",
    "Pipfile.lock",
    "pylock.toml",
    "pylock.lambda.toml",
    "pyproject.toml",
)
KEPT = ("a/build/x.py", "a/requirements.txt", "dist/x.js", "index.py", "x-1.0.dist-info/METADATA")


def test_entry_leaves_out_what_nobody_ships(entry: Path) -> None:
    put(entry, *JUNK, *INPUTS, *KEPT)
    put(entry, "env/pyvenv.cfg", "env/lib/x.py", "a/.git")
    assert shipped(entry) == sorted(KEPT)


@pytest.mark.parametrize("path", [*JUNK, *INPUTS])
def test_patterns_take_back_in(entry: Path, path: str) -> None:
    put(entry, path, "index.py")
    first = path.split("/", maxsplit=1)[0]
    assert path not in shipped(entry)
    assert path not in shipped(entry, "!other")
    assert path in shipped(entry, f"!{first}", f"!{path}")
    assert path in shipped(entry, f"!{path}")


def test_a_virtual_environment_comes_back_by_its_name(entry: Path) -> None:
    put(entry, "env/pyvenv.cfg", "env/lib/x.py", "env/lib/y.pyc")
    assert shipped(entry, "!env/lib/x.py") == []
    assert shipped(entry, "!env") == ["env/lib/x.py", "env/pyvenv.cfg"]


def test_the_projects_own_dist_is_output(entry: Path) -> None:
    put(entry, "dist/old.zip", "index.py", "out/a.zip")
    assert shipped(entry, root=entry) == ["index.py", "out/a.zip"]
    found = entry_members(entry, Excludes(), root=entry, outputs=[entry / "out", entry, entry / "none"])
    assert [member.path for member in found] == ["index.py"]


def test_user_patterns(entry: Path) -> None:
    put(entry, "tests/a.py", "tests/keep.py", "a.pyi", "b/tests/c.py", "index.py")
    assert shipped(entry, "/tests/", "*.pyi") == ["b/tests/c.py", "index.py"]
    assert shipped(entry, "tests/", "!tests/keep.py") == ["a.pyi", "index.py", "tests/keep.py"]


@pytest.mark.parametrize("pattern", ["!", "\\", "a[z-a]"])
def test_no_pattern(pattern: str) -> None:
    with pytest.raises(BundleError, match=r"tool\.lambda\.exclude"):
        Excludes([pattern])


def test_excludes_as_a_key() -> None:
    assert Excludes(["a"]).key == Excludes(["a"]).key != Excludes(["b"]).key


def test_installed_distributions_keep_what_looks_like_junk() -> None:
    paths = ["build/x.py", "node_modules/x", "x.egg-info/PKG-INFO", ".git/x", "__pycache__.py"]
    for excludes in (Excludes(), Excludes(["other"])):
        assert not [path for path in paths if excludes.excluded_installed(path)]
        assert excludes.excluded_installed("a/__pycache__/x.pyo")
        assert excludes.excluded_installed("a/x.pyc")
    assert not Excludes(["!*.pyc"]).excluded_installed("a/x.pyc")
    assert not Excludes().excluded("a/x.pyc")


def test_pathspec_is_imported_only_for_patterns() -> None:
    script = """
import sys
from lambda_backend.bundle.excludes import Excludes
assert not Excludes().excluded("a") and not Excludes().excluded_installed("a")
assert "pathspec" not in sys.modules
"""
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script], check=True, env=environ)


def test_links_inside_the_project_ship_as_what_they_lead_to(entry: Path) -> None:
    root = entry.parent
    put(root, "common/a.py", "common/deep/b.py", "one.py")
    (root / "common" / "a.py").chmod(0o755)
    (entry / "common").symlink_to("../common")
    (entry / "again").symlink_to(root / "common" / "deep")
    (entry / "one.py").symlink_to("../one.py")
    members = {member.path: member for member in entry_members(entry, Excludes(), root=root)}
    assert sorted(members) == ["again/b.py", "common/a.py", "common/deep/b.py", "one.py"]
    assert content(members["one.py"].source) == b"one.py"
    assert members["common/a.py"].executable
    assert not members["one.py"].executable
    assert members["one.py"].owner == "entry"


def test_everything_in_the_way_is_named_at_once(entry: Path) -> None:
    put(entry, "a/x.py")
    put(entry.parent.parent, "secret")
    (entry / "dangling").symlink_to("nowhere")
    (entry / "self").symlink_to("self")
    (entry / "a" / "up").symlink_to("..")
    (entry / "out").symlink_to("../../secret")
    (entry / "back\\slash").touch()
    (entry / "control\n").touch()
    os.mkfifo(entry / "fifo")
    (Path(os.fsdecode(os.fsencode(entry) + b"/\xff"))).touch()
    with pytest.raises(BundleError) as caught:
        shipped(entry)
    text = str(caught.value)
    for line in (
        "'dangling' is a link to 'nowhere' that leads nowhere",
        "'self' is a link to 'self' that leads nowhere",
        "'a/up' is a link to '..', a folder that it is in",
        "'out' is a link to '../../secret', outside project",
        "'back\\\\slash' has a backslash",
        "'control\\n' has a control character",
        "'fifo' is neither a file nor a folder",
        "'\\udcff' is not UTF-8",
    ):
        assert line in text
    # What is left out is in nobody's way.
    patterns = ("dangling", "self", "up", "out", "back*", "control*", "fifo", "[!a]")
    assert shipped(entry, *patterns) == ["a/x.py"]


def test_names_are_nfc_and_not_twice(entry: Path) -> None:
    composed, decomposed = "é.py", unicodedata.normalize("NFD", "é.py")
    put(entry, decomposed)
    member = entry_members(entry, Excludes(), root=entry)[0]
    assert member.path == composed
    assert content(member.source) == decomposed.encode()
    put(entry, composed)
    if len(list(entry.iterdir())) == 1:
        pytest.skip("this file system normalises names itself")
    with pytest.raises(BundleError, match="is there twice"):
        shipped(entry)


def test_what_cannot_be_read(entry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(entry, "a/x.py", "b.py")
    real_scan = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied")
        found = list(real_scan(path))
        (entry / "b.py").unlink()
        return contextlib.nullcontext(found)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(BundleError, match=r"(?s)'a' cannot be read: Permission.*'b.py' cannot be read: No such file"):
        shipped(entry)


def test_an_entry_has_to_be_a_folder_in_the_project(entry: Path) -> None:
    root = entry.parent
    put(root, "file")
    put(root.parent, "outside/index.py")
    (root / "link").symlink_to("../outside")
    for path, message in (("file", "is no folder"), ("none", "is no folder"), ("../outside", "lies outside")):
        with pytest.raises(BundleError, match=message):
            shipped(root / path, root=root)
    with pytest.raises(BundleError, match="lies outside"):
        shipped(root / "link", root=root)


def included(root: Path, pattern: str, to: str = "") -> list[str]:
    return [member.path for member in include_members(pattern, to, root=root, key="tool.lambda.include[0]")]


@pytest.mark.parametrize(
    ("pattern", "to", "expected"),
    [
        ("conf/a.json", "", ["a.json"]),
        ("conf/a.json", "conf", ["conf/a.json"]),
        ("./conf/a.json", "./x//y/", ["x/y/a.json"]),
        ("conf/*.json", "conf", ["conf/a.json", "conf/b.json"]),
        ("conf", "c", ["c/a.json", "c/b.json", "c/deep/c.json", "c/deep/d.txt"]),
        ("conf/", ".", ["a.json", "b.json", "deep/c.json", "deep/d.txt"]),
        ("conf/**", "c", ["c/a.json", "c/b.json", "c/deep/c.json", "c/deep/d.txt"]),
        ("conf/**/*.json", "c", ["c/a.json", "c/b.json", "c/deep/c.json"]),
        ("**/*.json", "", ["conf/a.json", "conf/b.json", "conf/deep/c.json"]),
        ("**/deep", "", ["conf/deep/c.json", "conf/deep/d.txt"]),
        ("**/**/d.txt", "", ["conf/deep/d.txt"]),
        ("*/deep/[cd].*", "", ["conf/deep/c.json", "conf/deep/d.txt"]),
        ("co?f/d*", "x", ["x/conf/deep/c.json", "x/conf/deep/d.txt"]),
        ("build/made.txt", "", ["made.txt"]),
        ("build", "", ["made.txt"]),
    ],
)
def test_include(tmp_path: Path, pattern: str, to: str, expected: list[str]) -> None:
    put(tmp_path, "conf/a.json", "conf/b.json", "conf/deep/c.json", "conf/deep/d.txt", "build/made.txt", "other")
    put(tmp_path, "conf/__pycache__/x.json", ".venv/x.json")
    assert included(tmp_path, pattern, to) == expected


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [
        (["!__pycache__"], ["c/__pycache__/x.pyc", "c/a.json", "c/deep/b.json"]),
        (["!*.pyc", "!__pycache__/"], ["c/__pycache__/x.pyc", "c/a.json", "c/deep/b.json"]),
        (["/c/deep"], ["c/a.json"]),
        (["deep/", "!c/deep/b.json"], ["c/a.json", "c/deep/b.json"]),
        (["/deep"], ["c/a.json", "c/deep/b.json"]),
        (["*"], []),
    ],
)
def test_include_heeds_exclude(tmp_path: Path, exclude: list[str], expected: list[str]) -> None:
    put(tmp_path, "conf/a.json", "conf/deep/b.json", "conf/__pycache__/x.pyc")
    members = include_members("conf", "c", root=tmp_path, key="k", excludes=Excludes(exclude))
    assert [member.path for member in members] == expected


def test_include_looks_into_no_output(tmp_path: Path) -> None:
    put(tmp_path, "a.json", "dist/x.json", "build/lib/x.json", "zips/x.json", "pkg/build/b.json")
    members = include_members("**/*.json", "", root=tmp_path, key="k", outputs=[tmp_path / "zips"])
    assert [member.path for member in members] == ["a.json", "pkg/build/b.json"]
    (member,) = include_members("dist/x.json", "", root=tmp_path, key="k", outputs=[tmp_path / "dist"])
    assert member.path == "x.json"


def test_include_without_an_excluded_broken_link(tmp_path: Path) -> None:
    put(tmp_path, "conf/a.json")
    (tmp_path / "conf/broken").symlink_to("nowhere")
    with pytest.raises(BundleError, match="leads nowhere"):
        include_members("conf", "", root=tmp_path, key="k")
    (member,) = include_members("conf", "", root=tmp_path, key="k", excludes=Excludes(["broken"]))
    assert member.path == "a.json"


def test_include_keeps_modes_and_owner(tmp_path: Path) -> None:
    put(tmp_path, "x", "y")
    (tmp_path / "x").chmod(0o755)
    for pattern in ("x", "[x]"):
        (member,) = include_members(pattern, "", root=tmp_path, key="k")
        assert member.executable
        assert member.owner == "include"
    assert not include_members("y", "", root=tmp_path, key="k")[0].executable


@pytest.mark.parametrize(
    ("pattern", "to", "message"),
    [
        ("none", "", r"include\[0\]\.from: nothing matches 'none'"),
        ("*.none", "", "nothing matches"),
        ("__pycache__/*", "", "nothing matches"),
        ("../x", "", "leaves the project"),
        ("/etc/passwd", "", "leaves the project"),
        ("link/x", "", "leaves the project by a link"),
        ("link", "", "leaves the project by a link"),
        ("*", "", "outside"),
        ("**/x", "", "outside"),
        ("a/x", "../up", r"include\[0\]\.to"),
    ],
)
def test_include_refuses(tmp_path: Path, pattern: str, to: str, message: str) -> None:
    root = tmp_path / "project"
    put(root, "a/x")
    put(tmp_path, "outside/x")
    (root / "link").symlink_to("../outside")
    with pytest.raises(BundleError, match=message):
        included(root, pattern, to)


def test_an_unmatched_link_is_in_nobodys_way(tmp_path: Path) -> None:
    put(tmp_path, "a/x.json")
    (tmp_path / "a" / "dangling").symlink_to("nowhere")
    assert included(tmp_path, "a/*.json") == ["x.json"]


def test_folder_files(tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    put(folder, "pyproject.toml", "src/x.py", "build/x", "dist/x", "x.egg-info/PKG-INFO")
    (folder / "dangling").symlink_to("nowhere")
    found = folder_files(folder, Excludes(), root=tmp_path)
    assert [file.relative_to(folder).as_posix() for file in found] == ["pyproject.toml", "src/x.py"]


def test_folder_digest_follows_what_counts(tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "two"):
        put(tmp_path / name, "pyproject.toml", "src/x.py")
        digests.add(folder_digest(tmp_path / name, Excludes()))
    put(tmp_path / "two", "build/x", "src/__pycache__/x.pyc")
    digests.add(folder_digest(tmp_path / "two", Excludes(), root=tmp_path))
    assert len(digests) == 1
    (tmp_path / "two" / "src" / "x.py").chmod(0o755)
    digests.add(folder_digest(tmp_path / "two", Excludes()))
    put(tmp_path / "two", "src/y.py")
    digests.add(folder_digest(tmp_path / "two", Excludes()))
    (tmp_path / "two" / "src" / "y.py").write_text("other")
    digests.add(folder_digest(tmp_path / "two", Excludes()))
    assert len(digests) == 4


def test_excluded_files_are_not_even_opened(tmp_path: Path) -> None:
    put(tmp_path, "a")
    before = folder_digest(tmp_path, Excludes(["secret"]))
    os.mkfifo(tmp_path / "secret")
    assert folder_digest(tmp_path, Excludes(["secret"])) == before


def test_fingerprint_does_not_depend_on_order_or_form(tmp_path: Path) -> None:
    put(tmp_path, "a")
    members = [Member(path="a", source=tmp_path / "a"), Member(path="b", source=b"b")]
    assert fingerprint(members) == fingerprint([members[1], Member(path="a", source=b"a", owner="x")])


def test_digests_of_files_that_are_gone(tmp_path: Path) -> None:
    for action in (
        lambda: fingerprint([Member(path="a", source=tmp_path / "gone")]),
        lambda: files_digest({"a": tmp_path / "gone"}),
        lambda: content(tmp_path / "gone"),
    ):
        with pytest.raises(BundleError, match="gone cannot be read"):
            action()


def test_a_path_too_long_for_linux() -> None:
    assert path_problem("é" * 2001) == "is longer than 4000 bytes"
    assert path_problem("é" * 2000) is None


@given(st.text(max_size=30))
def test_a_path_without_problem_is_a_plain_one(path: str) -> None:
    path = normalised(path)
    if path_problem(path) is None:
        assert str(Path(path)) == path
        assert not Path(path).is_absolute()
        assert ".." not in Path(path).parts
        assert path.encode().decode() == path
