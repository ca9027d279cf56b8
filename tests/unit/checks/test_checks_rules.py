"""Planted faults, and what is none."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from lambda_backend.bundle.model import Collision
from lambda_backend.checks import collisions, handler, runtime_support, size
from lambda_backend.checks.model import ForeignFile, Subject
from lambda_backend.checks.run import RULES, findings
from lambda_backend.checks.stdlib import stdlib_modules
from lambda_backend.targets import limits, target
from tests.helpers.facts import collect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lambda_backend.checks.model import Problem

TARGET = target("python3.13", "x86_64")


def subject(
    files: Mapping[str, bytes | str] | None = None,
    *,
    kind: str = "function",
    owners: Mapping[str, str] | None = None,
    **more: object,
) -> Subject:
    held = {path: text.encode() if isinstance(text, str) else text for path, text in (files or {}).items()}
    values: dict[str, object] = {
        "name": kind,
        "kind": kind,
        "target": TARGET,
        "handler": None,
        "files": {
            path: ForeignFile(path=path, size=len(data), compressed_size=len(data), owner=(owners or {}).get(path, ""))
            for path, data in held.items()
        },
        "facts": collect(held.items()),
        "read": held.__getitem__,
        "zip_size": 1,
        "unzipped_size": sum(map(len, held.values())),
        **more,
    }
    return Subject(**values)  # type: ignore[arg-type]


def messages(rule: Callable[[Subject], Iterator[Problem]], of: Subject) -> list[str]:
    found = list(rule(of))
    assert all(problem.hint for problem in found)
    return [problem.message for problem in found]


def test_too_large_with_its_layers() -> None:
    limit = limits().unzipped_bytes
    layer = subject({"python/a.py": "x"}, kind="layer", unzipped_size=limit)
    owners = {"big.so": "numpy"}
    (message,) = messages(size.check, subject({"big.so": b"1234"}, owners=owners, unzipped_size=1, layers=[layer]))
    assert message.startswith("with its layers, 262,144,001 bytes (250.0 MiB) unzipped, 1 more than Lambda takes")
    assert "  numpy" in message
    assert messages(size.check, subject(unzipped_size=limit)) == []


def test_a_budget_of_one_s_own() -> None:
    (message,) = messages(size.check, subject({"a": "x"}, unzipped_size=11, max_size=10))
    assert "1 more than max-size is 10" in message


def test_six_layers() -> None:
    layers = [subject({"python/a.py": "x"}, kind="layer")] * 6
    assert messages(size.check, subject({"a": "x"}, layers=layers))[0] == "6 layers; Lambda takes 5 for a function"


def test_a_direct_upload_is_a_warning_at_most() -> None:
    large = subject({"a": "x"}, zip_size=limits().direct_upload_bytes + 1)
    (found,) = findings(large, dict.fromkeys(RULES, "error"))
    assert (found.check, found.level) == ("size", "warn")


HANDLERS = {
    "function": "def handler(event, context): ...",
    "async function": "async def handler(event, context): ...",
    "class": "class handler: ...",
    "assignment": "handler = object()",
    "unpacking": "(a, handler), *b = x",
    "annotation": "handler: object = 1",
    "import": "from elsewhere import handler",
    "import as": "import a.b as handler",
    "star": "from elsewhere import *",
    "condition": "if x:\n    pass\nelse:\n    def handler(): ...",
    "try": "try:\n    import a\nexcept ImportError:\n    handler = None",
    "with": "with a as handler: pass",
    "getattr": "def __getattr__(name): ...",
    "globals": "globals()['handler'] = 1",
    "match": "match 1:\n    case 1:\n        handler = 2",
}


@pytest.mark.parametrize("how", HANDLERS)
def test_a_handler_that_is_there(how: str) -> None:
    assert messages(handler.check, subject({"pkg/mod.py": HANDLERS[how]}, handler="pkg.mod.handler")) == []


@pytest.mark.parametrize("path", ["pkg/mod/__init__.py", "pkg/mod.cpython-313-x86_64-linux-gnu.so", "pkg/mod.pyc"])
def test_a_handler_s_module_of_any_kind(path: str) -> None:
    assert messages(handler.check, subject({path: "handler = 1"}, handler="pkg/mod.handler")) == []


def test_a_handler_in_a_layer() -> None:
    layer = subject({"python/pkg/mod.py": "handler = 1"}, kind="layer")
    assert messages(handler.check, subject({"a.py": ""}, handler="pkg.mod.handler", layers=[layer])) == []


def test_a_handler_s_module_that_is_missing() -> None:
    found = list(handler.check(subject({"src/pkg/mod.py": "handler = 1"}, handler="pkg.mod.handler")))
    assert [(problem.message, problem.hint) for problem in found] == [
        ("the handler 'pkg.mod.handler': there is no module pkg.mod in function", "did you mean src.pkg.mod.handler?")
    ]


@pytest.mark.parametrize(("more", "hint"), [({}, "zip what is in package/, and not"), ({"a.py": ""}, "did you mean")])
def test_a_handler_in_a_folder_that_was_zipped_as_a_whole(more: Mapping[str, str], hint: str) -> None:
    files = {"package/app.py": "handler = 1", "package/numpy-2.0.dist-info/METADATA": "Name: numpy", **more}
    (found,) = handler.check(subject(files, handler="app.handler"))
    assert found.hint is not None
    assert found.hint.startswith(hint)


def test_a_handler_that_is_missing() -> None:
    found = list(handler.check(subject({"mod.py": "def lambda_handler(): ..."}, handler="mod.handler")))
    assert [(problem.message, problem.hint) for problem in found] == [
        ("the handler 'mod.handler': mod.py defines no handler", "did you mean mod.lambda_handler?")
    ]


def test_a_handler_s_module_that_is_no_python() -> None:
    old = target("python3.10", "x86_64")
    (message,) = messages(handler.check, subject({"mod.py": "def :"}, handler="mod.handler", target=old))
    assert message.startswith("mod.py, line 1 is no valid Python")


def test_no_handler_is_named() -> None:
    assert messages(handler.check, subject({"a.py": ""})) == []
    (message,) = messages(handler.check, subject({"a.py": ""}, handler="handler"))
    assert "names no function" in message


def test_two_distributions_at_one_place() -> None:
    lost = [Collision(path=f"{name}/__init__.py", owners=("one", "two")) for name in "abcd"]
    (message,) = messages(collisions.check, subject({"a.py": ""}, collisions=lost))
    assert message.endswith("a/__init__.py, b/__init__.py, c/__init__.py and 1 more")


@pytest.mark.parametrize(
    "path", ["json.py", "email/__init__.py", "_socket.cpython-313-x86_64-linux-gnu.so", "enum.pyc"]
)
def test_a_name_that_hides_the_standard_library(path: str) -> None:
    (message,) = messages(collisions.check, subject({path: ""}))
    assert "of Python's standard library" in message


@pytest.mark.parametrize("path", ["test/__init__.py", "email/a.py", "pkg/json.py", "json.txt", "cgi.py", "tomllibs.py"])
def test_a_name_that_hides_nothing(path: str) -> None:
    assert messages(collisions.check, subject({path: ""})) == []


def test_the_standard_library_of_each_version() -> None:
    assert "cgi" in stdlib_modules((3, 12))
    assert "cgi" not in stdlib_modules((3, 13))
    assert "tomllib" not in stdlib_modules((3, 10))
    assert {"annotationlib", "json"} <= stdlib_modules((3, 14))


def test_a_name_of_the_runtime() -> None:
    (message,) = messages(collisions.check, subject({"bootstrap.py": ""}))
    assert message == "bootstrap.py hides the module bootstrap of Lambda's runtime"


def test_two_versions_over_function_and_layer() -> None:
    layer = subject({"python/Six-1.15.0.dist-info/METADATA": ""}, kind="layer")
    vendored = {"pkg/_vendor/six-1.0.dist-info/METADATA": ""}
    (message,) = messages(collisions.check, subject({"six-1.16.0.dist-info/METADATA": "", **vendored}, layers=[layer]))
    assert message == "six is there in two versions: 1.16.0 in function and 1.15.0 in layer"


def test_the_runtime_s_dates() -> None:
    old = subject({"a": ""}, target=target("python3.10", "x86_64"))
    assert [problem.message for problem in runtime_support.check(old, today=dt.date(2026, 10, 31))] == []
    (problem,) = runtime_support.check(old, today=dt.date(2026, 11, 1))
    assert "python3.10 is deprecated since 2026-10-31" in problem.message
    assert problem.hint is not None
    assert "python3.14" in problem.hint


def test_a_rule_that_is_off() -> None:
    bad = subject({"json.py": ""})
    assert [found.check for found in findings(bad, dict.fromkeys(RULES, "error"))] == ["collisions"]
    assert findings(bad, {**dict.fromkeys(RULES, "error"), "collisions": "off"}) == ()
    assert findings(bad, {**dict.fromkeys(RULES, "error"), "collisions": "warn"})[0].level == "warn"
