"""Who installed something: recorded beside what the cache keeps, and in the manifest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lambda_backend.values import Value, as_dict

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Builder", "read_builder", "write_builder"]


class Builder(Value):
    """Who installed: recorded beside a cached tree and in the manifest."""

    engine: str
    image: str | None = None
    digest: str | None = None
    """The image's digest in its registry or, for one that came from none, its id."""


def write_builder(folder: Path, builder: Builder) -> None:
    """Record who made what is in a folder."""
    (folder / "builder.json").write_text(json.dumps(as_dict(builder)), "utf-8")


def read_builder(folder: Path) -> Builder | None:
    """Who made what is in a folder; None where that cannot be read."""
    try:
        return Builder(**json.loads((folder / "builder.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
