"""Whether AWS still supports the runtime."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from lambda_backend.checks.model import Problem
from lambda_backend.targets import runtimes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambda_backend.checks.model import Subject

__all__ = ["check"]


def check(subject: Subject, *, today: dt.date | None = None) -> Iterator[Problem]:
    """The dates of a runtime that is deprecated.

    Source: AWS documentation, "Lambda runtimes", runtime deprecation.
    """
    runtime = subject.target.runtime
    now = today or dt.datetime.now(dt.timezone.utc).date()
    if runtime.deprecation is None or runtime.deprecation >= now:
        return
    newest = next(name for name, other in runtimes().items() if not other.preview)
    yield Problem(
        message=f"{runtime.name} is deprecated since {runtime.deprecation}; AWS blocks creating functions "
        f"from {runtime.block_create} and updating them from {runtime.block_update}",
        hint=f"move to a newer runtime; the newest is {newest}",
    )
