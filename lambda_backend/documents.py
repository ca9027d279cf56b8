"""TOML files of a project."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from lambda_backend.errors import LockError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["read_toml"]


def read_toml(path: Path) -> Mapping[str, Any]:
    """A TOML file, or an empty mapping when it is not there.

    Raises:
        LockError: it is no TOML.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        document: Mapping[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LockError(f"{path.name} is no valid TOML: {error}") from None
    return document
