from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING

import pytest

from lambda_backend.report.terminal import table
from lambda_backend.report.words import Words
from lambda_backend.requirements.model import Pin
from lambda_backend.units import human_size

if TYPE_CHECKING:
    from tests.unit.report.conftest import MakeArtifact


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (250 * 2**20, "250.0 MiB"),
        (5 * 2**30, "5.0 GiB"),
    ],
)
def test_sizes(size: int, words: str) -> None:
    assert human_size(size) == words


def test_one_row_an_artefact_and_its_largest_packages(make_artifact: MakeArtifact) -> None:
    made = [make_artifact("deps"), make_artifact("api", from_cache=True)]
    packed = [human_size(artifact.archive.size) for artifact in made]
    head, deps, largest, api, _ = table(made).splitlines()
    assert head.split() == ["artefact", "size", "unzipped", "of", "250", "MiB", "time", "dependencies"]
    assert deps.split() == [
        *("shop-1.0.0-deps-python3.13-arm64.zip", *packed[0].split()),
        *("2.1", "KiB", "0.0%", "1.23", "s", "installed", "(docker)"),
    ]
    assert largest == "  largest: idna 2.0 KiB, project 100 B, other files 0 B"
    assert api.endswith("1.23 s  from cache")
    assert [line.index("1.23 s") for line in (deps, api)] == [deps.index("1.23 s")] * 2


def test_what_was_left_out(make_artifact: MakeArtifact) -> None:
    boto3 = Pin(name="boto3", version="1.44.8", kind="wheel", size=140158)  # type: ignore[arg-type]
    botocore = Pin(name="botocore", version="1.44.8", kind="wheel", size=16884815)  # type: ignore[arg-type]
    last = table([make_artifact(omitted=(boto3, botocore))]).splitlines()[-1]
    assert last == "  left out: boto3 1.44.8, botocore 1.44.8 (archives of 16.2 MiB)"
    unknown = Pin(name="six", version=None, kind="directory", path="six")  # type: ignore[arg-type]
    last = table([make_artifact(omitted=(boto3, unknown))]).splitlines()[-1]
    assert last == "  left out: boto3 1.44.8, six"


def test_no_dependencies(make_artifact: MakeArtifact) -> None:
    assert table([make_artifact(builder=None)]).splitlines()[1].endswith("  none")


def test_words_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    words = Words()
    words.say("one step")
    words.detail("pip's own")
    words.block("a\nb")
    assert capsys.readouterr() == ("", "lambda-backend: one step\na\nb\n")


def test_verbose_words() -> None:
    stream = io.StringIO()
    words = Words(stream, verbose=True)
    words.detail("pip's own")
    words.detail("")
    assert stream.getvalue() == "    pip's own\n"


def test_a_step_that_takes_long_shows_what_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    words = Words(stream)
    words.say("one step")
    words.detail("at once")
    later = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: later)
    words.detail("a minute later")
    assert stream.getvalue() == "lambda-backend: one step\n    a minute later\n"
