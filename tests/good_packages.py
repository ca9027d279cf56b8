"""Widely used packages with compiled code, installed for every runtime and architecture, and checked: the good set.

    python tests/good_packages.py > docs/reference/good-packages.md

Needs a package index. The artefacts are what a build with ``engine = "host"`` installs; nothing may be found in them
but what is true, and true findings are in the page with their reason. ``--runtime``, ``--architecture`` and packages
as arguments make a smaller run; ``--check`` writes no page. It ends with code 1 where something is found that is not
in ``KNOWN``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from lambda_backend.bundle.excludes import Excludes
from lambda_backend.bundle.sources import content
from lambda_backend.bundle.tree import tree_members
from lambda_backend.checks.binaries import check
from lambda_backend.checks.model import ForeignFile, Subject
from lambda_backend.errors import InstallError, LockError
from lambda_backend.install.resolve import resolve
from lambda_backend.install.tree import install
from lambda_backend.install.wanted import Wanted
from lambda_backend.install.workbench import HostWorkbench
from lambda_backend.targets import architectures, runtimes, target
from tests.helpers.facts import collect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from lambda_backend.checks.model import Problem
    from lambda_backend.targets import Target

PACKAGES = (
    "aiohttp",
    "asyncpg",
    "awscrt",
    "bcrypt",
    "cffi",
    "cryptography",
    "debugpy",
    "duckdb",
    "gevent",
    "greenlet",
    "grpcio",
    "h5py",
    "httptools",
    "lightgbm",
    "lxml",
    "lz4",
    "markupsafe",
    "matplotlib",
    "msgpack",
    "numba",
    "numpy",
    "onnxruntime",
    "opencv-python",
    "opencv-python-headless",
    "orjson",
    "pandas",
    "pillow",
    "polars",
    "protobuf",
    "psutil",
    "psycopg2-binary",
    "psycopg[binary]",
    "pyarrow",
    "pycryptodome",
    "pydantic",
    "pymongo",
    "pymupdf",
    "pynacl",
    "pyproj",
    "pyyaml",
    "pyzmq",
    "rapidfuzz",
    "rasterio",
    "regex",
    "scikit-learn",
    "scipy",
    "selenium",
    "setuptools",
    "shapely",
    "sqlalchemy",
    "statsmodels",
    "tiktoken",
    "tokenizers",
    "ujson",
    "uvloop",
    "xgboost",
    "zstandard",
)
KNOWN = {
    "debugpy": "The library that it attaches to another process with is newer than its wheel says; all else works.",
    "lightgbm": "Its wheel leaves OpenMP's library to the system, and Lambda has none: the import fails.",
    "opencv-python": "Its windows need X11 and OpenGL, and Lambda has neither: the import fails.",
    "rasterio": "Its wheel leaves Expat to the system, and Amazon Linux 2023 in Lambda has none: the import fails.",
}
"""Why what is found in a package is true."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    package: str
    target: Target
    version: str | None
    """None where no wheel fits."""
    problems: tuple[Problem, ...]
    sizes: tuple[int, ...] = ()
    """Of all files, bytes."""


def examine(
    package: str,
    wanted: Target,
    *,
    rule: Callable[[Subject], Iterable[Problem]] = check,
    checked_for: Target | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Outcome:
    """Install a package for a target and check what came, as if it were for another where one is given."""
    folder = Path(tempfile.mkdtemp(prefix="good-"))
    try:
        bench = HostWorkbench(folder, environ=environ, on_line=lambda _: None)
        asked = Wanted(
            key="tool.lambda",
            project="good-packages",
            base=bench.input,
            root=bench.input,
            folder=bench.input,
            lock=None,
            requirements=None,
            declared=(package,),
            extras=(),
            groups=(),
        )
        pins = resolve(asked, wanted, lambda: bench, environ)
        if any(pin.kind != "wheel" for pin in pins):
            return Outcome(package=package, target=wanted, version=None, problems=())
        tree = install(pins, wanted, bench, name="tree", variables={})
        versions = {str(pin.name): pin.version for pin in pins}
        made = subject(tree, checked_for or wanted)
        return Outcome(
            package=package,
            target=wanted,
            version=versions[canonicalize_name(package.partition("[")[0])],
            problems=tuple(rule(made)),
            sizes=tuple(file.size for file in made.files.values()),
        )
    except (InstallError, LockError):
        return Outcome(package=package, target=wanted, version=None, problems=())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def subject(tree: Path, wanted: Target) -> Subject:
    """A function that holds an installed tree."""
    members = {member.path: member for member in tree_members(tree, "", Excludes(()), target_python=wanted.python)}
    return Subject(
        name="good",
        kind="function",
        target=wanted,
        handler=None,
        files={
            path: ForeignFile(path=path, size=size_of(member.source), compressed_size=0, owner=member.owner)
            for path, member in members.items()
        },
        facts=collect((path, member.source) for path, member in members.items()),
        read=lambda path: content(members[path].source),
        zip_size=0,
        unzipped_size=0,
    )


def size_of(source: Path | bytes) -> int:
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def page(outcomes: Sequence[Outcome], targets: Sequence[Target]) -> str:
    """The reference page."""
    names = sorted({outcome.package for outcome in outcomes})
    by_place = {(outcome.package, outcome.target.name): outcome for outcome in outcomes}
    rows = []
    for name in names:
        cells = []
        for wanted in targets:
            outcome = by_place[name, wanted.name]
            mark = " \N{WARNING SIGN}" if outcome.problems else ""
            cells.append((outcome.version or "no wheel") + mark)
        rows.append(f"| {name} | {' | '.join(cells)} |")
    header = " | ".join(wanted.name.replace("-", "<br>") for wanted in targets)
    clean = sum(1 for outcome in outcomes if outcome.version and not outcome.problems)
    installed = sum(1 for outcome in outcomes if outcome.version)
    return "\n".join(
        [
            "# Packages that were checked",
            "",
            "Made by `python tests/good_packages.py`: the newest version with wheels for the runtime, with all that",
            'it depends on, as a build with `engine = "host"` installs it, and the check *binaries* on every file. A',
            "version alone: nothing was found. *no wheel*: no version has wheels for the runtime for all that it",
            "needs; a build in a container can make it from source.",
            "",
            f"{installed} artefacts of {len(names)} packages: {clean} without a finding, {installed - clean} with one",
            "that is true (\N{WARNING SIGN}, below the table).",
            "",
            f"| package | {header} |",
            f"|---|{'---|' * len(targets)}",
            *rows,
            "",
            *(line for name in names for line in _findings(name, outcomes)),
        ]
    )


def _findings(name: str, outcomes: Sequence[Outcome]) -> list[str]:
    found: dict[str, None] = {}
    for outcome in outcomes:
        if outcome.package == name:
            runtime = outcome.target.runtime
            for problem in outcome.problems:
                # File names differ between runtimes, and the runtime is in the table's head.
                said = problem.message.partition(": ")[0].replace(f"{runtime.name} ({runtime.operating_system})", "{}")
                level = "warning" if problem.warns else "error"
                found[f"    {level}: {said.format('the runtime')}"] = None
    if not found:
        return []
    return [f"**{name}**: {KNOWN.get(name, 'not looked into yet.')}", "", *found, ""]


def examined(
    wanted: Target, packages: Sequence[str], jobs: int, rule: Callable[[Subject], Iterable[Problem]] = check
) -> Iterator[Outcome]:
    """Install and check packages for a target, in their order."""
    sysconfig.get_config_vars()  # which threads must not be the first to ask for; uv's package asks
    # All of it is several times ten gigabytes, so the user's own cache is left alone, and none is kept.
    with tempfile.TemporaryDirectory(prefix="good-") as cache, ThreadPoolExecutor(jobs) as pool:
        environ = {**os.environ, "UV_CACHE_DIR": cache}
        yield from pool.map(lambda package: examine(package, wanted, rule=rule, environ=environ), packages)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    known = [name for name, runtime in runtimes().items() if not runtime.preview]
    parser.add_argument("packages", nargs="*", default=PACKAGES)
    parser.add_argument("--runtime", action="append", choices=known)
    parser.add_argument("--architecture", action="append", choices=architectures())
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--jobs", type=int, default=3)
    arguments = parser.parse_intermixed_args(argv)
    targets = [
        target(runtime, architecture)
        for runtime in arguments.runtime or reversed(known)
        for architecture in arguments.architecture or architectures()
    ]
    outcomes = []
    for wanted in targets:
        for outcome in examined(wanted, arguments.packages, arguments.jobs):
            outcomes.append(outcome)
            found = "; ".join(problem.message for problem in outcome.problems)
            sys.stderr.write(f"{outcome.target.name} {outcome.package} {outcome.version or 'no wheel'} {found}\n")
    if not arguments.check:
        sys.stdout.write(page(outcomes, targets))
    return int(any(outcome.problems and outcome.package not in KNOWN for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
