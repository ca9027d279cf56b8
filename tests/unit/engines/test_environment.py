from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines.ca import ca_bundle_mount, ca_environment
from lambda_backend.engines.environment import exec_environment
from lambda_backend.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIP_INDEX_URL", "https://user:pass@example.com/simple/"),
        ("PIP_EXTRA_INDEX_URL", "https://a https://b"),
        ("PIP_TRUSTED_HOST", "example.com"),
        ("UV_DEFAULT_INDEX", "https://example.com/simple/"),
        ("UV_INDEX_CORP_PASSWORD", "secret"),
        ("UV_EXCLUDE_NEWER", "2026-01-01"),
        ("UV_HTTP_TIMEOUT", "60"),
        ("UV_INDEX_STRATEGY", "first-index"),
        ("HTTPS_PROXY", "http://proxy:3128"),
        ("no_proxy", "localhost"),
        ("all_proxy", "socks5://proxy"),
        ("POETRY_HTTP_BASIC_CORP_PASSWORD", "/secret"),
        ("POETRY_REPOSITORIES_CORP_URL", "https://example.com/simple/"),
        ("PIPENV_PYPI_MIRROR", "https://example.com/simple/"),
    ],
)
def test_index_and_proxy_variables_are_handed_on(name: str, value: str) -> None:
    assert exec_environment({name: value}) == {name: value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PATH", "/bin"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("PIP_TARGET", "x"),
        ("PIP_REQUIRE_VIRTUALENV", "1"),
        ("PIP_FIND_LINKS", "/opt/wheels"),
        ("UV", "/usr/bin/uv"),
        ("UV_CACHE_DIR", "cache"),
        ("UV_CONFIG_FILE", "uv.toml"),
        ("UV_FIND_LINKS", "file:///opt/wheels"),
        ("UV_INDEX", "/opt/index"),
        ("UV_LINK_MODE", "hardlink"),
        ("UV_PROJECT_ENVIRONMENT", "env"),
        ("UV_PUBLISH_TOKEN", "secret"),
        ("UV_PYTHON", "3.9"),
        ("UV_PYTHON_INSTALL_DIR", "pythons"),
        ("UV_TOOL_DIR", "tools"),
        ("UV_CONSTRAINT", "./constraints.txt"),
        ("UV_WORKING_DIR", "C:\\project"),
        ("PIPENV_PIPFILE", "Pipfile"),
        ("POETRY_PYPI_TOKEN_CORP", "secret"),
        ("POETRY_VIRTUALENVS_PATH", "envs"),
    ],
)
def test_the_rest_stays_on_the_host(name: str, value: str) -> None:
    assert exec_environment({name: value}) == {}


def test_find_links_keep_only_what_a_container_can_reach() -> None:
    value = "/opt/wheels https://example.com/wheels file:///opt"
    assert exec_environment({"PIP_FIND_LINKS": value}) == {"PIP_FIND_LINKS": "https://example.com/wheels"}


def test_ca_bundle_auto_takes_the_first_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x")
    environ = {"SSL_CERT_FILE": str(tmp_path / "none.pem"), "PIP_CERT": str(tmp_path / "ca.pem")}
    mount = ca_bundle_mount("auto", environ)
    assert mount is not None
    assert (mount.source, str(mount.target), mount.read_only) == (
        (tmp_path / "ca.pem").resolve(),
        "/etc/lambda-backend/ca.pem",
        True,
    )
    assert ca_bundle_mount("auto", {}) is None
    assert ca_bundle_mount("off", environ) is None


def test_ca_bundle_of_a_path(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x")
    assert ca_bundle_mount("ca.pem", {}, project=tmp_path) is not None
    with pytest.raises(SettingsError, match=r"ca-bundle: there is no file .*other\.pem"):
        ca_bundle_mount("other.pem", {}, project=tmp_path)


def test_ca_environment_points_every_tool_to_it() -> None:
    assert set(ca_environment().values()) == {"/etc/lambda-backend/ca.pem"}
    assert {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS"} == set(
        ca_environment()
    )
