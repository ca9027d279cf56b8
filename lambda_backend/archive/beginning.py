"""A file that becomes a zip: beside its place, hashed as it grows, and begun with what a kept archive holds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lambda_backend.archive.copying import Copying, reserve
from lambda_backend.archive.following import BLOCK, Follower

if TYPE_CHECKING:
    import hashlib
    from pathlib import Path

    from lambda_backend.archive.copying import Place

__all__ = ["Beginning"]


class Beginning:
    """A new file, which is gone when it is closed unless it took its place.

    Args:
        target: its place; the folder is there.
        place: an archive whose entries are copied to the start, in a thread.
        known: their digest, where they were written just now.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, target: Path, place: Place | None = None, known: hashlib._Hash | None = None) -> None:
        self.path = target
        self.place = place
        # A name of our own rather than one of tempfile, whose files are private whatever the umask says.
        self.temporary = target.with_name(f".{target.name[:100]}.{os.urandom(8).hex()}.tmp")
        self.stream = self.temporary.open("x+b", buffering=BLOCK)
        try:
            of = (known, place.directory_offset) if known and place else None
            self.follower = Follower(self.temporary, of)
        except OSError:
            self._remove()
            raise
        self.copying: Copying | None = None
        if place is not None:
            reserve(self.stream, place.size + BLOCK)
            self.copying = Copying([(place, 0, place.directory_offset)], self.stream, self.follower.written)

    def follow_anew(self) -> None:
        """Hash the file from its start once more."""
        self.follower.close()
        self.follower = Follower(self.temporary)

    def start_over(self) -> None:
        """Leave nothing in the file."""
        # While it is hashed it is mapped, and who reads what is not there any more is ended by the system.
        self.follower.close()
        self.stream.seek(0)
        self.stream.truncate()
        self.follower = Follower(self.temporary)

    def take_place(self) -> None:
        """Move it to its place."""
        self.follower.close()
        self.stream.close()
        self.temporary.replace(self.path)

    def close(self) -> None:
        """Leave nothing but what took its place."""
        if self.copying is not None:
            self.copying.close()
        self.follower.close()
        self._remove()

    def _remove(self) -> None:
        # Closed before it is removed, for Windows.
        self.stream.close()
        self.temporary.unlink(missing_ok=True)
