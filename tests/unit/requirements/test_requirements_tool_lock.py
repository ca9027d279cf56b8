from __future__ import annotations

import json
from typing import Any

import pytest

from lambda_backend.requirements.project import poetry_dependencies
from lambda_backend.requirements.tool_lock import pipenv_lock, poetry_lock

POETRY: dict[str, Any] = {
    "package": [
        {
            "name": "Requests",
            "version": "2.32.3",
            "groups": ["main"],
            "extras": {"Socks": ["PySocks (>=1.5.6)"], "broken": "x"},
            "source": {"type": "legacy", "url": "https://u:p@x.example/simple/", "reference": "x"},
        },
        {"name": "local", "groups": ["main", "Dev"], "source": {"type": "directory", "url": "libs/local"}},
        {"name": "inner", "source": {"type": "directory", "url": "libs/", "subdirectory": "inner"}},
        {"name": "archive", "groups": ["docs"], "source": {"type": "file", "url": "libs/archive-1.whl"}},
        {"name": "repository", "source": {"type": "git", "url": "https://x.example/r.git", "subdirectory": "s"}},
        {"version": "1"},
        "odd",
    ],
    "extras": {"pdf": ["fpdf2"]},
    "metadata": {"lock-version": "2.1", "python-versions": ">=3.10,<4.0"},
}
PYPROJECT: dict[str, Any] = {
    "project": {"version": "1", "dependencies": ["requests"], "optional-dependencies": {"data": []}},
    "dependency-groups": {"lint": []},
    "tool": {
        "poetry": {
            "version": "1",
            "dependencies": {"Python": "^3.10", "requests": "*"},
            "group": {"docs": {}, "main": {}},
            "dev-dependencies": {},
            "extras": {"pdf": []},
        }
    },
}
PIPENV: dict[str, Any] = {
    "_meta": {
        "requires": {"python_version": "3.12"},
        "sources": [
            {"name": "pypi", "url": "https://x.example/simple", "verify_ssl": True},
            {"name": "corp", "url": "https://$USER:${PASS}@y.example/simple", "verify_ssl": False},
            {"name": "nowhere"},
        ],
    },
    "default": {
        "idna": {"version": "==3.10", "hashes": ["sha256:aa", 7], "index": "pypi"},
        "Local": {"path": "./libs/local", "editable": True, "markers": "python_version < '3.13'"},
        "far": {"file": "https://x.example/far-1.whl"},
        "odd": "1",
    },
    "develop": {"idna": {"version": "==3.10", "index": "corp"}},
    "docs": {"furo": {"version": "==1"}},
}
PIPFILE: dict[str, Any] = {
    "source": [],
    "packages": {},
    "dev-packages": {},
    "docs": {},
    "requires": {"python_version": "3.12"},
    "scripts": {},
}


def test_a_poetry_lock() -> None:
    lock = poetry_lock(POETRY, PYPROJECT)
    assert lock.tool == "poetry"
    assert {package.name: package.path for package in lock.packages} == {
        "requests": None,
        "local": "libs/local",
        "inner": "libs/inner",
        "archive": "libs/archive-1.whl",
        "repository": None,
    }
    assert lock.packages[0].index == "https://x.example/simple"
    assert lock.packages[0].extras == {"socks": ("PySocks (>=1.5.6)",)}
    assert lock.extras == ("pdf", "data")
    assert lock.groups == lock.group_names == ("docs", "lint", "dev")
    assert lock.chosen_groups(["Lint", "docs", "other", "lint"]) == ("lint", "docs")
    # What the lock says nothing of may belong to any group.
    assert [package.name for package in lock.packages_of(())] == ["requests", "local", "inner", "repository"]
    assert "archive" in [package.name for package in lock.packages_of(("docs",))]
    assert "p@" not in repr(lock)


def test_what_decides_an_export_of_poetry() -> None:
    deciding = poetry_lock(POETRY, PYPROJECT).deciding
    table = PYPROJECT["tool"]["poetry"]
    for other in (
        PYPROJECT | {"project": PYPROJECT["project"] | {"version": "2"}},
        PYPROJECT | {"tool": {"poetry": table | {"version": "2"}, "ruff": {}}},
    ):
        assert poetry_lock(POETRY, other).deciding == deciding
    for other in (
        PYPROJECT | {"project": PYPROJECT["project"] | {"dependencies": []}},
        PYPROJECT | {"tool": {"poetry": table | {"dependencies": {}}}},
        PYPROJECT | {"tool": {"poetry": table | {"source": [{"name": "x", "url": "https://x.example"}]}}},
        PYPROJECT | {"dependency-groups": {}},
    ):
        assert poetry_lock(POETRY, other).deciding != deciding


@pytest.mark.parametrize(
    ("version", "expected"), [("2.1", "2.5"), ("2.2", "2.5"), ("2.0", "2.4"), ("1.1", "2.4"), ("", "2.4"), ("x", "2.4")]
)
def test_the_poetry_that_a_lock_takes(version: str, expected: str) -> None:
    assert poetry_lock({"metadata": {"lock-version": version}}, {}).version == expected


@pytest.mark.parametrize(
    ("constraint", "allowed", "refused"),
    [
        (">=3.10,<4.0", "3.10 3.13 3.14", "3.9"),
        (">=3.10 <3.13", "3.10 3.12", "3.13"),
        ("^3.11", "3.11 3.14", "3.10"),
        ("~3.12", "3.12", "3.11 3.13"),
        ("~3", "3.10", ""),
        ("~3.12.4", "3.12", "3.13"),
        ("3.12.*", "3.12", "3.13"),
        ("3.12", "3.12", "3.11"),
        ("==3.12", "3.12", "3.11"),
        ("~3.10 || ~3.12", "3.10 3.12", "3.11"),
        ("!=3.11.*,>=3.10", "3.10 3.12", "3.11"),
        ("*", "3.10", ""),
        ("", "3.10", ""),
        ("what", "3.10", ""),
    ],
)
def test_pythons_in_the_words_of_poetry(constraint: str, allowed: str, refused: str) -> None:
    lock = poetry_lock({"metadata": {"python-versions": constraint}}, {})
    assert [python for python in allowed.split() if lock.refuses(python)] == []
    assert [python for python in refused.split() if not lock.refuses(python)] == []


def test_a_pipfile_lock() -> None:
    lock = pipenv_lock(PIPENV, PIPFILE, "text")
    assert (lock.tool, lock.extras, lock.deciding) == ("pipenv", (), "text")
    assert [(source.name, source.verified) for source in lock.sources] == [("pypi", True), ("corp", False)]
    assert lock.groups == ("dev-packages", "docs")
    assert lock.group_names == ("dev-packages", "docs", "dev")
    assert lock.chosen_groups(["docs", "dev", "dev-packages"]) == ("docs", "dev-packages")
    found = {package.name: package for package in lock.packages_of(())}
    assert set(found) == {"idna", "local", "far", "odd"}
    assert found["local"].path == "./libs/local"
    assert found["local"].marker == "python_version < '3.13'"
    assert found["far"].path is None
    assert found["idna"].hashes == {"sha256:aa"}
    # The later category's entry is the one that Pipenv exports.
    both = {package.name: package for package in lock.packages_of(("dev-packages",))}
    assert both["idna"].index == "corp"
    assert "furo" in {package.name for package in lock.packages_of(("docs",))}
    assert (lock.refuses("3.12"), lock.refuses("3.13")) == (False, True)
    assert "PASS" not in repr(lock)


@pytest.mark.parametrize("document", [{}, {"package": 1}, {"package": [{"name": 1}]}, {"metadata": []}])
def test_a_poetry_lock_of_another_shape_is_left_to_poetry(document: dict[str, Any]) -> None:
    lock = poetry_lock(document, {"tool": {"poetry": 1}, "project": []})
    assert (lock.packages, lock.extras, lock.groups, lock.refuses("3.13")) == ((), (), (), False)


@pytest.mark.parametrize("document", [{}, {"_meta": 1}, {"default": 1}, {"_meta": {"sources": [1], "requires": []}}])
def test_a_pipfile_lock_of_another_shape_is_left_to_pipenv(document: dict[str, Any]) -> None:
    lock = pipenv_lock(document, {}, json.dumps({}))
    assert (lock.packages, lock.sources, lock.groups, lock.refuses("3.13")) == ((), (), (), False)


def test_dependencies_of_poetry() -> None:
    assert poetry_dependencies(PYPROJECT) == {"requests": "*"}
    assert poetry_dependencies({}) == {}
