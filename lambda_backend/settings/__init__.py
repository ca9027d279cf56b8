"""``[tool.lambda]``: what a project asks for, read, checked and resolved."""

from lambda_backend.settings.interpolate import expand, redact, redact_urls, secrets_in, without_user
from lambda_backend.settings.load import Loaded, load
from lambda_backend.settings.model import (
    BundlingSettings,
    ChecksSettings,
    FunctionSettings,
    ImageSettings,
    Include,
    LayerSettings,
    Settings,
    ToolsSettings,
)
from lambda_backend.settings.resolve import ArtifactSettings, artifacts

__all__ = [
    "ArtifactSettings",
    "BundlingSettings",
    "ChecksSettings",
    "FunctionSettings",
    "ImageSettings",
    "Include",
    "LayerSettings",
    "Loaded",
    "Settings",
    "ToolsSettings",
    "artifacts",
    "expand",
    "load",
    "redact",
    "redact_urls",
    "secrets_in",
    "without_user",
]
