"""Compressed files of archives that were written before: the same contents need not be compressed twice.

One compressor makes the same bytes of the same contents, so an archive is the same with them and without.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from lambda_backend.archive.reading import payload

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import BinaryIO

    from lambda_backend.archive.model import Archive, ArchivedMember
    from lambda_backend.facts.model import Facts

__all__ = ["Payloads"]


class Payloads:
    """What archives hold, by the SHA-256 of the files; open until the end of a ``with`` block. Safe for threads.

    Args:
        archives: whole ones, each with the owners whose files are wanted. One that is gone is passed over.
    """

    def __init__(self, archives: Iterable[tuple[Archive, frozenset[str]]] = ()) -> None:
        self._rows: dict[str, tuple[ArchivedMember, Archive, BinaryIO]] = {}
        self._streams: list[BinaryIO] = []
        self._reading = threading.Lock()
        for archive, owners in archives:
            try:
                stream = archive.path.open("rb", buffering=0)
            except FileNotFoundError:
                continue
            self._streams.append(stream)
            for member in archive.members:
                if member.owner in owners:
                    self._rows[member.sha256] = (member, archive, stream)

    def __enter__(self) -> Payloads:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for stream in self._streams:
            stream.close()

    def get(self, sha256: str) -> tuple[ArchivedMember, bytes] | None:
        """A member with that content, and its compressed bytes."""
        found = self._rows.get(sha256)
        if found is None:
            return None
        member, _, stream = found
        with self._reading:
            return member, payload(stream, member)

    def facts(self, sha256: str, path: str) -> tuple[bool, Facts | None]:
        """Whether it is known what such a file at such a path has to tell, and what that is."""
        found = self._rows.get(sha256)
        if found is None or found[0].path != path:
            return False, None
        return True, found[1].facts.get(path)
