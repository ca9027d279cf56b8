"""``lambda-backend diff OLD NEW``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lambda_backend.cli.out import aligned, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lambda_backend.report.changes import Changes, PackageChange
    from lambda_backend.report.packages import Package

__all__ = ["command"]

_SHOWN = 20
_ZIP = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("diff")
@click.argument("old", type=_ZIP)
@click.argument("new", type=_ZIP)
@click.option("--json", "as_json", is_flag=True, help="Print an object with all packages and files that differ.")
def command(old: Path, new: Path, *, as_json: bool) -> None:
    """Show what differs between two zips.

    That is packages, versions, sizes and files. The exit code is 0 for zips with the same bytes, and 1 for
    different ones.
    """
    from lambda_backend.archive.contents import contents
    from lambda_backend.bundle.sources import sha256
    from lambda_backend.report.changes import changes

    found = changes(contents(old), contents(new))
    digests = {side: sha256(path).hexdigest() for side, path in (("old", old), ("new", new))}
    equal = digests["old"] == digests["new"]
    if as_json:
        sides = {
            side: {"file": str(path), "sha256": digests[side], "size": path.stat().st_size}
            for side, path in (("old", old), ("new", new))
        }
        print_json({"equal": equal, **sides, **_document(found)})
    elif equal:
        click.echo("the zips have the same bytes")
    elif not found.any:
        click.echo("the zips hold the same files; their order, times or compression differ")
    else:
        click.echo("\n".join(_lines(old, new, found)))
    sys.exit(0 if equal else 1)


def _lines(old: Path, new: Path, found: Changes) -> Iterator[str]:
    from lambda_backend.units import human_size

    before, after = old.stat().st_size, new.stat().st_size
    growth = sum(change.growth for change in found.packages)
    yield f"{human_size(before)} → {human_size(after)}, unzipped {_signed(growth)}"
    yield ""
    yield from aligned([_row(change) for change in found.packages], right=frozenset({3}))
    # The files of a package that came or went as a whole tell nothing more.
    sides = ((change.old, change.new) for change in found.packages)
    whole = {file.path for pair in sides if None in pair for side in pair if side is not None for file in side.files}
    for title, paths in (("added", found.added), ("removed", found.removed), ("changed", found.changed)):
        shown = [path for path in paths if path not in whole]
        if shown:
            yield f"\n{title}:"
            yield from (f"  {path}" for path in shown[:_SHOWN])
            if len(shown) > _SHOWN:
                yield f"  and {len(shown) - _SHOWN} more; --json has all"


def _row(change: PackageChange) -> Sequence[str]:
    old, new = change.old, change.new
    if old is None or new is None:
        there = new or old
        return ("-" if new is None else "+", change.title, (there and there.version) or "", _signed(change.growth))
    same = old.version == new.version
    version = old.version or "" if same else f"{old.version} → {new.version}"
    return (" ", change.title, version, _signed(change.growth))


def _signed(size: int) -> str:
    from lambda_backend.units import human_size

    return f"{'-' if size < 0 else '+'}{human_size(abs(size))}"


def _document(found: Changes) -> dict[str, Any]:
    return {
        "packages": [
            {"name": change.name or None, "old": _side(change.old), "new": _side(change.new)}
            for change in found.packages
        ],
        "files": {"added": list(found.added), "removed": list(found.removed), "changed": list(found.changed)},
    }


def _side(package: Package | None) -> dict[str, Any] | None:
    if package is None:
        return None
    return {
        "version": package.version,
        "files": len(package.files),
        "size": package.zipped,
        "unzipped_size": package.size,
    }
