"""How projects are written: the same functions and locks, in the folders that each contestant documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.model import PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.model import Function, State, Workload

__all__ = ["code", "folder_of", "function", "functions", "handler", "write"]


def handler(workload: Workload) -> str:
    """The module of each function's handler: a package for one function, a plain file in a folder for many."""
    return f"{PROJECT}.app" if len(workload.functions) == 1 else "index"


def code(workload: Workload, function: Function, state: State) -> dict[str, str]:
    """A function's modules, by their path in its zip."""
    text = workload.code(function, state)
    if len(workload.functions) == 1:
        return {f"{PROJECT}/__init__.py": "", f"{PROJECT}/app.py": text}
    return {"index.py": text}


def folder_of(workload: Workload, function: Function) -> str:
    """The folder of a function in the project, with a slash at its end; empty for the project itself."""
    return "" if len(workload.functions) == 1 else f"functions/{function.name}/"


def function(workload: Workload, one: Function, state: State) -> dict[str, str | bytes]:
    """A function's modules and lock, by their path in its folder."""
    lock = "".join(f"{line}\n" for line in (*workload.options, *workload.pins(one, state)))
    return {**code(workload, one, state), "requirements.txt": lock}


def functions(workload: Workload, state: State) -> dict[str, str | bytes]:
    """The same of every function, by their path in the project."""
    return {
        f"{folder_of(workload, one)}{name}": content
        for one in workload.functions
        for name, content in function(workload, one, state).items()
    }


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files by their path; what is the same already is not touched."""
    for name, text in files.items():
        content = text.encode() if isinstance(text, str) else text
        path = folder / name
        if path.is_file() and path.read_bytes() == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
