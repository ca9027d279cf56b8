"""Unpacks a zip as Lambda does: files with their modes, folders made on the way."""

from __future__ import annotations

import shutil
import zipfile
from typing import TYPE_CHECKING

from lambda_backend.archive.unreadable import UNREADABLE
from lambda_backend.bundle.paths import path_problem
from lambda_backend.errors import BundleError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["extract"]


def extract(zip_path: Path, target_dir: Path) -> None:
    """Unpack a zip into a folder, which is made when it is not there.

    Modes are 0755 for what its owner may execute and 0644 for everything else.

    Raises:
        BundleError: the zip cannot be read, or a path in it leads out of the folder.
    """
    try:
        with zipfile.ZipFile(zip_path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            for entry in entries:
                if problem := path_problem(entry.filename):
                    raise BundleError(f"{zip_path}: {entry.filename!r} {problem}")
            target_dir.mkdir(parents=True, exist_ok=True)
            for entry in entries:
                target = target_dir / entry.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, target.open("wb") as stream:
                    shutil.copyfileobj(source, stream)
                target.chmod(0o755 if entry.external_attr >> 16 & 0o100 else 0o644)
    except UNREADABLE as error:
        raise BundleError(f"{zip_path} cannot be unpacked to {target_dir}: {error}") from error
