"""Whether the handler is there, told without running any of the user's code."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from lambda_backend.checks.model import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lambda_backend.checks.model import Subject

__all__ = ["check"]

_COMPILED = (".so", ".pyc")


def check(subject: Subject) -> Iterator[Problem]:
    """The module is in the function or its layers, and defines the attribute.

    awslambdaric: the module is what stands before the last dot, and its slashes are read as dots.
    """
    if subject.kind != "function" or subject.handler is None:
        return
    module, _, attribute = subject.handler.rpartition(".")
    module = module.replace("/", ".")
    if not module:
        yield Problem(
            message=f"the handler {subject.handler!r} names no function", hint="write package.module.function"
        )
        return
    found = _find(subject, module)
    if found is None:
        yield Problem(
            message=f"the handler {subject.handler!r}: there is no module {module} in {_places(subject)}",
            hint=_nearest(subject, module, attribute),
        )
        return
    part, path = found
    if path.endswith(_COMPILED):
        return
    try:
        tree = ast.parse(part.read(path), filename=path)
    except (SyntaxError, ValueError) as error:
        # What is wrong for an older Python than the runtime's may be right there.
        if sys.version_info[:2] >= subject.target.runtime.version:
            where = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
            yield Problem(message=f"{path}{where} is no valid Python: {error.args[0]}", hint="mend it", path=path)
        return
    names = _names(tree.body)
    if names is not None and attribute not in names:
        likely = [name for name in names if "handler" in name.lower()]
        yield Problem(
            message=f"the handler {subject.handler!r}: {path} defines no {attribute}",
            hint=f"did you mean {module}.{likely[0]}?" if likely else f"define {attribute} at the module's top",
            path=path,
        )


def _find(subject: Subject, module: str) -> tuple[Subject, str] | None:
    """The file of a module: as Python looks for it, folder by folder, the package before the module."""
    inner = module.replace(".", "/")
    for part in subject.everything:
        for root in part.roots:
            for name in (f"{inner}/__init__.py", f"{inner}.py", f"{inner}.pyc", f"{inner}/__init__.pyc"):
                if root + name in part.files:
                    return part, root + name
            start = f"{root}{inner}."
            for path in part.files:
                if path.startswith(start) and path.endswith(".so"):
                    return part, path
    return None


def _places(subject: Subject) -> str:
    return f"{subject.name} or its layers" if subject.layers else subject.name


def _nearest(subject: Subject, module: str, attribute: str) -> str:
    """A module of the last name elsewhere is a wrong folder more often than not."""
    if folder := _around_everything(subject):
        return f"zip what is in {folder}/, and not that folder: Lambda looks for modules at the zip's root"
    last = module.rpartition(".")[2]
    ends = (f"/{last}.py", f"/{last}/__init__.py")
    for path in sorted(subject.files, key=lambda path: (path.count("/"), path)):
        if f"/{path}".endswith(ends) and ".dist-info/" not in path:
            there = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            return f"did you mean {there}.{attribute}?"
    return "see with `lambda-backend inspect` what is in it; exclude may leave it out"


def _around_everything(subject: Subject) -> str | None:
    """The folder that all files lie in, the packages that were installed for them too."""
    installed = {path.partition(".dist-info/")[0].rpartition("/")[0] for path in subject.files if ".dist-info/" in path}
    if len(installed) != 1:
        return None
    (folder,) = installed
    return folder if folder and all(path.startswith(f"{folder}/") for path in subject.files) else None


def _names(body: Iterable[ast.stmt]) -> set[str] | None:
    """What a module's top defines; None where that cannot be told without running it."""
    found: set[str] = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if node.name == "__getattr__":  # PEP 562
                return None
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            if any(alias.name == "*" for alias in node.names):
                return None
            found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        else:
            inner = _inner_names(node)
            if inner is None:
                return None
            found |= inner
    return found


def _inner_names(node: ast.stmt) -> set[str] | None:
    """Names that a statement binds, itself or in its blocks."""
    found = {item.id for item in _bound(node)}
    for field in ("body", "orelse", "finalbody"):
        inner = _names(getattr(node, field, ()))
        if inner is None:
            return None
        found |= inner
    for handler in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        inner = _names(handler.body)
        if inner is None:
            return None
        found |= inner
    if any(isinstance(item, ast.Name) and item.id in {"globals", "exec", "setattr"} for item in ast.walk(node)):
        return None
    return found


def _bound(node: ast.stmt) -> Iterator[ast.Name]:
    for item in ast.walk(node):
        if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
            yield item
