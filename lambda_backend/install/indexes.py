"""Package indexes in uv's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["added", "with_uv_index"]


def added(environment: Mapping[str, str], variables: Mapping[str, str] | None) -> dict[str, str]:
    """An environment with more variables; further indexes come after the ones that are there."""
    both = {**environment, **(variables or {})}
    if variables and "UV_INDEX" in variables and environment.get("UV_INDEX"):
        both["UV_INDEX"] = f"{environment['UV_INDEX']} {variables['UV_INDEX']}"
    return both


def with_uv_index(environ: Mapping[str, str]) -> dict[str, str]:
    """What pip's index variables say, in uv's words, where uv's own are not set.

    uv documents these names of its own; it does not read pip's variables.
    """
    changed = dict(environ)
    pairs = (
        ("UV_DEFAULT_INDEX", ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")),
        ("UV_INDEX", ("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL")),
        ("UV_FIND_LINKS", ("UV_FIND_LINKS", "PIP_FIND_LINKS")),
        ("UV_NO_INDEX", ("UV_NO_INDEX", "PIP_NO_INDEX")),
        ("UV_INSECURE_HOST", ("UV_INSECURE_HOST", "PIP_TRUSTED_HOST")),
    )
    for name, sources in pairs:
        value = next((environ[source] for source in sources if environ.get(source)), None)
        if value is not None:
            for source in sources:
                if source.startswith("UV_"):
                    changed.pop(source, None)
            changed[name] = value if name != "UV_FIND_LINKS" else ",".join(value.replace(",", " ").split())
    return changed
