"""Exported requirements as a project of uv's, which tells uv the one index that each of them comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from lambda_backend.requirements.writer import toml_string

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambda_backend.requirements.exported import ExportedLine
    from lambda_backend.requirements.indexes import Index

__all__ = ["index_options", "index_variables", "uv_project"]


def uv_project(lines: Iterable[ExportedLine], indexes: Mapping[str, Index], *, base: str) -> str:
    """A pyproject.toml for ``uv pip compile``; it holds no credentials of an index.

    Args:
        lines: of the export.
        indexes: by ``ExportedLine.index``. A line whose index is none of them comes from wherever uv looks by default.
        base: the absolute path that the paths of archives are relative to.
    """
    parts = ['[project]\nname = "lambda-backend-export"\nversion = "0"\ndependencies = [\n']
    sources = {}
    for line in lines:
        address = f"file://{quote(f'{base}/{line.path}')}" if line.path is not None else ""
        parts.append(f"    {toml_string(line.text + address)},\n")
        if line.index is not None and line.index in indexes:
            sources[line.name] = indexes[line.index]
    # A workspace of its own: what lies around the folder is none of this project's.
    parts.append("]\n\n[tool.uv.workspace]\n")
    if sources:
        parts.append("\n[tool.uv.sources]\n")
        parts += [f"{name} = {{ index = {toml_string(index.name)} }}\n" for name, index in sorted(sources.items())]
    for index in sorted(set(sources.values()), key=lambda index: index.name):
        parts.append(f"\n[[tool.uv.index]]\nname = {toml_string(index.name)}\nurl = {toml_string(index.url)}\n")
        # uv asks an explicit index for nothing else.
        parts.append("explicit = true\n")
    return "".join(parts)


def index_options(indexes: Iterable[Index]) -> list[str]:
    """Options of uv for indexes that have all the requirements together, as pip looks for them."""
    options = []
    for number, index in enumerate(indexes):
        options += ["--index" if number else "--default-index", f"{index.name}={index.url}"]
    # pip takes the best archive of all indexes; what may be taken at all, the hashes in the lock say.
    return [*options, "--index-strategy", "unsafe-best-match"] if options else []


def index_variables(indexes: Iterable[Index]) -> dict[str, str]:
    """The credentials of indexes, as uv takes them from its environment."""
    found: dict[str, str] = {}
    for index in indexes:
        prefix = f"UV_INDEX_{index.name.replace('-', '_').upper()}"
        if index.user or index.password:
            found |= {f"{prefix}_USERNAME": index.user, f"{prefix}_PASSWORD": index.password}
    return found
