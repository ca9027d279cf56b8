from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambda_backend.errors import BundleError, SettingsError
from lambda_backend.install.own import image_digest, own_containerfile, tool_environment
from lambda_backend.settings.model import BundlingSettings, ImageSettings, Secret

if TYPE_CHECKING:
    from pathlib import Path

KEY = "tool.lambda.bundling"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/Dockerfile").write_text("FROM a\n")
    (tmp_path / "docker/a").write_text("1")
    return tmp_path


def test_a_reference_is_its_own_key(root: Path) -> None:
    assert own_containerfile(BundlingSettings(image="one"), {}, root=root, key=KEY, hidden=()) is None


def test_the_key_of_a_containerfile_is_what_it_is_built_from(root: Path) -> None:
    def key(arguments: dict[str, str] | None = None, target: str | None = None) -> str | None:
        image = ImageSettings(context="docker", target=target)
        return image_digest(image, arguments or {}, root=root, key=KEY)

    first = key({"A": "${TOKEN}"})
    assert first == key({"A": "${TOKEN}"})
    assert len({first, key(), key({"A": "1"}), key(target="x")}) == 4
    (root / "docker/a").write_text("2")
    assert key({"A": "${TOKEN}"}) != first


def test_what_is_missing_is_told_by_the_key_of_the_artefact(root: Path) -> None:
    image = ImageSettings(context="none")
    with pytest.raises(BundleError, match=r"^tool\.lambda\.functions\.api\.bundling\.image\.context: "):
        image_digest(image, {}, root=root, key="tool.lambda.functions.api.bundling")


def test_all_that_a_build_is_given(root: Path) -> None:
    (root / "netrc").write_text("")
    bundling = BundlingSettings(
        image=ImageSettings(context="docker", target="x"),
        build_args={"A": "${A}", "URL": "https://me:from-the-table@example.com/${B}", "SHORT": "${B}"},
        secrets=(Secret(id="netrc", source="~/netrc"),),
        ssh="agent.sock",
    )
    environ = {"A": "from-the-shell", "B": "b", "HOME": str(root)}
    own = own_containerfile(bundling, environ, root=root, key=KEY, hidden=("other",))
    assert own is not None
    assert own.key == f"{KEY}.image"
    assert list(own.context.files) == ["Dockerfile", "a"]
    assert own.target == "x"
    assert own.templates == bundling.build_args
    assert own.build_args == {"A": "from-the-shell", "URL": "https://me:from-the-table@example.com/b", "SHORT": "b"}
    # To hide every "b" would hide no secret.
    assert set(own.hidden) == {"other", "from-the-shell", "from-the-table"}
    assert [(secret.id, secret.source) for secret in own.secrets] == [("netrc", (root / "netrc").resolve())]
    assert own.ssh == f"default={root / 'agent.sock'}"


def test_an_unset_variable_is_told_by_its_key(root: Path) -> None:
    bundling = BundlingSettings(image=ImageSettings(context="docker"), build_args={"A": "${NONE}"})
    with pytest.raises(SettingsError, match=r"tool\.lambda\.bundling\.build-args\.A: .*NONE is not set"):
        own_containerfile(bundling, {}, root=root, key=KEY, hidden=())
    with pytest.raises(SettingsError, match=r"build-args\.A"):
        tool_environment(bundling, {}, {}, key=KEY)


def test_index_and_proxy_arguments_count_for_tools_and_win() -> None:
    arguments = {"PIP_INDEX_URL": "https://${T}@one", "HTTPS_PROXY": "http://two", "OTHER": "three"}
    environment = {"PIP_INDEX_URL": "https://host", "https_proxy": "http://host", "UV_CACHE_DIR": "/cache"}
    found = tool_environment(BundlingSettings(build_args=arguments), {"T": "token"}, environment, key=KEY)
    assert found == {"PIP_INDEX_URL": "https://token@one", "HTTPS_PROXY": "http://two", "UV_CACHE_DIR": "/cache"}
