"""``lambda-backend diff OLD NEW``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lambda_backend.cli.out import aligned, print_json, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lambda_backend.archive.contents import Contents
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

    before, after = contents(old), contents(new)
    found = changes(before, after)
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
        click.echo("\n".join([_totals(old, new, before, after), "", *_lines(found)]))
    sys.exit(0 if equal else 1)


def _totals(old: Path, new: Path, before: Contents, after: Contents) -> str:
    from lambda_backend.units import human_size

    zipped = [path.stat().st_size for path in (old, new)]
    unzipped = [sum(file.size for file in side.files) for side in (before, after)]
    return ", ".join(
        f"{what} {human_size(one)} → {human_size(other)} ({_signed(other - one)})"
        for what, (one, other) in (("zipped", zipped), ("unzipped", unzipped))
    )


def _lines(found: Changes) -> Iterator[str]:
    largest = sorted(found.packages, key=lambda change: (-abs(change.growth), change.name))
    head = ("", "package", "version", "zipped", "unzipped")
    yield from aligned([head, *map(_row, largest)], right=frozenset({3, 4}))
    told = {path for change in found.packages for path in _told(change)}
    for title, paths in (("added", found.added), ("removed", found.removed), ("changed", found.changed)):
        shown = [path for path in paths if path not in told]
        if shown:
            yield f"\n{title}:"
            yield from (f"  {printable(path)}" for path in shown[:_SHOWN])
            if len(shown) > _SHOWN:
                yield f"  and {len(shown) - _SHOWN} more; --json has all"


def _told(change: PackageChange) -> Iterator[str]:
    """Paths that the package's own line tells of: all of one that came or went, and metadata of another version."""
    from lambda_backend.bundle.record import owner_of

    sides = [side for side in (change.old, change.new) if side is not None]
    versions = {side.version for side in sides}
    for side in sides:
        for path in (file.path for file in side.files):
            folders = (part for part in path.split("/") if part.endswith(".dist-info"))
            if len(sides) == 1 or (len(versions) > 1 and change.name in map(owner_of, folders)):
                yield path


def _row(change: PackageChange) -> Sequence[str]:
    growth = (_signed(change.growth_zipped), _signed(change.growth))
    versions = [side.version or "" for side in (change.old, change.new) if side is not None]
    mark = "-" if change.new is None else "+" if change.old is None else " "
    return (mark, change.title, " → ".join(dict.fromkeys(versions)), *growth)


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
