from __future__ import annotations

import re
import sys

from packaging.utils import canonicalize_name

from lambda_backend.requirements.exported import ExportedLine
from lambda_backend.requirements.indexes import Index
from lambda_backend.requirements.uv_project import index_options, index_variables, uv_project

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PLAIN = Index(name="lambda-backend-0", key="one", url="https://one.example/simple")
CORP = Index(name="lambda-backend-1", key="two", url="https://two.example/simple", user="u", password="hush")  # noqa: S106


def line(text: str, **more: str) -> ExportedLine:
    return ExportedLine(name=canonicalize_name(re.match(r"\w+", text)[0]), text=text, **more)


def test_each_requirement_has_its_index() -> None:
    lines = [
        line("idna==3.10", index="one"),
        line("corp[x]==1", index="two"),
        line("six==1.17.0"),
        line("odd==1", index="elsewhere"),
        line("archive @ ", path="libs/a b/archive-1-py3-none-any.whl"),
    ]
    text = uv_project(lines, {"one": PLAIN, "two": CORP}, base="/in")
    assert "hush" not in text
    document = tomllib.loads(text)
    assert document["project"]["dependencies"] == [
        "idna==3.10",
        "corp[x]==1",
        "six==1.17.0",
        "odd==1",
        "archive @ file:///in/libs/a%20b/archive-1-py3-none-any.whl",
    ]
    table = document["tool"]["uv"]
    assert table["sources"] == {"idna": {"index": PLAIN.name}, "corp": {"index": CORP.name}}
    assert table["index"] == [
        {"name": PLAIN.name, "url": PLAIN.url, "explicit": True},
        {"name": CORP.name, "url": CORP.url, "explicit": True},
    ]
    assert table["workspace"] == {}


def test_nothing_has_an_index() -> None:
    document = tomllib.loads(uv_project([line("six==1.17.0")], {}, base="/in"))
    assert document["tool"]["uv"] == {"workspace": {}}


def test_credentials_are_in_the_environment_alone() -> None:
    assert index_variables([PLAIN, CORP]) == {
        "UV_INDEX_LAMBDA_BACKEND_1_USERNAME": "u",
        "UV_INDEX_LAMBDA_BACKEND_1_PASSWORD": "hush",
    }
    assert index_options([]) == []
    assert index_options([PLAIN, CORP]) == [
        "--default-index",
        f"lambda-backend-0={PLAIN.url}",
        "--index",
        f"lambda-backend-1={CORP.url}",
        "--index-strategy",
        "unsafe-best-match",
    ]
