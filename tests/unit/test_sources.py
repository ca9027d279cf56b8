from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lambda_backend.documents import read_toml
from lambda_backend.errors import LockError
from lambda_backend.settings.load import load
from lambda_backend.settings.resolve import artifacts
from lambda_backend.sources import common_base, local_metadata, local_sources, locked, project_sources, refuse_outside

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lambda_backend.settings.resolve import ArtifactSettings

HEAD = '[project]\nname = "shop"\nversion = "1.0"\n[tool.lambda]\nruntime = "python3.13"\n'
HANDLER = 'handler = "shop.api.handler"\n'
UV_LOCK = """\
version = 1
revision = 3
[[package]]
name = "shop"
version = "1.0"
source = { editable = "." }
[[package]]
name = "idna"
version = "3.20"
source = { registry = "https://index.example/simple" }
wheels = [{ url = "https://index.example/idna-3.20-py3-none-any.whl" }]
"""


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def project(root: Path, table: str, files: Mapping[str, str] | None = None) -> tuple[ArtifactSettings, ...]:
    write(root, {"pyproject.toml": HEAD + table, **(files or {})})
    settings = load(root / "pyproject.toml", config_settings=None, environ={}).settings
    assert settings is not None
    return artifacts(settings)


def local(name: str, source: str) -> str:
    return f'[[package]]\nname = "{name}"\nversion = "1"\nsource = {source}\n'


def test_nothing_but_configuration(tmp_path: Path) -> None:
    asked = project(tmp_path, HANDLER, {"uv.toml": "", ".python-version": "3.13", "shop/api.py": ""})
    assert list(project_sources(asked, tmp_path)) == [".python-version", "pyproject.toml", "uv.toml"]


def test_a_requirements_file_and_all_that_it_names(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "-r more/base.txt\n./vendor/local\n./vendor/one-1-py3-none-any.whl\n",
        "more/base.txt": "idna==3.20\n",
        "vendor/local/setup.py": "",
        "vendor/local/src/local.py": "",
        "vendor/local/__pycache__/local.pyc": "",
        "vendor/one-1-py3-none-any.whl": "",
        "vendor/other.py": "",
    }
    asked = project(tmp_path, HANDLER, files)
    assert list(project_sources(asked, tmp_path)) == [
        "more/base.txt",
        "pyproject.toml",
        "requirements.txt",
        "vendor/local/setup.py",
        "vendor/local/src/local.py",
        "vendor/one-1-py3-none-any.whl",
    ]
    assert list(local_metadata(locked(asked[0], tmp_path))) == [
        tmp_path / "vendor" / "local" / "setup.py",
        tmp_path / "vendor" / "one-1-py3-none-any.whl",
    ]


def test_a_folder_of_archives_counts_by_all_of_them(tmp_path: Path) -> None:
    files = {"requirements.txt": "--find-links links\none\n", "links/one-1-py3-none-any.whl": "", "links/more/x": ""}
    asked = project(tmp_path, HANDLER, files)
    assert list(local_metadata(locked(asked[0], tmp_path))) == [tmp_path / "links" / "one-1-py3-none-any.whl"]


def test_a_lock_and_its_path_dependencies(tmp_path: Path) -> None:
    files = {
        "uv.lock": UV_LOCK + local("member", '{ editable = "packages/member" }') + local("one", '{ path = "one.whl" }'),
        "packages/member/pyproject.toml": "",
        "one.whl": "",
    }
    asked = project(tmp_path, HANDLER, files)
    assert list(project_sources(asked, tmp_path)) == [
        "one.whl",
        "packages/member/pyproject.toml",
        "pyproject.toml",
        "uv.lock",
    ]
    assert list(local_metadata(locked(asked[0], tmp_path))) == []
    refuse_outside(asked, tmp_path)
    assert common_base(asked, tmp_path) == tmp_path


def test_paths_of_a_pylock(tmp_path: Path) -> None:
    lock = (
        'lock-version = "1.0"\ncreated-by = "x"\n'
        '[[packages]]\nname = "a"\ndirectory = { path = "libs/a" }\n'
        '[[packages]]\nname = "b"\nsdist = { path = "b-1.tar.gz" }\n'
        '[[packages]]\nname = "c"\nwheels = [{ path = "c.whl" }, { path = 1 }]\n'
    )
    files = {"pylock.toml": lock, "libs/a/pyproject.toml": "", "b-1.tar.gz": "", "c.whl": ""}
    asked = project(tmp_path, HANDLER, files)
    names = ["b-1.tar.gz", "c.whl", "libs/a/pyproject.toml", "pylock.toml", "pyproject.toml"]
    assert list(project_sources(asked, tmp_path)) == names


POETRY_LOCK = """\
[[package]]
name = "local"
groups = ["main"]
[package.source]
type = "directory"
url = "../libs/local"
[[package]]
name = "checks"
groups = ["dev"]
[package.source]
type = "directory"
url = "../../checks"
[[package]]
name = "archive"
[package.source]
type = "file"
url = "archive-1.whl"
[[package]]
name = "itself"
[package.source]
type = "directory"
url = "."
"""
PIPFILE_LOCK = """\
{"default": {"local": {"path": "../libs/local"}, "archive": {"file": "archive-1.whl"}, "itself": {"path": "."},
             "far": {"file": "https://x.example/far.whl"}},
 "develop": {"checks": {"path": "../../checks"}}}
"""
OF_TOOLS = [({"app/pyproject.toml": "", "app/poetry.lock": POETRY_LOCK}, "poetry.lock"),
            ({"app/Pipfile": "[dev-packages]\n", "app/Pipfile.lock": PIPFILE_LOCK}, "Pipfile.lock")]  # fmt: skip


@pytest.mark.parametrize(("files", "lock"), OF_TOOLS)
def test_locks_of_poetry_and_pipenv(tmp_path: Path, files: dict[str, str], lock: str) -> None:
    root = tmp_path / "shop"
    more = {"libs/local/pyproject.toml": "", "libs/local/local.py": "", "app/archive-1.whl": "", "app/other.py": ""}
    asked = project(root, f'{HANDLER}lock = "app/{lock}"\n', {**files, **more})
    expected = {*files, "pyproject.toml", "libs/local/pyproject.toml", "libs/local/local.py", "app/archive-1.whl"}
    assert set(project_sources(asked, root)) == expected
    # What another group has by path need not be there.
    assert common_base(asked, root) == root
    refuse_outside(asked, root)
    if lock == "Pipfile.lock":
        asked = project(root, f'{HANDLER}lock = "app/{lock}"\ngroups = ["dev"]\n')
        with pytest.raises(LockError, match=rf"{lock} names the path dependency \.\./checks, which is not there"):
            common_base(asked, root)


@pytest.mark.parametrize(("files", "lock"), OF_TOOLS)
def test_a_lock_without_what_it_was_made_of(tmp_path: Path, files: dict[str, str], lock: str) -> None:
    (beside,) = [name for name in files if not name.endswith("lock")]
    asked = project(tmp_path, f'{HANDLER}lock = "app/{lock}"\n', {f"app/{lock}": files[f"app/{lock}"]})
    name = beside.removeprefix("app/")
    with pytest.raises(LockError, match=rf"tool\.lambda\.lock: {lock} has no {name} beside it"):
        locked(asked[0], tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"poetry.lock": "<<<<<<< HEAD"}, r"poetry\.lock is no valid TOML: .*\n.*`poetry lock`"),
        ({"Pipfile": "", "Pipfile.lock": "{"}, r"Pipfile\.lock is no valid JSON: .*\n.*`pipenv lock`"),
        ({"Pipfile": "", "Pipfile.lock": "[" * 100_000}, r"Pipfile\.lock is no valid JSON"),
        ({"Pipfile": "", "Pipfile.lock": "[]"}, r"Pipfile\.lock is no JSON object"),
        ({"Pipfile": "x", "Pipfile.lock": "{}"}, "Pipfile is no valid TOML"),
    ],
)
def test_broken_locks_of_poetry_and_pipenv(tmp_path: Path, files: dict[str, str], message: str) -> None:
    asked = project(tmp_path, HANDLER, files)
    with pytest.raises(LockError) as error:
        common_base(asked, tmp_path)
    assert re.search(message, str(error.value))


@pytest.mark.parametrize("lock", ['package = "x"', "package = [1]", 'package = [{ wheels = "x" }]', "package = 1"])
def test_a_lock_of_another_shape_is_left_to_its_reader(tmp_path: Path, lock: str) -> None:
    asked = project(tmp_path, HANDLER, {"uv.lock": lock})
    assert list(project_sources(asked, tmp_path)) == ["pyproject.toml", "uv.lock"]


def test_a_path_dependency_outside(tmp_path: Path) -> None:
    root = tmp_path / "services" / "shop"
    asked = project(root, HANDLER, {"uv.lock": UV_LOCK + local("common", '{ editable = "../../libs/common" }')})
    with pytest.raises(
        LockError, match=r"names the path dependency \.\./\.\./libs/common, which is not there"
    ) as error:
        common_base(asked, root)
    assert "--wheel" in str(error.value.hint)
    write(tmp_path, {"libs/common/pyproject.toml": "", "libs/common/common.py": ""})
    assert common_base(asked, root) == tmp_path.resolve()
    with pytest.raises(LockError, match="lies outside the project: the sdist cannot hold it"):
        refuse_outside(asked, root)
    assert "../../libs/common/common.py" in project_sources(asked, root)


def test_requirements_files_lie_inside(tmp_path: Path) -> None:
    asked = project(tmp_path, HANDLER, {"requirements.txt": "./vendor\n", "vendor/setup.py": ""})
    refuse_outside(asked, tmp_path)
    assert common_base(asked, tmp_path) == tmp_path


def test_entries_and_includes(tmp_path: Path) -> None:
    table = (
        'include = [{ from = "conf/*.json", to = "conf" }]\n'
        '[tool.lambda.functions.worker]\nentry = "functions/worker"\nexclude = ["notes.md"]\n'
    )
    files = {
        "functions/worker/index.py": "",
        "functions/worker/notes.md": "",
        "functions/worker/requirements.txt": "idna==3.20",
        "conf/a.json": "{}",
        "conf/b.yaml": "",
    }
    asked = project(tmp_path, table, files)
    (tmp_path / "functions" / "worker" / "link.json").symlink_to("../../conf/a.json")
    found = project_sources(asked, tmp_path)
    assert list(found) == [
        "conf/a.json",
        "functions/worker/index.py",
        "functions/worker/link.json",
        "functions/worker/requirements.txt",
        "pyproject.toml",
    ]


def test_a_local_archive_or_folder(tmp_path: Path) -> None:
    write(tmp_path, {"root/a.whl": "", "root/lib/x.py": "", "beside/y.py": ""})
    root = tmp_path / "root"
    assert list(local_sources(root / "a.whl", root)) == ["a.whl"]
    assert list(local_sources(root / "lib", root)) == ["lib/x.py"]
    assert list(local_sources(tmp_path / "beside", root)) == ["../beside/y.py"]


def test_toml(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    assert read_toml(path) == {}
    path.write_text("a = 1")
    assert read_toml(path) == {"a": 1}
    for content in (b"a =", b'a = "\xff"'):
        path.write_bytes(content)
        with pytest.raises(LockError, match=r"a\.toml is no valid TOML"):
            read_toml(path)


def test_the_context_of_an_image_and_what_says_what_is_left_out(tmp_path: Path) -> None:
    files = {
        "docker/Dockerfile": "FROM a\n",
        "docker/lib/a.h": "",
        "docker/notes.md": "",
        "docker/.dockerignore": "*.md\n",
        "layer/Containerfile": "FROM a\n",
    }
    table = HANDLER + (
        '[tool.lambda.bundling]\nimage = { context = "docker" }\n'
        '[tool.lambda.layers.deps.bundling]\nimage = { context = "layer" }\n'
    )
    asked = project(tmp_path, table, files)
    assert list(project_sources(asked, tmp_path)) == [
        "docker/.dockerignore",
        "docker/Dockerfile",
        "docker/lib/a.h",
        "layer/Containerfile",
        "pyproject.toml",
    ]


def test_the_context_of_an_image_may_be_the_project(tmp_path: Path) -> None:
    files = {"Dockerfile": "FROM a\n", "made/old.zip": "", "dist/old.zip": "", "build/lib/a.py": "", "shop/api.py": ""}
    asked = project(tmp_path, HANDLER + '[tool.lambda.bundling]\nimage = { file = "Dockerfile" }\n', files)
    found = project_sources(asked, tmp_path, [tmp_path / "made"])
    assert list(found) == ["Dockerfile", "pyproject.toml", "shop/api.py"]
