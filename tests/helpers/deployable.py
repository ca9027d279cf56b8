"""A project with all that a deployment has to get right: functions, a layer, an entry, each for two architectures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.helpers.machine import project

if TYPE_CHECKING:
    from pathlib import Path

TABLE = """
[project.optional-dependencies]
data = ["idna==3.10"]

[tool.lambda]
runtime = "python3.13"
architecture = ["x86_64", "arm64"]

[tool.lambda.functions.api]
handler = "tiny.app.handler"

[tool.lambda.functions.report]
handler = "tiny.app.handler"
extras = ["data"]
layers = ["deps"]

[tool.lambda.functions.worker]
entry = "functions/worker"

[tool.lambda.layers.deps]
extras = ["data"]
"""
HANDLER = "def handler(event, context):\n    return event\n"


def make(folder: Path) -> Path:
    files = {"functions/worker/index.py": HANDLER, "functions/worker/requirements.txt": "click==8.1.8\n"}
    return project(folder, TABLE, dependencies='["markupsafe==3.0.2"]', files=files)
