"""Writes ``pylock.lambda.toml``: one lock for all targets, extras and groups that a folder's artefacts ask for."""
