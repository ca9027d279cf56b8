"""``lambda-backend cache info|clean``."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import click

from lambda_backend.cli.out import print_json, say

if TYPE_CHECKING:
    from pathlib import Path

    from lambda_backend.cache import Cache

__all__ = ["command"]

_ENGINES = "engines"
"""What containers are given: uv, and its caches; beside the cache's entries."""


@click.group("cache")
def command() -> None:
    """Look at the cache, or empty it."""


@command.command("info")
@click.option("--json", "as_json", is_flag=True, help="Print an object: folder, entries, bytes.")
def info(*, as_json: bool) -> None:
    """Print where the cache is and how much it holds."""
    from lambda_backend.units import human_size

    cache = _cache()
    entries, size = _size(cache)
    if as_json:
        print_json({"folder": str(cache.root), "entries": entries, "bytes": size})
    else:
        click.echo(f"{cache.root}\n{_counted(entries)}, {human_size(size)}")


@command.command("clean")
def clean() -> None:
    """Remove all that the cache holds; the next build makes it anew."""
    from lambda_backend.units import human_size

    cache = _cache()
    before, size = _size(cache)
    cache.clean()
    shutil.rmtree(cache.root / _ENGINES, ignore_errors=True)
    left, rest = _size(cache)
    say(f"removed {_counted(before - left)}, {human_size(size - rest)}, from {cache.root}")
    if rest:
        say(f"{human_size(rest)} could not be removed, or is of a build that runs now")


def _cache() -> Cache:
    from lambda_backend.cache import VARIABLE, Cache, CacheError

    cache = Cache.default(os.environ)
    if cache.root.exists() and not cache.root.is_dir():
        raise CacheError(f"The cache {cache.root} is no folder", hint=f"set {VARIABLE} to a folder")
    return cache


def _counted(entries: int) -> str:
    return "1 entry" if entries == 1 else f"{entries} entries"


def _size(cache: Cache) -> tuple[int, int]:
    """Entries, and the bytes of all files."""
    entries, size = cache.size()
    return entries, size + sum(_file_size(file) for file in (cache.root / _ENGINES).rglob("*"))


def _file_size(path: Path) -> int:
    try:
        return path.lstat().st_size if path.is_file() else 0
    except OSError:
        return 0  # it went meanwhile, or is none of ours
