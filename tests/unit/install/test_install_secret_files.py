from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from lambda_backend.errors import SettingsError
from lambda_backend.install.secret_files import secret_mounts
from lambda_backend.settings.model import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from lambda_backend.engines.protocol import Mount

KEY = "tool.lambda.bundling.secrets"


def mounts(tmp_path: Path, *secrets: Secret, home: str | None = None) -> tuple[Mount, ...]:
    return secret_mounts(secrets, {"HOME": str(tmp_path / "home")}, root=tmp_path, home=home, key=KEY)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".netrc").write_text("")
    (tmp_path / "token").write_text("")
    return tmp_path


def test_where_they_are(files: Path) -> None:
    found = mounts(
        files,
        Secret(id="token", source="token"),
        Secret(id="netrc", source="~/.netrc", target="~/.netrc"),
        Secret(id="same", source=str(files / "token"), target="/etc/x"),
    )
    assert [(mount.source, str(mount.target)) for mount in found] == [
        (files / "token", "/run/secrets/token"),
        (files / "home" / ".netrc", "/tmp/.netrc"),  # noqa: S108
        (files / "token", "/etc/x"),
    ]
    assert all(mount.read_only for mount in found)


def test_the_home_folder_of_the_settings(files: Path) -> None:
    (mount,) = mounts(files, Secret(id="netrc", source="~/.netrc", target="~/.netrc"), home="/home/build")
    assert str(mount.target) == "/home/build/.netrc"


def test_everything_that_is_wrong_is_said_at_once(files: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        mounts(
            files,
            Secret(id="a", source="none"),
            Secret(id="b", source="~nobody-of-that-name/x"),
            Secret(id="c", source="home"),
            Secret(id="d", source="token", target="relative"),
            Secret(id="e", source="token"),
            Secret(id="f", source="token", target="/run/secrets/e"),
        )
    said = caught.value.problems
    assert said[0] == f"{KEY}[0].source: none cannot be read: No such file or directory"
    assert said[1].startswith(f"{KEY}[1].source: ~nobody-of-that-name/x cannot be read: ")
    assert said[2] == f"{KEY}[2].source: home cannot be read: Is a directory"
    assert said[3].startswith(f"{KEY}[3].target: relative is relative")
    assert said[4:] == (f"{KEY}[5].target: /run/secrets/e is the place of another secret already",)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_of_somebody_else(files: Path) -> None:
    (files / "token").chmod(0)
    with pytest.raises(SettingsError, match="Permission denied"):
        mounts(files, Secret(id="token", source="token"))
