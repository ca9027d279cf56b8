"""Work that goes on in a thread while something else is waited for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Beside"]

_T = TypeVar("_T")


class Beside(Generic[_T]):
    """Starts work at once.

    Args:
        work: what to do.
    """

    def __init__(self, work: Callable[[], _T]) -> None:
        self._work = work
        self._result: _T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def result(self) -> _T:
        """Wait for what comes out; an error of the work is raised here."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return cast("_T", self._result)

    def close(self) -> None:
        """Wait for the end, whatever it is."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            self._error = error
