"""What is done to an artefact's files before they are zipped."""

from __future__ import annotations

from lambda_backend.values import Value

__all__ = ["PLAIN", "Finish"]


class Finish(Value):
    """What is asked for; nothing by default."""

    strip: bool = False
    """Debug information and static symbol tables of compiled code are taken away."""
    bytecode: bool = False
    """Bytecode is added for each source."""
    root: str = "/var/task"
    """Where Lambda unpacks the artefact: what bytecode says that it is from."""

    def __bool__(self) -> bool:
        return self.strip or self.bytecode

    @property
    def key(self) -> list[object]:
        """What of it decides the bytes, for a cache key."""
        return [self.strip, self.root if self.bytecode else None]


PLAIN = Finish()
