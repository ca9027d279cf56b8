from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambda_backend.errors import SettingsError
from lambda_backend.settings.filled import filled
from lambda_backend.settings.load import load
from lambda_backend.settings.model import ImageSettings
from lambda_backend.settings.resolve import artifacts

if TYPE_CHECKING:
    from pathlib import Path

    from lambda_backend.settings.resolve import ArtifactSettings


@pytest.fixture
def artifact(tmp_path: Path) -> ArtifactSettings:
    (tmp_path / "pyproject.toml").write_text(
        """
        [tool.lambda]
        runtime = "python3.13"
        entry = "functions/${NAME}"
        include = [{ from = "conf/${STAGE:-test}.json", to = "${STAGE:-test}" }]
        bundling.image = { context = "${FOLDER:-docker}", file = "${FILE:-My.file}", target = "${STAGE:-test}" }
        bundling.network = "${NETWORK}"
        """
    )
    loaded = load(tmp_path / "pyproject.toml", config_settings=None, environ={})
    assert loaded.settings is not None
    return artifacts(loaded.settings)[0]


def test_paths_are_filled_in(artifact: ArtifactSettings) -> None:
    made = filled(artifact, {"NAME": "orders"})
    assert made.entry == "functions/orders"
    assert (made.include[0].from_, made.include[0].to) == ("conf/test.json", "test")
    assert made.lock is None
    assert made.bundling.image == ImageSettings(context="docker", file="My.file", target="test")
    assert made.bundling.network == "${NETWORK}"


def test_an_unset_variable_names_its_key(artifact: ArtifactSettings) -> None:
    with pytest.raises(SettingsError, match=r"tool\.lambda\.entry.*NAME"):
        filled(artifact, {})


def test_what_comes_out_may_not_leave_the_project(artifact: ArtifactSettings) -> None:
    with pytest.raises(SettingsError, match=r"tool\.lambda\.entry: .*leaves the project"):
        filled(artifact, {"NAME": "../../elsewhere"})


@pytest.mark.parametrize(("key", "name"), [("context", "FOLDER"), ("file", "FILE")])
def test_nor_may_an_image(artifact: ArtifactSettings, key: str, name: str) -> None:
    with pytest.raises(SettingsError, match=rf"tool\.lambda\.bundling\.image\.{key}: .*leaves the project"):
        filled(artifact, {"NAME": "orders", name: "../elsewhere"})
