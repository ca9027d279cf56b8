"""A PEP 517/660 build backend that leaves AWS Lambda artefacts beside the wheel.

The hooks live in :mod:`lambda_backend.hooks`; they are looked up by name when a frontend asks for one, so that an
optional hook which the wheel backend lacks is absent here too (PEP 517, "Optional hooks").
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

_MANDATORY = (
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
)
_OPTIONAL = (
    "build_editable",
    "get_requires_for_build_editable",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
)

__all__ = ["__version__"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name in _MANDATORY or name in _OPTIONAL:
        from lambda_backend import hooks

        if name in _MANDATORY or hooks.has_hook(name):
            return getattr(hooks, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
