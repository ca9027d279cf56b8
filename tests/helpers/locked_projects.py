"""The texts of projects that are locked at test time, and the archives that their indexes have."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from typing import TYPE_CHECKING

from tests.helpers.machine import write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LINUX = "manylinux_2_17_x86_64"
# A PEP 517 backend of a few lines, so that building and locking a folder takes no index.
_BACKEND = """\
import base64, hashlib, pathlib, zipfile
NAME, REQUIRES = {name!r}, {requires!r}
INFO = NAME + "-0.3.dist-info"
METADATA = "Metadata-Version: 2.1\\nName: " + NAME + "\\nVersion: 0.3\\n"
METADATA += "".join("Requires-Dist: " + line + "\\n" for line in REQUIRES)

def _row(path, text):
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    return path + ",sha256=" + digest + "," + str(len(text.encode())) + "\\n"

def _wheel(folder, name, text):
    files = {{
        name: text,
        INFO + "/METADATA": METADATA,
        INFO + "/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }}
    files[INFO + "/RECORD"] = "".join(_row(*file) for file in files.items()) + INFO + "/RECORD,,\\n"
    made = NAME + "-0.3-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder) / made, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return made

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return _wheel(wheel_directory, NAME + ".py", pathlib.Path("code.txt").read_text())

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return _wheel(wheel_directory, NAME + ".pth", str(pathlib.Path.cwd()))
"""
_FOLDER = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "{name}"
version = "0.3"
requires-python = ">=3.10"
dependencies = {requires}

[tool.poetry]
name = "{name}"
version = "0.3"
description = ""
authors = []

[tool.poetry.dependencies]
python = ">=3.10"
"""
TABLE = """
[tool.lambda]
runtime = {runtimes}
handler = "tiny.app.handler"
extras = {extras}
groups = {groups}
"""
POETRY = """\
[build-system]
requires = ["lambda-backend", "poetry-core"]
build-backend = "lambda_backend"

[tool.poetry]
name = "tiny"
version = "1.0.0"
description = "A tiny project"
authors = ["A <a@example.com>"]
readme = "README.md"

[tool.poetry.dependencies]
python = ">=3.10,<4"
aleph = {{ version = "^1.0", extras = ["fast"] }}
daleth = "*"
backport = {{ version = "*", python = "<3.12" }}
onlynew = {{ version = "*", markers = "python_version >= '3.12'" }}
windowsy = {{ version = "*", markers = "sys_platform == 'win32'" }}
locallib = {{ path = "libs/locallib" }}
editlib = {{ path = "libs/editlib", develop = true }}
optional = {{ version = "*", optional = true }}

[tool.poetry.extras]
pdf = ["optional"]

[tool.poetry.group.web.dependencies]
grouped = "*"

[tool.poetry.group.dev.dependencies]
devtool = "*"

[[tool.poetry.source]]
name = "local"
url = "{url}"
priority = "primary"
"""
PROJECT_HEAD = """\
[project]
name = "tiny"
version = "1.0.0"
description = "A tiny project"
requires-python = ">=3.10,<4"
dependencies = [
    "aleph[fast]>=1,<2",
    "daleth",
    "backport; python_version < '3.12'",
    "onlynew; python_version >= '3.12'",
    "windowsy; sys_platform == 'win32'",
    {folders}
]

[project.optional-dependencies]
pdf = ["optional"]
"""
POETRY_PROJECT = (
    PROJECT_HEAD
    + """
[build-system]
requires = ["lambda-backend", "poetry-core"]
build-backend = "lambda_backend"

[tool.poetry.dependencies]
locallib = {{ path = "libs/locallib" }}
editlib = {{ path = "libs/editlib", develop = true }}

[tool.poetry.group.web.dependencies]
grouped = "*"

[tool.poetry.group.dev.dependencies]
devtool = "*"

[[tool.poetry.source]]
name = "local"
url = "{url}"
priority = "primary"
"""
)
SETUPTOOLS = """\

[build-system]
requires = ["lambda-backend"]
build-backend = "lambda_backend"

[tool.setuptools]
packages = ["tiny"]
"""
UV = """
[dependency-groups]
web = ["grouped"]
dev = ["devtool"]

[tool.uv.sources]
locallib = {{ path = "libs/locallib" }}
editlib = {{ path = "libs/editlib", editable = true }}

[[tool.uv.index]]
url = "{url}"
default = true
"""
PIPFILE = """\
[[source]]
name = "local"
url = "{url}"
verify_ssl = false

[packages]
aleph = {{ version = ">=1,<2", extras = ["fast"] }}
daleth = "*"
backport = {{ version = "*", markers = "python_version < '3.12'" }}
onlynew = {{ version = "*", markers = "python_version >= '3.12'" }}
windowsy = {{ version = "*", markers = "sys_platform == 'win32'" }}
locallib = {{ path = "./libs/locallib" }}
editlib = {{ path = "./libs/editlib", editable = true }}
archived = {{ file = "./libs/archived-1.0-py3-none-any.whl" }}

[dev-packages]
devtool = "*"

[web]
grouped = "*"

[requires]
python_version = "3.13"
"""
# Wants user and password; has a newer `beth` too, which nobody asks it for.
POETRY_PRIVATE = """
[[tool.poetry.source]]
name = "private"
url = "{url}"
priority = "explicit"
"""
PIPENV_PRIVATE = """
[[source]]
name = "private"
url = "{url}"
verify_ssl = false
"""
CODE = {
    "README.md": "Tiny\n",
    "tiny/__init__.py": "",
    "tiny/app.py": "def handler(event, context):\n    return event\n",
}


def wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    tag: str = "py3-none-any",
    *,
    requires: Sequence[str] = (),
    extras: Sequence[str] = (),
) -> Path:
    """A wheel with one module."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: >=3.8\n"
    metadata += "".join(f"Provides-Extra: {extra}\n" for extra in extras)
    metadata += "".join(f"Requires-Dist: {line}\n" for line in requires)
    pure = str(tag.endswith("-none-any")).lower()
    files = {
        f"{name}.py": f"version = {version!r}\nbuilt_for = {tag!r}\n",
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {pure}\nTag: {tag}\n",
    }
    record = "".join(f"{path},{_digest(text)},{len(text.encode())}\n" for path, text in files.items())
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return target


def _digest(text: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def archives(folder: Path) -> Path:
    """What a public index has."""
    fast = ('beth>=1 ; python_version >= "3"', "gimel>=3,!=3.1 ; extra == 'fast'")
    for version in ("1.0", "1.4", "2.0"):
        wheel(folder, "aleph", version, requires=fast, extras=["fast"])
    for version in ("0.9", "1.0", "1.5"):
        wheel(folder, "beth", version)
    for minor in ("310", "311", "312", "313"):
        wheel(folder, "daleth", "1.0", f"cp{minor}-cp{minor}-{_LINUX}")
    wheel(folder, "gimel", "3.0")
    for name in ("archived", "backport", "devtool", "grouped", "onlynew", "optional", "windowsy"):
        wheel(folder, name)
    return folder


def private_archives(folder: Path) -> Path:
    """What a private index has: another ``beth`` too, which nobody asks it for."""
    wheel(folder, "secretive", "2.0", requires=["beth"])
    wheel(folder, "beth", "99.0")
    return folder


def local_folder(folder: Path, name: str, requires: Sequence[str] = ()) -> None:
    """Sources of a distribution ``name`` 0.3."""
    pyproject = _FOLDER.format(name=name, requires=list(requires))
    pyproject += "".join(f'{line} = "*"\n' for line in requires)
    files = {
        "pyproject.toml": pyproject,
        "backend.py": _BACKEND.format(name=name, requires=list(requires)),
        "code.txt": "answer = 42\n",
    }
    write(folder / name, files)
