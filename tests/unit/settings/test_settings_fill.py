from __future__ import annotations

import pytest

from lambda_backend.errors import SettingsError
from lambda_backend.settings.fill import filled_bundling, filled_texts
from lambda_backend.settings.model import BundlingSettings, Secret, ToolsSettings, Volume

KEY = "tool.lambda.bundling"


def test_texts_at_any_depth() -> None:
    bundling = BundlingSettings(
        image="${REGISTRY}/image",
        network="${NET:-host}",
        security_opt=("${A}",),
        volumes=(Volume(host_path="${A}/x", container_path="/x", read_only=True),),
        secrets=(Secret(id="id", source="${A}/y"),),
        tools=ToolsSettings(uv="${UV}"),
    )
    filled = filled_bundling(bundling, {"REGISTRY": "r", "A": "/a", "UV": "0.13"}, KEY)
    assert (filled.image, filled.network, filled.security_opt) == ("r/image", "host", ("/a",))
    assert filled.volumes == (Volume(host_path="/a/x", container_path="/x", read_only=True),)
    assert filled.secrets == (Secret(id="id", source="/a/y"),)
    assert filled.tools.uv == "0.13"


def test_what_may_be_secret_and_what_is_the_shell_s_stays() -> None:
    bundling = BundlingSettings(
        environment={"A": "${T}"},
        build_args={"A": "${T}"},
        before=("${T}",),
        after=("${T}",),
        command=("${T}",),
        entrypoint=("${T}",),
    )
    assert filled_bundling(bundling, {}, KEY) == bundling


def test_an_unset_variable_names_its_key() -> None:
    bundling = BundlingSettings(volumes=(Volume(host_path="/a", container_path="${GONE}"),))
    with pytest.raises(SettingsError, match=r"bundling\.volumes\[0\]\.container-path: .*GONE is not set"):
        filled_bundling(bundling, {}, KEY)
    with pytest.raises(SettingsError, match=r"bundling\.environment\.A: .*GONE is not set"):
        filled_texts({"A": "${GONE}"}, {}, f"{KEY}.environment")
