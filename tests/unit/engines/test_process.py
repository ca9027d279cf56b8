from __future__ import annotations

import io
import os
import time

import pytest

from lambda_backend.engines.process import run


def test_output_log_and_exit_code() -> None:
    heard: list[str] = []
    script = "cat; echo to the log >&2; exit 3"
    result = run(["sh", "-c", script], environ=os.environ, stdin=io.BytesIO(b"in\n"), on_line=heard.append)
    assert (result.exit_code, result.output, result.log) == (3, "in\n", "to the log\n")
    assert heard == ["to the log"]


def test_both_streams_in_their_order() -> None:
    result = run(["sh", "-c", "echo 1; echo 2 >&2; echo 3"], environ=os.environ, merged=True)
    assert (result.output, result.log) == ("", "1\n2\n3\n")


def test_a_command_that_does_not_read_its_input_ends() -> None:
    result = run(["sh", "-c", "exit 7"], environ=os.environ, stdin=io.BytesIO(b"x" * 1_000_000))
    assert result.exit_code == 7


def test_children_that_outlive_a_stopped_command_are_not_waited_for() -> None:
    def stop(line: str) -> None:
        raise KeyboardInterrupt(line)

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt, match="started"):
        run(["sh", "-c", "sleep 5 & echo started >&2; wait"], environ=os.environ, on_line=stop)
    assert time.monotonic() - started < 4
