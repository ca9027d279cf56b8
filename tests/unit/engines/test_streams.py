from __future__ import annotations

import io
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_backend.engines.process import run
from lambda_backend.engines.protocol import registry_digest
from lambda_backend.engines.streams import LineReader, frames, last_lines


@given(st.text(), st.lists(st.integers(0, 60)))
def test_lines_do_not_depend_on_how_the_bytes_come(text: str, cuts: list[int]) -> None:
    text = text.replace("\r", "")
    data = text.encode("utf-8", "replace")
    lines: list[str] = []
    reader = LineReader(lines.append)
    ends = sorted({*(cut for cut in cuts if cut < len(data)), len(data)})
    start = 0
    for end in ends:
        reader.feed(data[start:end])
        start = end
    assert reader.close() == data.decode()
    assert "\n".join(lines) == data.decode().removesuffix("\n")


def test_last_lines_hide_user_parts() -> None:
    shown = last_lines([f"line {number}" for number in range(50)] + ["", "at https://user:pass@example.com/x"])
    assert shown.splitlines()[-1] == "    at https://***@example.com/x"
    assert len(shown.splitlines()) == 20


def test_run_keeps_streams_apart_or_merges_them() -> None:
    script = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"
    lines: list[str] = []
    result = run([sys.executable, "-c", script], environ=os.environ, on_line=lines.append)
    assert (result.exit_code, result.output, result.log, lines) == (3, "out\n", "err\n", ["err"])
    merged = run([sys.executable, "-c", script], environ=os.environ, merged=True)
    assert (merged.output, merged.log) == ("", "out\nerr\n")


def test_run_kills_the_command_when_the_listener_fails() -> None:
    def fail(_line: str) -> None:
        raise ValueError

    script = "import sys, time; print('x', file=sys.stderr, flush=True); time.sleep(60)"
    with pytest.raises(ValueError):  # noqa: PT011 - the listener's own
        run([sys.executable, "-c", script], environ=os.environ, on_line=fail)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("public.ecr.aws/sam/build:latest", "sha256:1"),
        ("public.ecr.aws/sam/build@sha256:1", "sha256:1"),
        ("localhost:5000/build", "sha256:2"),
        ("build:1", "sha256:3"),
        ("other", "sha256:2"),
    ],
)
def test_registry_digest_is_the_one_of_the_repository(reference: str, expected: str) -> None:
    digests = ["localhost:5000/build@sha256:2", "public.ecr.aws/sam/build@sha256:1", "docker.io/library/build@sha256:3"]
    if reference == "build:1":
        digests = digests[2:]
    assert registry_digest(reference, digests) == expected


def test_registry_digest_of_none() -> None:
    assert registry_digest("x", []) is None


def test_frames_of_both_streams_up_to_one_that_is_cut_off() -> None:
    stream = io.BytesIO(b"\1\0\0\0\0\0\0\3out\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\3err\1\0\0")
    assert list(frames(stream)) == [(False, b"out"), (True, b""), (True, b"err")]
