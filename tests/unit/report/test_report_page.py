"""The page's text. What it does in a browser: tests/integration/test_inspect_page.py."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib import resources
from typing import Any

import pytest

from lambda_backend.archive.contents import Content
from lambda_backend.findings import Finding
from lambda_backend.report.packages import DEEPEST, Package
from lambda_backend.report.page import Inside, page
from lambda_backend.report.page.kinds import KINDS, kind_of
from lambda_backend.report.page.tiles import tiles

BREAKOUT = "</script><img src=x onerror=alert(1)>&\u2028.py"


def package(name: str, files: dict[str, int]) -> Package:
    content = (
        Content(path=path, size=size, compressed_size=size // 2, crc=0, executable=False, owner=name)
        for path, size in sorted(files.items())
    )
    return Package(name=name, version="1.0", files=tuple(content))


def inside(**more: Any) -> Inside:  # noqa: ANN401 - any field
    given: dict[str, Any] = {
        "file": "a.zip",
        "size": 7,
        "sha256": "00",
        "code_sha256": "AA==",
        "kind": "function",
        "runtime": None,
        "architecture": None,
        "handler": None,
        "layers_size": None,
        "packages": [package("shop", {"shop/app.py": 3})],
        "findings": None,
        "unchecked": "nobody asked",
        "manifest": None,
    }
    return Inside(**given | more)


def element(text: str, start: str, end: str) -> str:
    found = text.partition(start)[2].partition(end)[0]
    assert found
    return found


def figures(text: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(element(text, '<script type="application/json" id="figures">', "</script>"))


def leaves(below: list[Any]) -> list[list[Any]]:
    return [leaf for tile in below for leaf in (leaves(tile[1]) if isinstance(tile[1], list) else [tile])]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("numpy.libs/libscipy_openblas64_-56d6093b.so", "native code"),
        ("lib/libz.so.1.2.13", "native code"),
        ("a/so.py", "Python"),
        ("a/__pycache__/b.cpython-313.pyc", "bytecode"),
        ("numpy/__init__.pyi", "stubs and sources"),
        ("numpy/_core/include/numpy/arrayobject.h", "stubs and sources"),
        ("a/py.typed", "stubs and sources"),
        ("numpy-2.0.dist-info/licenses/LICENSE.txt", "metadata"),
        ("scipy/linalg/tests/test_a.py", "tests"),
        ("scipy/tests/_lib.so", "tests"),
        ("tests.py", "Python"),
        ("botocore/data/endpoints.json", "data"),
        ("python/bin/tool", "data"),
        ("", "data"),
    ],
)
def test_kinds(path: str, kind: str) -> None:
    assert kind_of(path) == kind


FILES = {f"python/big/f{number:03}.py": 1000 - number for number in range(200)}
FILES |= {f"python/small/d{number}/x.json": number for number in range(100)}
FILES |= {"python/small/d0/tests/t.py": 0}


class TestTiles:
    def test_all_where_there_is_room(self) -> None:
        found = package("p", FILES)
        (below,) = tiles([found])
        assert [tile[0] for tile in below] == ["big/", "small/"]
        assert below[0][1][0] == ["f000.py", 1000, 500, KINDS.index("Python")]
        assert len(leaves(below)) == len(FILES)

    @pytest.mark.parametrize("room", [0, 100, 1000, 5000, 100_000])
    def test_no_byte_is_lost(self, room: int) -> None:
        found = package("p", FILES)
        (below,) = tiles([found], room=room)
        assert len(json.dumps(below, separators=(",", ":"))) < room * 2 + 400
        assert sum(leaf[1] for leaf in leaves(below)) == found.size
        assert sum(leaf[2] for leaf in leaves(below)) == found.zipped
        assert sum(1 if isinstance(leaf[0], str) else leaf[0] for leaf in leaves(below)) == len(FILES)

    def test_small_ones_are_summed_up_by_kind(self) -> None:
        (below,) = tiles([package("p", FILES)], room=0)
        wanted = {
            (200, "Python", sum(range(801, 1001))),
            (100, "data", sum(range(100))),
            (1, "tests", 0),
        }
        assert {(number, KINDS[kind], size) for number, size, _, kind in below} == wanted

    def test_a_folder_comes_before_what_is_in_it(self) -> None:
        (below,) = tiles([package("p", {"a/b.py": 5, "c.py": 4})], room=60)
        assert below == [["a/", [["b.py", 5, 2, 1]]], [1, 4, 2, 1]]

    def test_levels_have_an_end(self) -> None:
        found = package("p", {f"{'a/' * levels}f.py": 1 for levels in range(200)})
        (below,) = tiles([found])
        deepest = 0
        line = below
        while line := next((tile[1] for tile in line if isinstance(tile[1], list)), []):
            deepest += 1
        assert deepest == DEEPEST
        assert sum(leaf[1] for leaf in leaves(below)) == found.size


class TestPage:
    def test_the_same_for_the_same(self) -> None:
        assert page(inside()) == page(inside())

    def test_no_name_breaks_out(self) -> None:
        finding = Finding(check="size", level="error", message=BREAKOUT, hint=BREAKOUT, path=BREAKOUT)
        manifest = {"file": BREAKOUT, "artifact": {"name": BREAKOUT, "engine": "\ud800"}}
        found = page(
            inside(
                file=BREAKOUT,
                handler=BREAKOUT,
                unchecked=BREAKOUT,
                packages=[package(BREAKOUT, {BREAKOUT: 1})],
                findings=[finding],
                manifest=manifest,
            )
        )
        plain = page(inside())
        # A browser sees the same elements and the same scripts, whatever the names.
        rest = [re.sub(r'(?<=id="figures">)[^<]*', "", text) for text in (found, plain)]
        assert rest[0] == rest[1]
        (shown,) = figures(found)["packages"]
        assert shown["name"] == shown["folder"] + shown["tiles"][0][0] == BREAKOUT
        assert figures(found)["manifest"] == manifest
        found.encode()

    def test_what_looks_like_a_placeholder_stays(self) -> None:
        assert figures(page(inside(handler="$style ${script} $$")))["handler"] == "$style ${script} $$"

    def test_the_policy_allows_this_page_alone(self) -> None:
        found = page(inside())
        policy = dict(
            rule.strip().split(" ", 1) for rule in element(found, 'Content-Security-Policy" content="', '"').split(";")
        )
        assert policy["default-src"] == "'none'"
        for rule, (start, end) in {
            "style-src": ("<style>", "</style>"),
            "script-src": ("<script>", "</script>"),
        }.items():
            digest = hashlib.sha256(element(found, start, end).encode()).digest()
            assert policy[rule] == f"'sha256-{base64.b64encode(digest).decode()}'"
        assert policy.keys() == {"default-src", "style-src", "script-src", "img-src", "base-uri", "form-action"}
        assert policy["img-src"] == "data:"

    def test_nothing_is_loaded(self) -> None:
        found = page(inside())
        addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^'\"\s]*", found))
        assert addresses == {"http://www.w3.org/2000/svg"}  # the name of a format
        assert re.findall(r"\bstyle=|\son\w+=|@import|url\(|innerHTML|outerHTML|\beval\b", found) == []
        assert re.findall(r"<(?:link|img|script|iframe|object)[^>]*(?:src|href)=\"(?!data:)", found) == []

    def test_findings_and_limits(self) -> None:
        finding = Finding(check="size", level="warn", message="a\nb", hint="c")
        found = figures(page(inside(findings=[finding], unchecked=None)))
        assert found["findings"] == [{"check": "size", "level": "warn", "message": "a\nb", "hint": "c", "path": None}]
        assert found["limits"] == {"unzipped": 262_144_000, "upload": 52_428_800}
        assert figures(page(inside()))["findings"] is None

    def test_its_parts_are_small(self) -> None:
        parts = [part for part in resources.files("lambda_backend.report.page").iterdir() if part.name != "__pycache__"]
        assert {part.name.rpartition(".")[2] for part in parts} == {"py", "html", "css", "js"}
        assert [part.name for part in parts if len(part.read_text("utf-8").splitlines()) >= 300] == []
        assert len(page(inside())) < 50_000
