"""Real wheels from a package index, checked: nothing is found where nothing is wrong, and what is wrong is found."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from lambda_backend.checks import secrets
from lambda_backend.targets import target
from tests.good_packages import examine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambda_backend.checks.model import Problem, Subject

pytestmark = pytest.mark.network

GOOD = ("cryptography", "numpy", "orjson", "pydantic", "setuptools")


@pytest.mark.parametrize(("runtime", "architecture"), [("python3.13", "x86_64"), ("python3.11", "arm64")])
def test_nothing_is_found(runtime: str, architecture: str) -> None:
    outcomes = [examine(package, target(runtime, architecture)) for package in GOOD]
    assert {outcome.package: [problem.message for problem in outcome.problems] for outcome in outcomes} == {
        package: [] for package in GOOD
    }
    assert all(outcome.version for outcome in outcomes)


def test_what_the_runtime_has_not_is_found() -> None:
    """LightGBM leaves OpenMP's library to the system, and Lambda has none."""
    (problem,) = examine("lightgbm", target("python3.13", "x86_64")).problems
    assert problem.message.startswith("lightgbm needs libgomp.so.1, which is neither in the zip or its layers nor in")


def test_wheels_for_another_runtime_are_found() -> None:
    """What an index serves for one runtime, looked at as another's: each difference is told."""
    made_for = target("python3.13", "x86_64")
    elsewhere = examine("numpy", made_for, checked_for=target("python3.13", "arm64")).problems
    assert [problem.message.partition(":")[0] for problem in elsewhere] == [
        "numpy is for x86_64, and the function runs on arm64"
    ]
    older = examine("numpy", made_for, checked_for=target("python3.11", "x86_64")).problems
    assert "numpy is for CPython 3.13, and python3.11 does not load it" in {
        problem.message.partition(":")[0] for problem in older
    }


def as_own(subject: Subject) -> Iterator[Problem]:
    files = {path: dataclasses.replace(file, owner="project") for path, file in subject.files.items()}
    return secrets.check(dataclasses.replace(subject, files=files))


@pytest.mark.parametrize(
    ("package", "in_one_s_own"),
    [
        ("tornado", {"tornado/test/test.key holds a private key"}),
        ("pymysql", set()),
        ("requests", set()),
    ],
)
def test_a_library_s_examples_are_no_credentials(package: str, in_one_s_own: set[str]) -> None:
    wanted = target("python3.13", "x86_64")
    outcome = examine(package, wanted, rule=secrets.check)
    assert outcome.version
    assert outcome.problems == ()
    assert {problem.message for problem in examine(package, wanted, rule=as_own).problems} == in_one_s_own
