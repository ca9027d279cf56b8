"""``[tool.lambda]``: what a project asks for, read, checked and resolved."""
