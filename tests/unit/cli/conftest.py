from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from lambda_backend.cli.group import group

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from click.testing import Result


@dataclass(frozen=True, kw_only=True)
class Command:
    """Runs the command in this process, with a cache of its own."""

    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str | Path, env: Mapping[str, str] | None = None) -> Result:
        chosen = {**self.environment, **(env or {})}
        return CliRunner().invoke(group, [str(argument) for argument in arguments], env=chosen)


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(environment={"LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / "cache")})
