"""Zips that other tools make, checked: the cases of docs/reference/other-tools.md that take little time."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from tests import other_tools
from tests.helpers.interpreters import require_interpreter, unavailable
from tests.helpers.machine import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.network

PAGE = CHECKOUT / "docs/reference/other-tools.md"
# It has compiled code, as numpy has, and is small.
APP = "import markupsafe\n\n\ndef handler(event, context):\n    return markupsafe.escape(event)\n"
FOUND = {
    "uv-macos": ["error: [binaries] markupsafe is for macOS (Mach-O), and Lambda runs Linux"],
    "uv-arm64": ["error: [binaries] markupsafe is for arm64, and the function runs on x86_64"],
    "folder": ["error: [handler] the handler 'app.handler': there is no module app in function.zip"],
    "pip": [
        "error: [binaries] markupsafe is for CPython 3.11, and python3.13 does not load it",
        "warn: [bytecode] 2 files (",
    ],
}


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for name in ("bash", "zip"):
        if shutil.which(name) is None:
            unavailable(f"no {name} on this machine")
    for version in other_tools.PYTHONS:
        require_interpreter(version)
    return tmp_path_factory.mktemp("commands")


def findings(name: str, folder: Path, commands: Path, *, requirements: str, app: str = APP) -> list[str]:
    case = other_tools.CASES[name]
    other_tools.make(case, folder, other_tools.install(commands, case), app=app, requirements=requirements)
    checked = other_tools.check(folder, case.runtimes[0])
    found = re.findall(r"^  ((?:error|warn): .*)$", checked.text, re.MULTILINE)
    assert checked.code == int(any(line.startswith("error") for line in found)), checked.text
    return found


@pytest.mark.parametrize("name", FOUND)
def test_what_is_wrong_is_found(name: str, tmp_path: Path, commands: Path) -> None:
    found = findings(name, tmp_path, commands, requirements="markupsafe==3.0.2")
    assert [line[: len(start)] for line, start in zip(found, FOUND[name], strict=True)] == FOUND[name]


def test_a_wheel_for_a_newer_glibc_is_found(tmp_path: Path, commands: Path) -> None:
    """What uv takes for "Linux" does not fit Amazon Linux 2."""
    (found,) = findings("uv-linux", tmp_path, commands, requirements="numpy==2.4.6", app=other_tools.APP)
    assert "numpy needs GLIBC_2.27 of libm.so.6, and python3.11 (Amazon Linux 2) has GLIBC up to 2.26" in found


def test_the_page_has_every_case() -> None:
    page = PAGE.read_text("utf-8")
    for case in other_tools.CASES.values():
        assert f"## {case.title}\n" in page
        assert all(f"    $ {line}\n" in page for line in case.commands.splitlines())
        assert case.says in page
