from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from lambda_backend.settings.load import Loaded, load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class LoadText(Protocol):
    def __call__(
        self,
        text: str,
        config_settings: Mapping[str, object] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Loaded: ...


@pytest.fixture
def load_text(tmp_path: Path) -> LoadText:
    """Loads a pyproject.toml with this text."""

    def loaded(
        text: str,
        config_settings: Mapping[str, object] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Loaded:
        pyproject = tmp_path / "pyproject.toml"
        pyproject.write_text(text, "utf-8")
        return load(pyproject, config_settings=config_settings, environ=environ or {})

    return loaded
