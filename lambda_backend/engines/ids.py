"""Whom files in a container belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambda_backend.engines.protocol import Container

__all__ = ["ids_of"]


def ids_of(container: Container, user: str) -> tuple[int, int]:
    """The uid and gid of the container's user, whose names only the container knows.

    Args:
        container: where the commands run as that user.
        user: ``1000:1000``, ``1000``, ``nobody`` or ``nobody:users``.
    """
    uid, _, gid = user.partition(":")
    if uid.isdecimal() and (gid or uid).isdecimal():
        return int(uid), int(gid or uid)
    found = [container.exec(["id", flag]).output.strip() for flag in ("-u", "-g")]
    return (int(found[0]), int(found[1])) if all(text.isdecimal() for text in found) else (0, 0)
