from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from lambda_backend.install.keyring import Keyring

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """\
#!/bin/sh
echo "$@" >> "$ASKED"
test "$1 $2 $3" = "get $SERVICE somebody" || exit 1
echo "p@ss word"
"""


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """What the keyring was asked for, line by line."""
    command = tmp_path / "bin" / "keyring"
    command.parent.mkdir()
    command.write_text(SCRIPT)
    command.chmod(0o755)
    return tmp_path / "asked"


def keyring(asked: Path, service: str, provider: str = "subprocess") -> Keyring:
    path = f"{asked.parent / 'bin'}{os.pathsep}{os.defpath}"
    return Keyring({"PATH": path, "ASKED": str(asked), "SERVICE": service, "UV_KEYRING_PROVIDER": provider})


@pytest.mark.parametrize(
    "service", ["https://example.com:8080/simple/", "example.com:8080", "https://example.com:8080"]
)
def test_index_host_and_realm_are_asked_in_uv_s_order(asked: Path, service: str) -> None:
    found = keyring(asked, service).with_passwords({"UV_DEFAULT_INDEX": "https://somebody@example.com:8080/simple/"})
    assert found == {"UV_DEFAULT_INDEX": "https://somebody:p%40ss%20word@example.com:8080/simple/"}
    order = ["https://example.com:8080/simple/", "example.com:8080", "https://example.com:8080"]
    assert asked.read_text().splitlines() == [f"get {name} somebody" for name in order[: order.index(service) + 1]]


def test_every_index_of_a_list_and_only_urls_with_nothing_but_a_user(asked: Path) -> None:
    variables = {
        "UV_INDEX": "one=https://somebody@one.example/ https://u:p@two.example/ https://three.example/a@b",
        "PIP_EXTRA_INDEX_URL": "https://somebody@one.example/",
        "OTHER": "https://somebody@one.example/",
    }
    assert keyring(asked, "one.example").with_passwords(variables) == {
        "UV_INDEX": "one=https://somebody:p%40ss%20word@one.example/ https://u:p@two.example/ https://three.example/a@b",
        "PIP_EXTRA_INDEX_URL": "https://somebody:p%40ss%20word@one.example/",
        "OTHER": "https://somebody@one.example/",
    }
    assert asked.read_text().count("get one.example somebody") == 1  # each may ask the person


def test_what_the_keyring_does_not_have_stays(asked: Path) -> None:
    variables = {"UV_INDEX": "https://a%40b@one.example/"}
    assert keyring(asked, "other").with_passwords(variables) == variables
    assert asked.read_text().splitlines()[0] == "get https://one.example/ a@b"


def test_nobody_is_asked_where_uv_would_not(asked: Path) -> None:
    variables = {"UV_INDEX": "https://somebody@one.example/"}
    assert keyring(asked, "one.example", "disabled").with_passwords(variables) == variables
    assert not asked.exists()


def test_a_machine_without_the_command(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path), "UV_KEYRING_PROVIDER": "subprocess"}
    variables = {"UV_INDEX": "https://somebody@one.example/"}
    assert Keyring(environ).with_passwords(variables) == variables
