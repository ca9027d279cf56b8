"""Which projects setuptools builds by declarations alone: their wheel depends on nothing but what it reads.

Whoever runs code of one's own, or asks git for a version, may read what nobody sees.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from lambda_backend.inputs.installed import USER_CONFIGURATION, distributions
from lambda_backend.patterns import pattern
from lambda_backend.wheel_backend import SETUPTOOLS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["environment", "is_plain"]

_VARIABLES = (
    *("DISTUTILS_DEBUG", "DIST_EXTRA_CONFIG", "PYTHONOPTIMIZE"),
    *("SETUPTOOLS_ENFORCE_DEPRECATION", "SETUPTOOLS_USE_DISTUTILS", "SOURCE_DATE_EPOCH"),
)
"""What setuptools asks for on its way to a wheel of Python alone."""
_OWN = pattern(r"(?:setuptools|wheel)-[^-]+\.(?:dist|egg)-info", re.IGNORECASE)
_PLUGIN = pattern(r"^\s*\[\s*(?:distutils|setuptools|egg_info)\.", re.MULTILINE)
_TABLE = frozenset({"cmdclass", "dynamic", "ext-modules"})
_CONFIG = pattern(r"\s*(?:\[egg_info\]\s*(?:tag_(?:build|date|svn_revision)\s*=\s*0?\s*)*)?")
"""The setup.cfg that setuptools writes into an sdist."""


def is_plain(root: Path, document: Mapping[str, Any], wheel_backend: str) -> bool:
    """Whether setuptools runs no code but its own for a project's wheel.

    Args:
        root: the project's folder.
        document: its pyproject.toml.
        wheel_backend: in the notation of ``build-backend``.
    """
    project = document.get("project")
    table = document.get("tool", {}).get("setuptools", {})
    if wheel_backend != SETUPTOOLS or not isinstance(project, dict) or not isinstance(table, dict):
        return False
    return (
        not project.get("dynamic")
        and _TABLE.isdisjoint(table)
        # A project may bring plugins for its own build.
        and not any(_PLUGIN.match(f"[{group}.") for group in project.get("entry-points") or ())
        and not any(_is_module(project.get(key)) for key in ("readme", "license"))
        and not (root / "setup.py").exists()
        and _is_empty(root / "setup.cfg")
    )


def environment(root: Path, environ: Mapping[str, str]) -> list[object] | None:
    """What setuptools meets: Python, installed distributions, variables. None where one of them is a plugin of it.

    Args:
        root: the project's folder, of which nothing is installed.
        environ: of the process.
    """
    installed = distributions(root)
    if any(name == USER_CONFIGURATION for name, _ in installed):
        return None
    if any(_PLUGIN.search(entry_points) and not _OWN.fullmatch(name) for name, entry_points in installed):
        return None
    return [sys.version, sys.platform, [environ.get(name) for name in _VARIABLES], installed]


def _is_module(described: object) -> bool:
    """Whether METADATA has the text of a module in it, which then cannot change by itself."""
    named = described.get("file") if isinstance(described, dict) else described
    return isinstance(named, str) and named.endswith(".py")


def _is_empty(config: Path) -> bool:
    try:
        return _CONFIG.fullmatch(config.read_text("utf-8")) is not None
    except FileNotFoundError:
        return True
    except (OSError, UnicodeDecodeError):
        return False
