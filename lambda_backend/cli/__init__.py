"""The ``lambda-backend`` command: thin readers of the same stages that a build has."""

from __future__ import annotations

import importlib.util

from lambda_backend.edge import edge
from lambda_backend.errors import MissingExtraError

__all__ = ["main"]

_PACKAGES = ("click", "rich")
"""Of the extra ``cli``."""


@edge
def main() -> None:
    """Run the command that the process was started with; ends in SystemExit."""
    if missing := [name for name in _PACKAGES if importlib.util.find_spec(name) is None]:
        raise MissingExtraError(
            f"the lambda-backend command needs {' and '.join(missing)}, which the build backend does without",
            hint="pip install 'lambda-backend[cli]'",
        )
    from lambda_backend.cli.group import group

    group.main(prog_name="lambda-backend")
