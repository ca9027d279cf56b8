from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.utils import canonicalize_name

from lambda_backend.errors import StaleLockError
from lambda_backend.requirements.model import Pin
from lambda_backend.requirements.stale import check_covers, locked_extras, renewal

if TYPE_CHECKING:
    from lambda_backend.targets import Target

COMMIT = "0123456789" * 4


def pin(name: str = "a", version: str | None = "1.0", kind: str = "wheel", **more: object) -> Pin:
    return Pin(name=canonicalize_name(name), version=version, kind=kind, **more)


GIT = pin(version=None, kind="vcs", vcs="git", url="https://example.com/a.git", commit=COMMIT)


@pytest.mark.parametrize(
    ("declared", "have"),
    [
        ("a", pin()),
        ("A>=1", pin(version="1.1rc1")),
        ("a>5", pin(kind="directory", version="1")),
        ("a>5", pin(kind="vcs", version=None)),
        ("a @ https://u:p@example.com/a.zip#sha256=0", pin(url="https://example.com/a.zip")),
        ("a @ file:///x/a.whl", pin(path="a.whl")),
        ("a @ git+https://example.com/a", GIT),
        ("a @ git+https://example.com/a.git@main", GIT),
        (f"a @ git+https://example.com/a@{COMMIT}", GIT),
    ],
)
def test_covered(target: Target, declared: str, have: Pin) -> None:
    check_covers([declared], [have], lock="uv.lock", target=target)


@pytest.mark.parametrize(
    ("declared", "have", "reason"),
    [
        ("b", pin(), "b: not in the lock"),
        ("a>1", pin(), "a>1: the lock has version 1.0"),
        ("a>1", pin(version="what"), "the lock has version what"),
        (
            "a @ https://u:secret@example.com/b.zip",
            pin(url="https://example.com/a.zip"),
            "from https://example.com/a.zip",
        ),
        ("a @ https://example.com/b.zip", pin(path="a.whl"), "from a.whl"),
        (f"a @ git+https://example.com/a@{'f' * 40}", GIT, "from https://example.com/a.git"),
    ],
)
def test_uncovered(target: Target, declared: str, have: Pin, reason: str) -> None:
    with pytest.raises(StaleLockError) as error:
        check_covers([declared, "missing"], [have], lock="uv.lock", target=target)
    assert reason in error.value.message
    assert "missing: not in the lock" in error.value.message
    assert "secret" not in error.value.message
    assert error.value.hint == "renew it: uv lock"


def test_renewals() -> None:
    assert renewal("pylock.lambda.toml") == "lambda-backend lock"
    assert renewal("pylock.toml") == "uv export --format pylock.toml --output-file pylock.toml"
    assert renewal("poetry.lock") == "poetry lock"
    assert renewal("r.txt").endswith("--output-file r.txt")


def test_new_extra_of_a_locked_requirement(target: Target) -> None:
    metadata = {
        "requires-dist": [{"name": "requests"}, {"name": "six", "extras": ["Fast_IO"]}],
        "requires-dev": {"prod": [{"name": "idna"}]},
    }
    document = {"package": [{"name": "requests", "metadata": {}}, {"name": "shop", "metadata": metadata}]}
    extras = locked_extras(document, "Shop")
    assert extras == {"requests": frozenset(), "six": {"fast-io"}, "idna": frozenset()}
    pins = [pin(name) for name in ("requests", "six", "idna", "x")]
    lines = ["requests", "six[fast-io]", "idna", "x[unknown]"]
    check_covers(lines, pins, lock="uv.lock", target=target, extras=extras)
    with pytest.raises(StaleLockError, match=r"requests\[socks\]: the lock has it without the extra socks"):
        check_covers(["requests[socks]"], pins, lock="uv.lock", target=target, extras=extras)
    assert locked_extras(document, "other") == {}
