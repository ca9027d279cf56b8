"""The command around the locker: what it prints, what it writes, what it leaves alone."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.helpers.package_index import serving
from tests.helpers.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

PROJECT = """
[project]
name = "shop"
version = "1"
dependencies = {dependencies}

[tool.lambda]
runtime = "python3.13"
handler = "shop.app.handler"
{more}
"""


@pytest.fixture
def links(tmp_path: Path) -> Path:
    folder = tmp_path / "links"
    folder.mkdir()
    make_wheel(folder, "a", "1")
    make_wheel(folder, "b", "1")
    return folder


@pytest.fixture
def lock(command: Callable[..., Result], links: Path) -> Iterator[Callable[..., Result]]:
    """Runs the command where there is no other index."""
    with serving(links) as index:
        environment = {"UV_DEFAULT_INDEX": index.url, "UV_NO_CACHE": "1", "UV_NO_CONFIG": "1"}
        yield lambda *arguments: command("lock", *arguments, env=environment)


def project(folder: Path, dependencies: str = '["a"]', more: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    text = PROJECT.format(dependencies=dependencies, more=more)
    (folder / "pyproject.toml").write_text(text, "utf-8")
    return folder


def test_the_path_is_for_scripts_and_the_news_for_the_person(
    lock: Callable[..., Result], links: Path, tmp_path: Path
) -> None:
    made = project(tmp_path / "shop")
    first = lock(made)
    assert (first.exit_code, first.stdout) == (0, f"{made}/pylock.lambda.toml\n")
    assert first.stderr.splitlines() == [
        "lambda-backend: locking shop for python3.13-x86_64",
        "lambda-backend: the project: 1 distribution in pylock.lambda.toml",
    ]
    make_wheel(links, "a", "2")
    project(tmp_path / "shop", '["a", "b"]')
    second = lock(made)
    assert second.stderr.splitlines()[1:] == [
        "lambda-backend: the project: 2 distributions in pylock.lambda.toml",
        "lambda-backend:   b (new) → 1",
    ]
    project(tmp_path / "shop")
    third = lock(made, "--upgrade")
    assert third.stderr.splitlines()[2:] == ["lambda-backend:   a 1 → 2", "lambda-backend:   b 1 → (gone)"]


def test_entries(lock: Callable[..., Result], tmp_path: Path) -> None:
    made = project(tmp_path / "shop", more='[tool.lambda.functions.worker]\nentry = "worker"\n')
    (made / "worker").mkdir()
    (made / "worker/requirements.txt").write_text("b\n")
    result = lock(made)
    assert result.stdout == f"{made}/pylock.lambda.toml\n{made}/worker/pylock.lambda.toml\n"
    assert "worker: 1 distribution in pylock.lambda.toml" in result.stderr
    assert 'name = "b"' in (made / "worker/pylock.lambda.toml").read_text()


def test_all_or_nothing(lock: Callable[..., Result], tmp_path: Path) -> None:
    made = project(tmp_path / "shop", more='[tool.lambda.functions.worker]\nentry = "worker"\n')
    (made / "worker").mkdir()
    (made / "worker/requirements.txt").write_text("nothing-like-it\n")
    result = lock(made)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "lambda-backend: error: tool.lambda.functions.worker: " in result.stderr
    assert "nothing-like-it was not found" in result.stderr
    assert not list(made.rglob("pylock*"))


def test_nothing_to_lock(lock: Callable[..., Result], tmp_path: Path) -> None:
    result = lock(project(tmp_path / "shop", "[]"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert "the project asks for no distribution: there is nothing to lock" in result.stderr


def test_without_a_table(lock: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    result = lock(tmp_path)
    assert result.exit_code == 1
    assert "no [tool.lambda] table" in result.stderr


def test_a_file_that_is_named_is_left_alone(lock: Callable[..., Result], tmp_path: Path) -> None:
    made = project(tmp_path / "shop", more='lock = "uv.lock"')
    (made / "uv.lock").write_text("version = 1\n")
    result = lock(made, "--force")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "tool.lambda.lock names uv.lock, which its builds use" in result.stderr


def test_another_tools_lock_is_converted_on_demand(lock: Callable[..., Result], links: Path, tmp_path: Path) -> None:
    made = project(tmp_path / "shop")
    digest = hashlib.sha256((links / "a-1-py3-none-any.whl").read_bytes()).hexdigest()
    url = "https://x.example/a-1-py3-none-any.whl"
    (made / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "other"\n[[packages]]\nname = "a"\nversion = "1"\n'
        f'wheels = [{{ url = "{url}", hashes = {{ sha256 = "{digest}" }} }}]\n'
        '[[packages]]\nname = "win"\nversion = "1"\nmarker = "sys_platform == \'win32\'"\n'
        f'wheels = [{{ url = "https://x.example/win-1-py3-none-any.whl", hashes = {{ sha256 = "{digest}" }} }}]\n'
    )
    result = lock(made)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "the project has pylock.toml, which its builds use; --force makes pylock.lambda.toml of it" in result.stderr
    result = lock(made, "--force")
    assert result.stdout == f"{made}/pylock.lambda.toml\n"
    text = (made / "pylock.lambda.toml").read_text()
    assert url in text
    assert "win" not in text
    assert "the project has pylock.toml too; --force makes" in lock(made).stderr
