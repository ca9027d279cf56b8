"""``lambda-backend inspect ZIP``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lambda_backend.cli.inspecting import opened, write_page
from lambda_backend.cli.out import aligned, clipped, print_json, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lambda_backend.cli.inspecting import Opened
    from lambda_backend.report.packages import Node, Package

__all__ = ["command"]

_ZIP = click.Path(exists=True, dir_okay=False, path_type=Path)
_WIDEST = 60
"""Characters of a name in the table; longer ones lose their middle."""


@click.command("inspect")
@click.argument("zip_path", metavar="ZIP", type=_ZIP)
@click.option("--depth", type=click.IntRange(min=0), default=0, help="Levels of folders to show below each package.")
@click.option("--json", "as_json", is_flag=True, help="Print an object with every package and its files.")
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write a page to look into the zip, with a treemap and the checks' findings.",
)
@click.option("--runtime", help="Runtime to check the zip for in the page; by default the manifest's.")
@click.option("--architecture", help="x86_64 or arm64; by default the manifest's, or else x86_64.")
@click.option("--handler", help="What Lambda calls; by default the manifest's.")
@click.option("--layer", "layers", metavar="ZIP", type=_ZIP, multiple=True, help="Again for each, in Lambda's order.")
def command(
    zip_path: Path, *, depth: int, as_json: bool, html: Path | None, layers: Sequence[Path], **target: str | None
) -> None:
    """Show what is in a zip, package by package, with sizes.

    The zip may be of any tool. What the manifest beside it says of it is shown too.
    """
    if html is None and (layers or any(target.values())):
        raise click.UsageError(
            "--runtime, --architecture, --handler and --layer are for the checks in the page: --html"
        )
    if html is not None and as_json:
        raise click.UsageError("--json prints, and --html writes a page: choose one")
    zipped = opened(zip_path)
    if html is not None:
        write_page(html, zipped, layers=layers, **target)
        click.echo(str(html))
    elif as_json:
        print_json(_document(zipped))
    else:
        click.echo("\n".join([*_head(zipped), "", *_table(zipped, depth)]))


def _head(zipped: Opened) -> Iterator[str]:
    from lambda_backend.targets import limits
    from lambda_backend.units import human_size

    path, facts = zipped.path, zipped.facts
    share = f"{zipped.unzipped / limits().unzipped_bytes:.1%} of 250 MiB"
    files = sum(len(package.files) for package in zipped.packages)
    sizes = f"{human_size(path.stat().st_size)}, unzipped {human_size(zipped.unzipped)} ({share}), {files} files"
    yield f"{printable(path.name)}: {sizes}"
    if facts is not None:
        words = [f"{facts.artifact.get('kind')} {facts.artifact['name']} of {facts.project} {facts.version}"]
        words += [facts.runtime, facts.architecture]
        words += [f"handler {facts.handler}"] if facts.handler else []
        words += [f"layers {', '.join(facts.artifact['layers'])}"] if facts.artifact.get("layers") else []
        yield printable(", ".join(words))
    yield f"CodeSha256 {zipped.code_sha256}"
    for finding in facts.artifact.get("findings", ()) if facts is not None else ():
        yield from map(printable, f"{finding.get('level')}: {finding.get('message')}".splitlines())


def _table(zipped: Opened, depth: int) -> list[str]:
    from lambda_backend.report.packages import tree
    from lambda_backend.units import human_size

    rows = [("package", "version", "files", "zipped", "unzipped", "share")]
    whole = zipped.unzipped or 1

    def add(title: str, version: str, part: Package | Node, files: int) -> None:
        sizes = (human_size(part.zipped), human_size(part.size), f"{part.size / whole:.1%}")
        rows.append((clipped(title, _WIDEST), version, str(files), *sizes))

    def add_below(nodes: Sequence[Node], level: int, folder: str = "") -> None:
        for node in nodes:
            add("  " * level + folder + node.name, "", node, node.files)
            add_below(node.children, level + 1)

    for package in zipped.packages:
        add(package.title, package.version or "", package, len(package.files))
        # What all its files lie in, such as a layer's python/, is no level of its own.
        add_below(tree(package, depth), 1, package.folder)
    return aligned(rows, right=frozenset({2, 3, 4, 5}))


def _document(zipped: Opened) -> dict[str, Any]:
    facts = zipped.facts
    return {
        "file": str(zipped.path),
        "sha256": zipped.sha256,
        "code_sha256": zipped.code_sha256,
        "size": zipped.path.stat().st_size,
        "unzipped_size": zipped.unzipped,
        "packages": [
            {
                "name": package.name or None,
                "version": package.version,
                "size": package.zipped,
                "unzipped_size": package.size,
                "files": [
                    {"path": file.path, "size": file.compressed_size, "unzipped_size": file.size}
                    for file in package.files
                ],
            }
            for package in zipped.packages
        ],
        "manifest": zipped.manifest and {"file": facts and str(facts.manifest), **zipped.manifest},
    }
