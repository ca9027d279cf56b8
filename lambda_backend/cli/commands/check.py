"""``lambda-backend check ZIP…``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lambda_backend.cli.importing import Import, import_of
from lambda_backend.cli.options import engine_option, network_option
from lambda_backend.cli.out import print_json, printable, say
from lambda_backend.values import as_dict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lambda_backend.findings import Finding

__all__ = ["command"]

_ZIP = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("check")
@click.argument("zips", metavar="ZIP...", type=_ZIP, nargs=-1, required=True)
@click.option("--runtime", help="Lambda runtime, such as python3.13; by default what the manifest beside the zip says.")
@click.option("--architecture", help="x86_64 or arm64; by default what the manifest says, or else x86_64.")
@click.option("--handler", help="What Lambda calls, package.module.function; by default what the manifest says.")
@click.option(
    "--layer", "layers", type=_ZIP, multiple=True, help="A layer's zip, in the order of the function's layers."
)
@click.option("--import", "imports", is_flag=True, help="Also import the handler, which runs the zip's code.")
@engine_option
@network_option
@click.option("--json", "as_json", is_flag=True, help="Print an object with the findings of each zip.")
def command(  # noqa: PLR0913 - each is an option
    zips: Sequence[Path],
    *,
    runtime: str | None,
    architecture: str | None,
    handler: str | None,
    layers: Sequence[Path],
    imports: bool,
    engine: str,
    network: str | None,
    as_json: bool,
) -> None:
    """Prove zips before they are deployed, whichever tool made them.

    Looks at processor, glibc and Python of compiled files, sizes, handler, collisions, credentials, bytecode and
    the runtime's dates. The exit code is 1 where a finding is an error; warnings alone leave it at 0.
    """
    from lambda_backend.checks.run import findings
    from lambda_backend.cli.checking import subject_of
    from lambda_backend.report.beside import described
    from lambda_backend.settings.model import ChecksSettings

    levels = ChecksSettings().levels
    found: dict[Path, tuple[Finding, ...]] = {}
    imported: dict[Path, Import] = {}
    for path in zips:
        subject, layer_zips = subject_of(
            path, described(path), runtime=runtime, architecture=architecture, handler=handler, layers=layers
        )
        if subject.kind == "function" and subject.handler is None:
            say(f"{path.name}: no handler is named, so it is not looked for; --handler names it")
        found[path] = findings(subject, levels)
        if imports and subject.handler is not None and not any(one.check == "handler" for one in found[path]):
            imported[path] = import_of(path, subject, layer_zips, engine, network)
            found[path] += imported[path].findings(levels["handler"])
    if as_json:
        print_json({"zips": [_document(path, of, imported.get(path)) for path, of in found.items()]})
    else:
        for path, of in found.items():
            click.echo("\n".join((*_lines(path, of), *(imported[path].lines() if path in imported else ()))))
    sys.exit(1 if any(finding.level == "error" for of in found.values() for finding in of) else 0)


def _document(path: Path, found: Sequence[Finding], imported: Import | None) -> dict[str, object]:
    document: dict[str, object] = {"file": str(path), "findings": list(map(as_dict, found))}
    return document if imported is None else {**document, "import": imported.document()}


def _lines(path: Path, found: Sequence[Finding]) -> Iterator[str]:
    yield f"{printable(path.name)}: {'nothing found' if not found else f'{len(found)} found'}"
    for finding in found:
        first, *rest = map(printable, finding.message.splitlines())
        yield f"  {finding.level}: [{finding.check}] {first}"
        yield from (f"    {line}" for line in rest)
        if finding.hint:
            yield f"    → {printable(finding.hint)}"
