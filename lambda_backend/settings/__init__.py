"""The ``[tool.lambda]`` table: model, parser, overrides and schema."""
