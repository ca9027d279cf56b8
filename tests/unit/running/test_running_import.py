"""The import check: what is imported, what is missing, and what takes long."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.running.conftest import Runner

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Lambda's runtime client is for Linux")

HANDLER = "def handler(event, context):\n    raise SystemExit('called')\n"


def test_a_handler_that_can_be_imported_is_not_called(runner: Runner) -> None:
    found = runner.imported(HANDLER)
    assert found.ok
    assert (found.error_type, found.message, found.missing_module) == (None, None, None)
    assert found.where.startswith("on the host (")
    assert found.peak_bytes > 5 << 20


def test_the_slowest_modules_are_named(runner: Runner) -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/slow.py": "import time, pkg.slower\ntime.sleep(0.2)\n",
        "pkg/slower.py": "import time\ntime.sleep(0.4)\n",
    }
    found = runner.imported(f"import time, pkg.slow\ntime.sleep(0.1)\n{HANDLER}", files=files)
    assert found.ok
    assert 0.7 < found.seconds < 3
    assert [module.name for module in found.slowest[:3]] == ["pkg.slower", "pkg.slow", "app"]
    by_name = {module.name: module for module in found.slowest}
    assert 0.4 < by_name["pkg.slower"].seconds < 0.6
    assert 0.2 < by_name["pkg.slow"].seconds < 0.4
    assert by_name["pkg.slow"].cumulative > 0.6
    assert by_name["app"].cumulative > 0.7
    assert len(found.slowest) <= 10
    assert not [name for name in by_name if name.startswith(("awslambdaric", "json", "logging"))]


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("import nowhere\n", "nowhere"),
        ("import email.nowhere\n", "email.nowhere"),
        (
            "try:\n    import nowhere\nexcept ImportError as error:\n    raise RuntimeError('no') from error\n",
            "nowhere",
        ),
        ("import inner\n", "deep"),
    ],
    ids=["top", "submodule", "cause", "of another module"],
)
def test_the_missing_module_is_named(runner: Runner, code: str, missing: str) -> None:
    found = runner.imported(code, files={"inner.py": "import deep\n"})
    assert not found.ok
    assert found.missing_module == missing


@pytest.mark.parametrize(
    ("code", "handler", "kind", "message"),
    [
        ("import nowhere\n", "app.handler", "Runtime.ImportModuleError", "No module named 'nowhere'"),
        (HANDLER, "app.main", "Runtime.HandlerNotFound", "Handler 'main' missing on module 'app'"),
        (HANDLER, "other.main", "Runtime.ImportModuleError", "No module named 'other'"),
        (HANDLER, "app", "Runtime.MalformedHandlerName", "Bad handler 'app'"),
        ("x = (\n", "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("1 / 0\n", "app.handler", "ZeroDivisionError", "division by zero"),
        ("import os; os._exit(4)\n", "app.handler", "Runtime.ExitError", "exit status 4"),
        ("import sys; sys.exit('stop')\n", "app.handler", "Runtime.ExitError", "exit status 1"),
    ],
    ids=["missing", "attribute", "module", "malformed", "syntax", "raises", "exits", "SystemExit"],
)
def test_what_goes_wrong_is_told_as_lambda_does(
    runner: Runner, code: str, handler: str, kind: str, message: str
) -> None:
    found = runner.imported(code, handler)
    assert not found.ok
    assert found.error_type == kind
    assert message in (found.message or "")


def test_what_the_module_prints_is_handed_on_without_the_times(runner: Runner) -> None:
    runner.imported(f"import sys\nprint('out')\nprint('err', file=sys.stderr)\n{HANDLER}")
    assert runner.log == ["out", "err"]
