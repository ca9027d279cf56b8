"""Targets: runtime × architecture, with the tags, markers, image and dates that follow from them.

The facts are data (``data/runtimes.toml``); this module only reads them.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_backend.values import Value, field

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from packaging.markers import Environment
    from packaging.tags import Tag

__all__ = ["Limits", "Runtime", "Target", "architectures", "limits", "runtime_distributions", "runtimes", "target"]


class Limits(Value):
    """Lambda's limits. Source: AWS documentation, "Lambda quotas"."""

    unzipped_bytes: int
    """Bytes of a function and all its layers, unzipped."""
    direct_upload_bytes: int
    """Bytes of a zip that may be uploaded directly rather than through S3."""
    layers_per_function: int
    runtimes_per_layer: int


class Runtime(Value):
    """A managed Lambda runtime, such as ``python3.13``."""

    name: str
    version: tuple[int, int]
    """Python's major and minor version."""
    operating_system: str
    glibc: tuple[int, int]
    uv_platforms: tuple[str, ...]
    """uv's names for the platform, without the machine; the most fitting first."""
    symbol_versions: Mapping[str, tuple[int, ...]] = field(hash=False)
    """Highest symbol version that the system's libraries define, by prefix: ``GLIBC``, ``GLIBCXX``, ``CXXABI``, …"""
    libraries: frozenset[str] = field(hash=False)
    """Shared libraries (SONAMEs) that a function finds in the runtime, Python's own included."""
    preview: bool
    deprecation: dt.date | None
    block_create: dt.date | None
    block_update: dt.date | None

    @property
    def python_version(self) -> str:
        """``3.13``."""
        return f"{self.version[0]}.{self.version[1]}"


class Target(Value):
    """What an artefact is built for: one runtime on one architecture."""

    runtime: Runtime
    architecture: str
    """Lambda's word: ``x86_64`` or ``arm64``."""
    machine: str
    """The wheel tags' and ``platform.machine()``'s word: ``x86_64`` or ``aarch64``."""
    elf_machine: int
    """``e_machine`` of its ELF files."""
    container_platform: str
    """``linux/amd64`` or ``linux/arm64``."""
    build_image: str
    """Reference of AWS SAM's build image for the runtime."""
    run_image: str
    """Reference of the image that Lambda's runtime is published as."""
    python: str
    """The interpreter's path in those images."""

    @property
    def name(self) -> str:
        """``python3.13-x86_64``, as in file names."""
        return f"{self.runtime.name}-{self.architecture}"

    @property
    def uv_platforms(self) -> tuple[str, ...]:
        """Values for uv's ``--python-platform``, the most fitting first."""
        return tuple(f"{self.machine}-{platform}" for platform in self.runtime.uv_platforms)

    def tags(self) -> tuple[Tag, ...]:
        """All wheel tags that the target takes, the most specific first (PEP 425, PEP 600)."""
        return _tags(self.runtime.version, self.runtime.glibc, self.machine)

    def marker_environment(self) -> Environment:
        """PEP 508 markers of the target. Kernel release and version differ between hosts and are empty, as in uv."""
        version = self.runtime.python_version
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{version}.0",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{version}.0",
            "python_version": version,
            "sys_platform": "linux",
        }


@functools.cache
def _tags(version: tuple[int, int], glibc: tuple[int, int], machine: str) -> tuple[Tag, ...]:
    from packaging.tags import compatible_tags, cpython_tags

    # PEP 600: a platform of glibc 2.N takes manylinux_2_M for every M up to N; 2014 is 2_17, 2010 is 2_12, 1 is 2_5.
    legacy = {17: f"manylinux2014_{machine}"}
    oldest = 17
    if machine == "x86_64":
        legacy |= {12: f"manylinux2010_{machine}", 5: f"manylinux1_{machine}"}
        oldest = 5
    platforms: list[str] = []
    for minor in range(glibc[1], oldest - 1, -1):
        platforms.append(f"manylinux_{glibc[0]}_{minor}_{machine}")
        if minor in legacy:
            platforms.append(legacy[minor])
    platforms.append(f"linux_{machine}")
    interpreter = f"cp{version[0]}{version[1]}"
    return (
        *cpython_tags(version, abis=[interpreter], platforms=platforms),
        *compatible_tags(version, interpreter, platforms),
    )


@functools.lru_cache(maxsize=1)
def _facts() -> Mapping[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    facts: Mapping[str, Any] = tomllib.loads(
        Path(__file__).with_name("data").joinpath("runtimes.toml").read_text("utf-8")
    )
    return facts


@functools.lru_cache(maxsize=1)
def limits() -> Limits:
    """Lambda's limits, in bytes and counts."""
    return Limits(**{key.replace("-", "_"): value for key, value in _facts()["limits"].items()})


def runtime_distributions() -> frozenset[str]:
    """Normalised names of the distributions that every runtime brings: the AWS SDK and what it depends on."""
    return frozenset(_facts()["runtime-has"]["distributions"])


@functools.lru_cache(maxsize=1)
def runtimes() -> Mapping[str, Runtime]:
    """Every known runtime by name, previews included, the newest first."""
    systems = _facts()["operating-systems"]
    found = {}
    for name, fact in _facts()["runtimes"].items():
        system = systems[fact["operating-system"]]
        major, minor = name.removeprefix("python").split(".")
        found[name] = Runtime(
            name=name,
            version=(int(major), int(minor)),
            operating_system=system["name"],
            glibc=tuple(system["glibc"]),
            uv_platforms=tuple(system["uv-platforms"]),
            symbol_versions={
                "GLIBC": tuple(system["glibc"]),
                **{prefix: tuple(highest) for prefix, highest in system["symbol-versions"].items()},
            },
            libraries=frozenset((*system["libraries"], "libpython3.so", f"libpython{major}.{minor}.so.1.0")),
            preview=fact.get("preview", False),
            deprecation=fact.get("deprecation"),
            block_create=fact.get("block-create"),
            block_update=fact.get("block-update"),
        )
    return found


def architectures() -> tuple[str, ...]:
    """Lambda's words for the architectures; the default first."""
    return tuple(_facts()["architectures"])


def target(runtime: str, architecture: str) -> Target:
    """The target of a runtime and an architecture.

    Raises:
        KeyError: for a name that the settings should have refused.
    """
    of_runtime = runtimes()[runtime]
    of_architecture = _facts()["architectures"][architecture]
    images = _facts()["images"]
    words = {"runtime": runtime, "version": of_runtime.python_version, "architecture": architecture}
    return Target(
        runtime=of_runtime,
        architecture=architecture,
        machine=of_architecture["machine"],
        elf_machine=of_architecture["elf-machine"],
        container_platform=of_architecture["container-platform"],
        build_image=images["build"].format(**words),
        run_image=images["run"].format(**words),
        python=images["python"].format(**words),
    )
