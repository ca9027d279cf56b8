"""Which uv resolves and installs."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from typing import TYPE_CHECKING

from lambda_backend.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_UV", "uv_executable"]

DEFAULT_UV = "0.13.9"
"""The uv in the bundling image unless ``tools.uv`` says otherwise."""
_looking = threading.Lock()
"""It asks sysconfig, which is no good to a thread while another one asks it for the first time."""


def uv_executable(environ: Mapping[str, str]) -> str:
    """The uv of the ``uv`` package, or else the one on PATH.

    Raises:
        MissingExtraError: there is none.
    """
    with _looking, contextlib.suppress(ImportError, FileNotFoundError):
        from uv import find_uv_bin

        return str(find_uv_bin())
    found = shutil.which("uv", path=environ.get("PATH", os.defpath))
    if found is None:
        raise MissingExtraError(
            "uv is not installed, and this build resolves and installs on the host with it",
            hint="pip install 'lambda-backend[uv]' (an isolated build asks for it by itself: start it again)",
        )
    return found
