from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lambda_backend.errors import LockError
from lambda_backend.requirements.project import Offered, declared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambda_backend.targets import Target


def of(
    target: Target,
    requires: Sequence[str],
    *,
    provides: Sequence[str] = ("pdf", "all"),
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    table: dict[str, Any] | None = None,
    of_lock: Offered | None = None,
) -> tuple[str, ...]:
    return declared(
        requires,
        provides,
        project="Shop",
        extras=extras,
        groups=groups,
        dependency_groups=table or {},
        target=target,
        key="tool.lambda",
        of_lock=of_lock,
    )


def test_markers_and_extras(target: Target) -> None:
    requires = [
        "a>=1",
        "b; sys_platform == 'win32'",
        "c; python_version >= '3.13'",
        "d; extra == 'pdf'",
        "shop[pdf]; extra == 'all'",
    ]
    assert of(target, requires) == ("a>=1", "c")
    assert of(target, requires, extras=["PDF"]) == ("a>=1", "c", "d")
    assert of(target, requires, extras=["all"]) == ("a>=1", "c", "d")


def test_groups(target: Target) -> None:
    table = {"prod": ["a", {"include-group": "more"}], "more": ["b", "shop[pdf]"], "Dev": ["x"]}
    assert of(target, ["d; extra == 'pdf'"], groups=["prod"], table=table) == ("d", "a", "b")


def test_unknown_names(target: Target) -> None:
    with pytest.raises(LockError) as error:
        of(target, [], extras=["pfd"], groups=["prod", "x"], table={"dev": [], "produ": []})
    assert error.value.message.splitlines() == [
        "tool.lambda.extras: the project has no extra 'pfd'; did you mean 'pdf'?",
        "tool.lambda.groups: the project has no group 'prod'; did you mean 'produ'?",
        "tool.lambda.groups: the project has no group 'x'; there are dev, produ",
    ]
    with pytest.raises(LockError, match="it has none"):
        of(target, [], provides=(), extras=["pdf"])


def test_what_the_lock_has_of_its_own(target: Target) -> None:
    offered = Offered(extras=("Own",), groups=("Web",))
    requires = ["a", "d; extra == 'pdf'"]
    table = {"prod": ["b"]}
    found = of(target, requires, extras=["own", "pdf"], groups=["web", "prod"], table=table, of_lock=offered)
    assert found == ("a", "d", "b")
    with pytest.raises(LockError, match="no group 'wob'; did you mean 'Web'"):
        of(target, [], groups=["wob"], of_lock=offered)


def test_bad_tables(target: Target) -> None:
    with pytest.raises(LockError, match=r"\[dependency-groups\] in pyproject.toml cannot be used"):
        of(target, [], groups=["a"], table={"a": [{"include-group": "a"}]})
    with pytest.raises(LockError, match="the metadata of Shop has requirements that cannot be read") as error:
        of(target, ["a @ https://u:secret@example.com/ ; x", "== 1"])
    assert "secret" not in error.value.message
