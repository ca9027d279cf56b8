from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.frontends import keeps_only_the_wheel

if TYPE_CHECKING:
    from pathlib import Path


def test_pip_names_its_build_tracker(tmp_path: Path) -> None:
    assert keeps_only_the_wheel({"PIP_BUILD_TRACKER": "/tracker"}, tmp_path) == "pip"
    assert keeps_only_the_wheel({"PIP_BUILD_TRACKER": "/tracker"}, None) == "pip"


def test_uv_installs_from_its_cache(tmp_path: Path) -> None:
    (tmp_path / "CACHEDIR.TAG").write_text("")
    assert keeps_only_the_wheel({"UV": "/bin/uv"}, tmp_path / "builds" / "x") == "uv"


def test_uv_build_and_others_keep_what_lies_beside_the_wheel(tmp_path: Path) -> None:
    assert keeps_only_the_wheel({"UV": "/bin/uv"}, tmp_path / "dist") is None
    assert keeps_only_the_wheel({}, tmp_path) is None
    assert keeps_only_the_wheel({}, None) is None
