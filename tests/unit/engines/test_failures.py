from __future__ import annotations

import pytest

from lambda_backend.engines.failures import ended, foreign, last_words, stopped
from lambda_backend.errors import EngineUnavailableError


@pytest.mark.parametrize(
    "said",
    [
        "exec /bin/sleep: exec format error",  # runc
        '{"msg":"exec container process `/bin/sleep`: Exec format error","level":"error"}',  # crun
        "STEP 3/3: RUN true\nexec container process `/bin/sh`: Exec format error\nError: building",
    ],
)
def test_a_foreign_processor_is_known_by_the_runtimes_words(said: str) -> None:
    found = foreign(said, "linux/arm64")
    assert isinstance(found, EngineUnavailableError)
    assert "linux/arm64" in found.message
    assert "format error" in found.message
    assert "Error: building" not in found.message
    assert "--install arm64" in str(found.hint)


def test_other_failures_are_none_of_a_processor() -> None:
    assert foreign("exec: not found", "linux/arm64") is None


def test_a_stopped_container_shows_its_last_words_without_user_parts() -> None:
    error = stopped("box", "uv", "no space left\nhttps://me:secret@example.com/", platform="linux/amd64")
    assert "box was stopped while uv ran in it:\n    no space left" in error.message
    assert "secret" not in error.message


def test_a_stopped_container_that_said_nothing() -> None:
    assert (
        stopped("box", "uv", "\n", platform="linux/amd64").message == "the container box was stopped while uv ran in it"
    )


def test_a_container_that_cannot_run_here_is_explained() -> None:
    error = stopped("box", "uv", "not running\nexec /bin/sleep: exec format error\n", platform="linux/arm64")
    assert isinstance(error, EngineUnavailableError)


@pytest.mark.parametrize("code", [0, 1, 124, 127])
def test_the_commands_own_exit_codes_ask_nobody(code: int) -> None:
    assert not ended(code, lambda: pytest.fail("asked"))


@pytest.mark.parametrize("code", [None, -9, 125, 126, 137, 255])
def test_a_containers_end_may_be_noticed_late(code: int | None) -> None:
    answers = iter([True, True, False])
    assert ended(code, lambda: next(answers))


def test_a_killed_command_in_a_living_container() -> None:
    assert not ended(137, lambda: True)


def test_last_words_may_come_late() -> None:
    answers = iter(["", "exec format error"])
    assert last_words(lambda: next(answers)) == "exec format error"
