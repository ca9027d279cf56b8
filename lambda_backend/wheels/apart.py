"""Makes a wheel in a process of its own, so that what needs no wheel goes on meanwhile.

A thread would not do: setuptools changes how its process imports, and what sysconfig says, under the feet of others.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from lambda_backend.inputs.installed import folders
from lambda_backend.inputs.observation import Observation, observing, tell, unobserved
from lambda_backend.wheel_backend import WheelBackend

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Apart", "answer"]

# What lives for a fifth of a second leaves its garbage to the system.
_START = (
    "import gc, json, sys; gc.disable(); asked = json.load(sys.stdin); sys.path[:] = asked['path']; "
    "from lambda_backend.wheels.apart import answer; answer(asked)"
)


class Apart:
    """A wheel that is being made, from now on.

    Args:
        backend: makes it; it is told nothing but where to.
        root: the project's folder.
        folder: an empty one for the wheel.
        stage: holds that folder, and whatever else this build makes: nothing there is an input.
        outputs: folders that builds write to.

    Raises:
        OSError: no process can be started.
    """

    def __init__(
        self, backend: WheelBackend, *, root: Path, folder: Path, stage: Path, outputs: Sequence[Path]
    ) -> None:
        self._root = root
        self._outputs = tuple(outputs)
        self._folder = folder
        self._answer, self._output, self._log = (stage / f"apart.{ending}" for ending in ("json", "out", "err"))
        asked = {
            "path": [entry for entry in sys.path if isinstance(entry, str)],  # Python heeds no others
            "backend": backend.described,
            "root": str(root),
            "folder": str(folder),
            "stage": str(stage),
            "outputs": [str(path) for path in outputs],
            "answer": str(self._answer),
        }
        # What it reads, it tells itself.
        with self._output.open("wb") as output, self._log.open("wb") as log, unobserved():
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START], cwd=root, stdin=subprocess.PIPE, stdout=output, stderr=log
            )
        assert self._process.stdin is not None  # noqa: S101 - for mypy: it is a pipe
        # One that has ended by now says so later.
        with contextlib.suppress(BrokenPipeError), self._process.stdin as stream:
            stream.write(json.dumps(asked).encode("ascii"))

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing to wait for."""
        return self._process.poll() is not None

    def result(self) -> tuple[Path, Observation] | None:
        """The wheel and what was read for it; None where there is none, and nothing is said of the reason."""
        if self._process.wait() != 0 or not self._answer.exists():
            return None
        told = json.loads(self._answer.read_text("utf-8"))
        observation = Observation(self._root, apart=(), outputs=self._outputs)
        observation.add(told["read"])
        tell(told["read"])
        _show(self._output, sys.stdout)
        _show(self._log, sys.stderr)
        return self._folder / told["name"], observation

    def close(self) -> None:
        """End it."""
        if not self.has_ended:
            self._process.kill()
            self._process.wait()


def _show(file: Path, stream: TextIO | None) -> None:
    """Print what another process printed, as it stands: its encoding is that of this process."""
    if stream is None:
        return
    stream.flush()
    if (buffer := getattr(stream, "buffer", None)) is not None:
        buffer.write(file.read_bytes())
    else:
        stream.write(file.read_text("utf-8", errors="replace"))
    stream.flush()


def answer(asked: Mapping[str, Any]) -> None:
    """Make a wheel, and write down its name and what was read: the other side of ``Apart``.

    Args:
        asked: what it is told.
    """
    root = Path(asked["root"])
    backend = WheelBackend(**asked["backend"])
    outputs = tuple(Path(path) for path in asked["outputs"])
    observation = Observation(root, apart=(Path(asked["stage"]), *folders(root)), outputs=outputs)
    with observing(observation):
        name = backend.call("build_wheel", asked["folder"], {}, None)
    Path(asked["answer"]).write_text(json.dumps({"name": name, "read": observation.told}), "utf-8")
