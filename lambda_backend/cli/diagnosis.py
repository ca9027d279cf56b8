"""What of a machine matters for builds: engines, images, uv, Pythons, emulation and the cache."""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lambda_backend.engines.choice import ENGINES, connect
from lambda_backend.errors import EngineError, LambdaBackendError, MissingExtraError
from lambda_backend.install.uv import uv_executable
from lambda_backend.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambda_backend.cache import Cache
    from lambda_backend.engines.protocol import Engine
    from lambda_backend.targets import Target

__all__ = ["EngineState", "Processor", "Wish", "cache_problem", "engine_states", "images", "processor", "uv_state"]

Processor = Literal["native", "emulated", "missing", "unknown"]

_BINFMT = Path("/proc/sys/fs/binfmt_misc")
_MACHINE = slice(36, 40)
"""Where in the hexadecimal magic of an ELF file ``e_machine`` stands."""
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Other systems' words for the processors."""


class EngineState(Value):
    """Whether an engine answers."""

    name: str
    engine: Engine | None = field(default=None, repr=False)
    """None where it does not answer."""
    version: str | None = None
    reason: str | None = None
    """Why it does not answer."""
    hint: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Wish:
    """An image that builds want."""

    reference: str
    platform: str


def engine_states(environ: Mapping[str, str]) -> tuple[EngineState, ...]:
    """All engines, in the order in which ``auto`` tries them."""
    return tuple(_engine_state(name, environ) for name in ENGINES)


def _engine_state(name: str, environ: Mapping[str, str]) -> EngineState:
    try:
        engine = connect(name, environ)
        return EngineState(name=name, engine=engine, version=engine.version())
    except (EngineError, MissingExtraError) as error:
        return EngineState(name=name, reason=" ".join(error.message.split()), hint=error.hint)


def images(states: Iterable[EngineState], wishes: Iterable[Wish]) -> dict[Wish, tuple[str, ...]]:
    """For each image the engines that have it."""
    answering = [state for state in states if state.engine is not None]
    return {wish: tuple(state.name for state in answering if _has(state.engine, wish)) for wish in wishes}


def _has(engine: Engine | None, wish: Wish) -> bool:
    try:
        return engine is not None and engine.image(wish.reference, wish.platform) is not None
    except EngineError:
        return False  # it answered, and does not any more


def uv_state(environ: Mapping[str, str]) -> tuple[str, str] | None:
    """Path and version of the uv that builds on this machine use; None where there is none that runs."""
    try:
        path = uv_executable(environ)
        done = subprocess.run([path, "--version"], capture_output=True, text=True, env=dict(environ), check=True)
    except (LambdaBackendError, OSError, subprocess.CalledProcessError):
        return None
    words = done.stdout.split()
    return path, words[1] if len(words) > 1 else "unknown"


def processor(target: Target, binfmt: Path = _BINFMT) -> Processor:
    """How containers on this machine run programs for a target's processor.

    On macOS and Windows engines run in a virtual machine, of which nothing is known here; it brings an emulator.

    Args:
        target: any.
        binfmt: where Linux lists what runs programs that it cannot run itself (the kernel's admin-guide/binfmt-misc).
    """
    if _MACHINES.get(platform.machine().lower(), platform.machine()) == target.machine:
        return "native"
    if sys.platform != "linux":
        return "unknown"
    wanted = target.elf_machine.to_bytes(2, "little").hex()
    # "register" and "status" are no interpreters.
    found = any(_is_for(path, wanted) for path in binfmt.glob("*") if path.name not in {"register", "status"})
    return "emulated" if found else "missing"


def _is_for(path: Path, machine: str) -> bool:
    try:
        lines = path.read_text("ascii", "replace").splitlines()
    except OSError:
        return False
    facts = dict(line.partition(" ")[::2] for line in lines)
    # Without F the emulator is looked for by its path in the container, where it is not.
    return "enabled" in lines and "F" in facts.get("flags:", "") and facts.get("magic", "")[_MACHINE] == machine


def cache_problem(cache: Cache) -> str | None:
    """Why the cache cannot be written; None where it can."""
    try:
        cache.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache.root):
            return None
    except OSError as error:
        return f"{cache.root} cannot be written: {error.strerror or error}"
