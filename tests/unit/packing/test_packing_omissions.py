from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from lambda_backend.packing.omissions import Omissions, without
from lambda_backend.report.words import Words
from lambda_backend.requirements.model import Pin
from lambda_backend.settings.load import load
from lambda_backend.settings.resolve import artifacts

if TYPE_CHECKING:
    from pathlib import Path

    from lambda_backend.settings.resolve import ArtifactSettings

TABLE = """\
[tool.lambda]
runtime = "python3.13"
omit = ["Boto3", "botocor"]
[tool.lambda.functions.api]
handler = "shop.api.handler"
layers = ["deps"]
[tool.lambda.functions.job]
handler = "shop.job.handler"
layers = ["deps"]
omit = []
[tool.lambda.functions.odd]
handler = "shop.odd.handler"
omit = ["numpy"]
[tool.lambda.layers.deps]
"""


def pins(*names: str) -> tuple[Pin, ...]:
    return tuple(Pin(name=name, version="1.0", kind="wheel") for name in names)  # type: ignore[arg-type]


def names(found: tuple[Pin, ...]) -> list[str]:
    return [pin.name for pin in found]


@pytest.fixture
def by_name(tmp_path: Path) -> dict[str, ArtifactSettings]:
    (tmp_path / "pyproject.toml").write_text(TABLE)
    settings = load(tmp_path / "pyproject.toml", config_settings=None, environ={}).settings
    assert settings is not None
    return {artifact.name: artifact for artifact in artifacts(settings)}


@pytest.fixture
def spoken() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def omissions(spoken: io.StringIO) -> Omissions:
    return Omissions(Words(spoken))


def lines(spoken: io.StringIO) -> list[str]:
    return [line.removeprefix("lambda-backend: ") for line in spoken.getvalue().splitlines()]


def test_what_is_named_is_left_out_and_nothing_else(
    omissions: Omissions, by_name: dict[str, ArtifactSettings], spoken: io.StringIO
) -> None:
    asked = pins("boto3", "botocore", "s3transfer", "idna")
    for _ in range(2):  # two targets: said once
        kept, left_out = omissions.split(by_name["deps"], asked, asked, ())
    assert (names(kept), names(left_out)) == (["botocore", "s3transfer", "idna"], ["boto3"])
    version, rest = lines(spoken)
    assert version.startswith("warning: deps runs with the runtime's own version in place of boto3 1.0: AWS changes it")
    assert rest == (
        "warning: deps ships botocore, s3transfer, which the runtime's own SDK will then use: name what only the SDK "
        "needs in tool.lambda.omit too"
    )


def test_a_function_that_has_what_its_layer_omits_says_so(
    omissions: Omissions, by_name: dict[str, ArtifactSettings], spoken: io.StringIO
) -> None:
    asked = pins("boto3", "idna")
    kept, left_out = omissions.split(by_name["job"], asked, asked, [by_name["deps"]])
    assert (names(kept), left_out) == (["boto3", "idna"], ())
    assert lines(spoken) == ["job has boto3 itself, since its layer deps omits it"]


def test_what_no_runtime_has_must_come_from_elsewhere(
    omissions: Omissions, by_name: dict[str, ArtifactSettings], spoken: io.StringIO
) -> None:
    asked = pins("numpy", "six")
    kept, left_out = omissions.split(by_name["odd"], asked, asked, ())
    assert (names(kept), names(left_out)) == (["six"], ["numpy"])
    (line,) = lines(spoken)
    assert line == (
        "warning: odd omits numpy 1.0, which no runtime of Lambda has: something else, such as a layer of another "
        "project, must bring it"
    )


def test_names_that_mean_nothing_are_told_with_the_nearest(
    omissions: Omissions, by_name: dict[str, ArtifactSettings], spoken: io.StringIO
) -> None:
    # A layer of the function has it: it is required all the same.
    omissions.split(by_name["api"], (), pins("boto3", "botocore"), [by_name["deps"]])
    omissions.split(by_name["odd"], pins("boto3"), pins("boto3"), ())
    omissions.tell_unknown()
    assert lines(spoken) == [
        'warning: tool.lambda.omit: "botocor" is no requirement of api; did you mean "botocore"?',
        'warning: tool.lambda.functions.odd.omit: "numpy" is no requirement of odd',
    ]


def test_a_command_installs_what_it_likes(
    omissions: Omissions, by_name: dict[str, ArtifactSettings], spoken: io.StringIO
) -> None:
    omissions.nothing(by_name["odd"])
    omissions.nothing(by_name["job"])
    omissions.tell_unknown()
    assert lines(spoken) == [
        "warning: tool.lambda.functions.odd.omit leaves nothing out of odd, which a command installs"
    ]


def test_without_normalises_names() -> None:
    assert names(without(pins("python-dateutil", "six"), ["Python_DateUtil"])) == ["six"]
