"""``python -m benchmarks``: set up, run, show."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import commands
from benchmarks.clock import BenchmarkError
from benchmarks.tools import CHECKOUT, Tools

if TYPE_CHECKING:
    from collections.abc import Sequence

_DOCS = CHECKOUT / "docs/performance"
_MAIN = "hooks,hooks-docker,cli,build-n,uv-zip,uv-zip-filesync,sam-uv,pex,setuptools-build-n"
"""Who is in the main table: the quickest of each kind, so that it is done in 25 minutes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Give the exit code."""
    options = _parser().parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        options.command(options, Tools(root=options.folder.resolve() / "tools"))
    except BenchmarkError as error:
        commands.say(f"error: {error}")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    folder = Path(tempfile.gettempdir()) / "lambda-backend-benchmarks"
    parser.add_argument(
        "--folder", type=Path, default=folder, help="of tools and work; on the disk of a home, not in memory"
    )
    subparsers = parser.add_subparsers(required=True)
    set_up = subparsers.add_parser("set-up", help="install the programs that take part")
    set_up.add_argument("--peers", action="store_true", help="SAM CLI and pex, too")
    set_up.add_argument("--npm", action="store_true", help="AWS CDK's module and serverless-python-requirements, too")
    set_up.set_defaults(command=commands.set_up)
    run = subparsers.add_parser("run", help="run contestants side by side")
    _add_choices(run, workloads="W1,W3", scenarios="new,bump,edit,same", contestants=_MAIN, runs=5, out="results")
    run.set_defaults(command=commands.run)
    curve = subparsers.add_parser("curve", help="more functions, more bytes, more files")
    _add_choices(curve, workloads="all", scenarios="new,edit", contestants="hooks,uv-zip", runs=3, out="curve")
    curve.set_defaults(command=commands.run_curve)
    profile = subparsers.add_parser("profile", help="where the time of the hook goes")
    _add_choices(profile, workloads="W1,W3", scenarios="new,bump,edit,same", contestants=None, runs=5, out="profile.md")
    profile.set_defaults(command=commands.profile)
    show = subparsers.add_parser("show", help="make table and chart of results anew")
    show.add_argument("results", type=Path, help="a JSON file")
    show.set_defaults(command=commands.show)
    names = subparsers.add_parser("list", help="what can be chosen")
    names.set_defaults(command=commands.list_all)
    return parser


def _add_choices(
    parser: argparse.ArgumentParser,
    *,
    workloads: str,
    scenarios: str,
    contestants: str | None,
    runs: int,
    out: str,
) -> None:
    parser.add_argument("--workloads", type=_words, default=_words(workloads), metavar="W1,W2", help="or: all")
    parser.add_argument("--scenarios", type=_words, default=_words(scenarios), metavar="A,B", help="or: all")
    if contestants is not None:
        parser.add_argument("--contestants", type=_words, default=_words(contestants), metavar="A,B", help="or: all")
        parser.add_argument("--no-memory", dest="memory", action="store_false", help="no round that looks at memory")
    parser.add_argument("--runs", type=int, default=runs, help="rounds")
    parser.add_argument("--out", type=Path, default=_DOCS / out, help="where results go; endings are added")


def _words(text: str) -> list[str]:
    return text.split(",")


if __name__ == "__main__":
    sys.exit(main())
