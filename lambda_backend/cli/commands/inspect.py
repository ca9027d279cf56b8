"""``lambda-backend inspect ZIP``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lambda_backend.cli.out import aligned, print_json, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lambda_backend.report.beside import Described
    from lambda_backend.report.packages import Node, Package

__all__ = ["command"]


@click.command("inspect")
@click.argument("zip_path", metavar="ZIP", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--depth", type=click.IntRange(min=0), default=0, help="Levels of folders to show below each package.")
@click.option("--json", "as_json", is_flag=True, help="Print an object with every package and its files.")
def command(zip_path: Path, *, depth: int, as_json: bool) -> None:
    """Show what is in a zip, package by package, with sizes.

    The zip may be of any tool. What the manifest beside it says of it is shown too.
    """
    from lambda_backend.archive.contents import contents
    from lambda_backend.bundle.sources import sha256
    from lambda_backend.report.beside import described
    from lambda_backend.report.packages import packages

    found = packages(contents(zip_path))
    digest = sha256(zip_path).hexdigest()
    facts = described(zip_path)
    if facts is not None and not facts.is_of(digest):
        say(f"warning: {facts.manifest.name} describes another {zip_path.name}, which had other bytes")
        facts = None
    if as_json:
        print_json(_document(zip_path, digest, found, facts))
        return
    click.echo("\n".join([*_head(zip_path, found, facts), "", *_table(found, depth)]))


def _head(path: Path, found: Sequence[Package], facts: Described | None) -> Iterator[str]:
    from lambda_backend.targets import limits
    from lambda_backend.units import human_size

    unzipped = sum(package.size for package in found)
    share = f"{unzipped / limits().unzipped_bytes:.1%} of 250 MiB"
    files = sum(len(package.files) for package in found)
    yield f"{path.name}: {human_size(path.stat().st_size)}, unzipped {human_size(unzipped)} ({share}), {files} files"
    if facts is None:
        return
    words = [f"{facts.artifact.get('kind')} {facts.artifact['name']} of {facts.project} {facts.version}"]
    words += [facts.runtime, facts.architecture]
    words += [f"handler {facts.handler}"] if facts.handler else []
    words += [f"layers {', '.join(facts.artifact['layers'])}"] if facts.artifact.get("layers") else []
    yield ", ".join(words)
    yield f"CodeSha256 {facts.artifact.get('code_sha256')}"
    yield from (f"{finding.get('level')}: {finding.get('message')}" for finding in facts.artifact.get("findings", ()))


def _table(found: Sequence[Package], depth: int) -> list[str]:
    from lambda_backend.report.packages import tree
    from lambda_backend.units import human_size

    rows = [("package", "version", "files", "zipped", "unzipped")]

    def add(title: str, version: str, part: Package | Node, files: int) -> None:
        rows.append((title, version, str(files), human_size(part.zipped), human_size(part.size)))

    def add_below(nodes: Sequence[Node], indent: str) -> None:
        for node in nodes:
            add(indent + node.name, "", node, node.files)
            add_below(node.children, indent + "  ")

    for package in found:
        add(package.title, package.version or "", package, len(package.files))
        add_below(tree(package, depth), "  ")
    return aligned(rows, right=frozenset({2, 3, 4}))


def _document(path: Path, digest: str, found: Sequence[Package], facts: Described | None) -> dict[str, Any]:
    return {
        "file": str(path),
        "sha256": digest,
        "size": path.stat().st_size,
        "unzipped_size": sum(package.size for package in found),
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
            for package in found
        ],
        "manifest": None
        if facts is None
        else {
            "file": str(facts.manifest),
            "project": facts.project,
            "version": facts.version,
            "artifact": dict(facts.artifact),
        },
    }
