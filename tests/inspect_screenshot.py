"""The picture of the page in the docs: a function of the usual size, built, looked into, and photographed.

    python tests/inspect_screenshot.py docs/images/inspect.png

Needs a package index, and Chromium or Chrome. ``--dark`` is for looking at the other theme.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
PYPROJECT = """\
[build-system]
requires = ["lambda-backend", "setuptools"]
build-backend = "lambda_backend"

[project]
name = "shop"
version = "1.4.0"
dependencies = ["cryptography", "fastapi", "mangum", "numpy", "pillow"]

[tool.setuptools]
packages = ["shop"]

[tool.lambda.functions.api]
runtime = "python3.13"
handler = "shop.api.handler"
"""


def main() -> None:
    """Write the picture."""
    sys.path.insert(0, str(CHECKOUT))
    from tests.helpers.browser import browser

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, browser() as page:
        path = made(Path(folder))
        page.prefer(color_scheme="dark" if options.dark else "light", reduced_motion="reduce")
        page.open(path, width=1060, height=1140)
        page.point(
            "[...document.querySelectorAll('.tile')].find((e) => e.textContent.startsWith('libscipy_openblas'))",
            below=60,
        )
        options.picture.write_bytes(page.picture())


def made(folder: Path) -> Path:
    """The page of a zip that is built now."""
    (folder / "shop").mkdir()
    (folder / "shop/__init__.py").touch()
    (folder / "shop/api.py").write_text("def handler(event, context):\n    return event\n", "utf-8")
    (folder / "pyproject.toml").write_text(PYPROJECT, "utf-8")
    command = [sys.executable, "-m", "lambda_backend"]
    environ = {**os.environ, "LAMBDA_BACKEND_ENGINE": "host"}
    subprocess.run([*command, "build", folder], env=environ, check=True)
    (path,) = (folder / "dist").glob("*.zip")
    subprocess.run([*command, "inspect", path, "--html", folder / "page.html"], check=True)
    return folder / "page.html"


if __name__ == "__main__":
    main()
