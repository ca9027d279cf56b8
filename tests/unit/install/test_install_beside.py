from __future__ import annotations

import threading

import pytest

from lambda_backend.errors import InstallError
from lambda_backend.install.beside import Beside


def test_work_goes_on_and_its_result_is_waited_for() -> None:
    started, may_end = threading.Event(), threading.Event()

    def work() -> str:
        started.set()
        may_end.wait()
        return "done"

    found = Beside(work)
    assert started.wait(10)
    may_end.set()
    assert (found.result(), found.result()) == ("done", "done")
    found.close()


def test_an_error_is_raised_where_the_result_is_asked_for() -> None:
    def work() -> None:
        raise InstallError("no")

    found = Beside(work)
    found.close()
    with pytest.raises(InstallError, match="no"):
        found.result()
