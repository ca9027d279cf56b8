"""Compiles sources to bytecode files, in the runtime's own Python: ``python compiler.py JOB.json``.

The job is a list of (source file, path that the code shall say it is from, file to write). A source that this Python
cannot compile, such as one of Python 2 or a template, leaves no file, as with ``compileall``. The standard library is
all that is needed: this file is run by another interpreter, which may be in a container.

The same source gives the same bytes, whatever was compiled before and wherever. ``marshal`` does not see to that: it
writes of an object whether something else refers to it just then, which depends on what the process has interned, and
up to Python 3.10 the elements of a set in the order of their hashes. So what it writes is read and written anew: equal
objects become one, and it is marked as referred to where it is.

Sources: PEP 3147, PEP 552, CPython's Python/marshal.c.
"""

from __future__ import annotations

import importlib.util
import json
import marshal
import os
import platform
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["bytecode", "canonical", "main"]

_UNCHECKED_HASH = 1
"""PEP 552's flags: the file is valid by a hash of its source, which the import system does not check."""
_FEW = 64
"""Files that are compiled before further processes would have started."""

_FLAG_REF = 0x80
_REF = ord("r")
_CODE = ord("c")
_FROZENSET = ord(">")
_SMALL_TUPLE = ord(")")
_TUPLES = frozenset(b"(>")
_SINGLETONS = frozenset(b"NTF.S")
_FIXED = {**dict.fromkeys(_SINGLETONS, 0), ord("i"): 4, ord("g"): 8, ord("y"): 16}
_UNICODE = ord("u")
_INTERNED = ord("t")
_NAME = re.compile(rb"[A-Za-z0-9_]*")
_SHORTEST_LONG = 256

# A code object: numbers, objects, its first line, and what maps instructions to lines (and, from 3.11 on, to handlers).
_NUMBERS, _LAST = (20, 2) if sys.version_info >= (3, 11) else (24, 1)
_OBJECTS = 8

_Node = tuple[int, bytes, tuple[int, ...]]
"""Type, own bytes, and the nodes of what it holds."""


def bytecode(source: bytes, name: str) -> bytes | None:
    """A source's bytecode file; None where it does not compile.

    Args:
        source: the file's bytes.
        name: what tracebacks show as its path.
    """
    try:
        code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None
    data = canonical(marshal.dumps(code))
    read = marshal.loads(data)  # noqa: S302 - it was written just now
    # Not a number is unlike itself; then it has to come out the same once more.
    if read != code and canonical(marshal.dumps(read)) != data:
        raise ValueError(f"{name}: the bytecode of this Python is not understood")
    flags = _UNCHECKED_HASH.to_bytes(4, "little")
    return importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source) + data


def canonical(data: bytes) -> bytes:
    """The one form of what ``marshal`` writes of a code object.

    Raises:
        ValueError: it has a type in it that no code has in the Pythons that are known here.
    """
    return _Writer(*_Reader(data).read()).written()


class _Reader:
    """Reads marshal's format into a list of nodes, in which equal objects are one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._references: list[int] = []
        self._ids: dict[_Node, int] = {}
        self.nodes: list[_Node] = []
        self.uses: list[int] = []
        self._readers: dict[int, Callable[[int], _Node]] = {
            **dict.fromkeys(b"zZ", self._short_text),
            **dict.fromkeys(b"aA", self._long_text),
            **dict.fromkeys(b"sut", self._blob),
            **dict.fromkeys(_FIXED, self._fixed),
            ord("l"): self._long,
            _SMALL_TUPLE: self._small_tuple,
            **dict.fromkeys(_TUPLES, self._tuple),
            ord(":"): self._slice,
            _CODE: self._code,
        }

    def read(self) -> tuple[list[_Node], list[int], int]:
        """The nodes, how many others hold each, and the outermost one."""
        return self.nodes, self.uses, self._object()

    def _object(self) -> int:
        kind = self._data[self._at]
        self._at += 1
        if kind == _REF:
            return self._references[self._number()]
        slot = None
        if kind & _FLAG_REF:
            kind &= ~_FLAG_REF
            # A container has its number before what is in it.
            slot = len(self._references)
            self._references.append(-1)
        reader = self._readers.get(kind)
        if reader is None:
            raise ValueError(f"unknown type {chr(kind)!r} in bytecode")
        node = self._node(*reader(kind))
        if slot is not None:
            self._references[slot] = node
        return node

    def _short_text(self, _: int) -> _Node:
        return self._text(self._bytes(self._bytes(1)[0]))

    def _long_text(self, _: int) -> _Node:
        return self._text(self._bytes(self._number()))

    def _blob(self, kind: int) -> _Node:
        size = self._bytes(4)
        return _UNICODE if kind == _INTERNED else kind, size + self._bytes(int.from_bytes(size, "little")), ()

    def _fixed(self, kind: int) -> _Node:
        return kind, self._bytes(_FIXED[kind]), ()

    def _long(self, kind: int) -> _Node:
        digits = self._bytes(4)
        return kind, digits + self._bytes(2 * abs(int.from_bytes(digits, "little", signed=True))), ()

    def _small_tuple(self, kind: int) -> _Node:
        return kind, b"", tuple([self._object() for _ in range(self._bytes(1)[0])])

    def _tuple(self, kind: int) -> _Node:
        held = [self._object() for _ in range(self._number())]
        return kind, b"", tuple(sorted(held, key=self._flat) if kind == _FROZENSET else held)

    def _slice(self, kind: int) -> _Node:
        return kind, b"", (self._object(), self._object(), self._object())

    def _code(self, kind: int) -> _Node:
        numbers = self._bytes(_NUMBERS)
        held = [self._object() for _ in range(_OBJECTS)]
        line = self._bytes(4)
        return kind, numbers + line, (*held, *(self._object() for _ in range(_LAST)))

    def _text(self, text: bytes) -> _Node:
        # Like the compiler, and unlike marshal, which writes what happens to be interned in this process.
        interned = _NAME.fullmatch(text) is not None
        if len(text) < _SHORTEST_LONG:
            return ord("Z" if interned else "z"), bytes([len(text)]) + text, ()
        return ord("A" if interned else "a"), len(text).to_bytes(4, "little") + text, ()

    def _node(self, kind: int, own: bytes, held: tuple[int, ...]) -> int:
        node = (kind, own, held)
        found = self._ids.get(node)
        if found is None or kind == _CODE:  # two functions stay two
            found = self._ids[node] = len(self.nodes)
            self.nodes.append(node)
            self.uses.append(0)
            for inner in held:
                self.uses[inner] += 1
        return found

    def _flat(self, node: int) -> bytes:
        """A node with all that it holds, by value."""
        kind, own, held = self.nodes[node]
        return bytes([kind]) + own + b"".join(map(self._flat, held))

    def _bytes(self, count: int) -> bytes:
        start = self._at
        self._at += count
        return self._data[start : self._at]

    def _number(self) -> int:
        return int.from_bytes(self._bytes(4), "little", signed=True)


class _Writer:
    """Writes nodes in marshal's format."""

    def __init__(self, nodes: list[_Node], uses: list[int], outermost: int) -> None:
        self._nodes = nodes
        self._uses = uses
        self._outermost = outermost
        self._numbers: dict[int, int] = {}
        self._parts: list[bytes] = []

    def written(self) -> bytes:
        """All of them."""
        self._write(self._outermost)
        return b"".join(self._parts)

    def _write(self, node: int) -> None:
        kind, own, held = self._nodes[node]
        first = kind
        if self._uses[node] > 1 and kind not in _SINGLETONS:
            number = self._numbers.get(node)
            if number is not None:
                self._parts.append(b"r" + number.to_bytes(4, "little"))
                return
            self._numbers[node] = len(self._numbers)
            first |= _FLAG_REF
        self._parts.append(bytes([first]))
        if kind == _CODE:
            self._write_code(own, held)
            return
        if kind == _SMALL_TUPLE:
            self._parts.append(bytes([len(held)]))
        elif kind in _TUPLES:
            self._parts.append(len(held).to_bytes(4, "little"))
        self._parts.append(own)
        for inner in held:
            self._write(inner)

    def _write_code(self, own: bytes, held: tuple[int, ...]) -> None:
        self._parts.append(own[:_NUMBERS])
        for inner in held[:_OBJECTS]:
            self._write(inner)
        self._parts.append(own[_NUMBERS:])
        for inner in held[_OBJECTS:]:
            self._write(inner)


def _compile(job: tuple[str, str, str]) -> None:
    source, name, target = job
    made = bytecode(Path(source).read_bytes(), name)
    if made is not None:
        Path(target).write_bytes(made)


def main(path: str) -> None:
    """Do a job, and print which Python did it."""
    jobs = [tuple(job) for job in json.loads(Path(path).read_text("utf-8"))]
    if len(jobs) <= _FEW or os.cpu_count() == 1:
        for job in jobs:
            _compile(job)
    else:
        with ProcessPoolExecutor() as pool:
            for _ in pool.map(_compile, jobs, chunksize=16):
                pass
    print(  # noqa: T201 - a program's answer
        json.dumps({"version": platform.python_version(), "magic": importlib.util.MAGIC_NUMBER.hex()})
    )


if __name__ == "__main__":
    main(sys.argv[1])
