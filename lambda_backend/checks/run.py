"""Runs the rules over a subject, each at its level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.checks import binaries, bytecode, collisions, handler, runtime_support, secrets, size
from lambda_backend.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lambda_backend.checks.model import Problem, Subject
    from lambda_backend.findings import Level

__all__ = ["RULES", "finding", "findings"]

RULES: Mapping[str, Callable[[Subject], Iterator[Problem]]] = {
    "size": size.check,
    "binaries": binaries.check,
    "handler": handler.check,
    "collisions": collisions.check,
    "secrets": secrets.check,
    "bytecode": bytecode.check,
    "runtime-support": runtime_support.check,
}
"""By their keys in ``[tool.lambda.checks]``."""


def findings(subject: Subject, levels: Mapping[str, Level]) -> tuple[Finding, ...]:
    """What is wrong with a function or layer.

    Args:
        subject: what to look at.
        levels: for each rule; one that is ``off`` is not even run.
    """
    return tuple(
        finding(name, levels[name], problem)
        for name, rule in RULES.items()
        if levels[name] != "off"
        for problem in rule(subject)
    )


def finding(check: str, level: Level, problem: Problem) -> Finding:
    """A problem with the name and the level of its check."""
    return Finding(
        check=check,
        level="warn" if problem.warns else level,
        message=problem.message,
        hint=problem.hint,
        path=problem.path,
    )
