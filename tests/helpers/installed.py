"""What ``importlib.metadata`` finds in a zip, held against the zip."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from tests.helpers.interpreters import require_interpreter
from tests.helpers.invoke import unpack

_LOOK = """\
import base64, hashlib, importlib.metadata, json, pathlib, sys
root = pathlib.Path(sys.argv[1])
problems, names, listed = [], [], set()
for found in importlib.metadata.distributions(path=[str(root)]):
    names.append(found.metadata["Name"])
    if not (found.version and found.metadata["Name"] and found.files):
        problems.append(f"{found.metadata['Name']}: no version or files")
    for file in found.files or ():
        path = root / file
        listed.add(path.resolve())
        if not path.is_file():
            problems.append(f"{file} is listed and not there")
        elif file.hash is None:
            problems += [] if file.name == "RECORD" else [f"{file} has no hash"]
        else:
            data = path.read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            if digest != file.hash.value or len(data) != file.size:
                problems.append(f"{file} is not what is recorded")
            elif path.suffix == ".py":
                compiled = sorted((path.parent / "__pycache__").glob(path.stem + ".cpython-*.pyc"))
                problems += [f"{one} is not listed" for one in compiled if f"{one.relative_to(root)}" not in
                             {str(other) for other in found.files}]
print(json.dumps([names, problems]))
"""


def installed_problems(zipped: Path, python: str, prefix: str = "") -> list[str]:
    """The names of the distributions in a zip, whose metadata and RECORD have to be true.

    Args:
        zipped: the zip.
        python: whose ``importlib.metadata`` looks.
        prefix: where distributions are; of a layer ``python`` without being told.
    """
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        unpack(zipped, root)
        folder = root / prefix if prefix else root / "python" if (root / "python").is_dir() else root
        argv = [str(require_interpreter(python)), "-I", "-B", "-c", _LOOK, str(folder)]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
    names, problems = json.loads(done.stdout)
    assert problems == [], problems
    return sorted(names)
