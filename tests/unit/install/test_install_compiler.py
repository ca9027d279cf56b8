"""The compiler that the runtime's own Python runs: the same source gives the same bytes, and code that is unchanged."""

from __future__ import annotations

import dis
import importlib.util
import json
import marshal
import os
import struct
import subprocess
import sys
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_backend.install import compiler
from lambda_backend.install.compiler import bytecode, canonical
from tests.helpers.interpreters import require_interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path(compiler.__file__)
VERSIONS = ["3.10", "3.11", "3.12", "3.13"]
# Sets with what hashes differently in each process, names that only sometimes are interned already, numbers of every
# size, texts of every kind, and constants that are equal and not alike.
NASTY = '''\
"""naïve"""
import os as _rarely_seen_name
KINDS = [1, -1, 2**31, -2**70, 1.5, -0.0, 0.0, 1e999 - 1e999, 3j, True, None, ..., b"x", b"", "", "a", "ä", "雪", ".",
         "not a name", "a_name", "x" * 300, ("a", ("a", 1)), (1, 1.0, True)]
def check(x, *, y={"a": 1}):
    def inner(z=_rarely_seen_name):
        return x in {None, "b", "ä", ..., 3, (1, None), b"y", 2.5, "."} and [x for x in KINDS]
    return inner, lambda: x, lambda: x, [*KINDS][1:2]
class Klass:
    def check(self): return {"b", "c"} if self in {"b", "c", "d", "e", "f", "g", "h"} else super().check()
'''


def library() -> list[Path]:
    """Some sources that nobody wrote for this test."""
    folder = Path(os.__file__).parent
    return sorted([*folder.glob("*.py"), *folder.glob("asyncio/*.py"), *folder.glob("email/*.py")])


def compiled_by(
    python: Path, sources: list[Path], folder: Path, *, seed: int = 0, before: str = ""
) -> dict[str, bytes]:
    """What another process makes of sources."""
    folder.mkdir()
    jobs = [(str(source), f"/var/task/{source.name}", str(folder / f"{n}.pyc")) for n, source in enumerate(sources)]
    (folder / "job.json").write_text(json.dumps(jobs))
    argv: list[str | Path] = [python, "-W", "ignore", SCRIPT, folder / "job.json"]
    if before:
        argv = [python, "-W", "ignore", "-c", before, SCRIPT, folder / "job.json"]
    environ = {**os.environ, "PYTHONHASHSEED": str(seed)}
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {str(sources[int(path.stem)]): path.read_bytes() for path in folder.glob("*.pyc")}


def read(made: bytes) -> CodeType:
    """The code in a file."""
    found = marshal.loads(made[16:])  # noqa: S302 - our own
    assert isinstance(found, CodeType)
    return found


def codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_same_whatever_came_before(version: str, tmp_path: Path) -> None:
    python = require_interpreter(version)
    nasty = tmp_path / "nasty.py"
    nasty.write_text(NASTY, "utf-8")
    # More than are compiled in one process, so that some of them are by others.
    sources = [nasty, *library()[::2][:90]]
    reference = compiled_by(python, sources, tmp_path / "a", seed=1)
    assert str(nasty) in reference
    assert len(reference) > 80
    assert compiled_by(python, sources[::-1], tmp_path / "b", seed=2) == reference
    assert compiled_by(python, [nasty], tmp_path / "c", seed=3) == {str(nasty): reference[str(nasty)]}
    # In a process that has interned the names, and other texts, that the source has in it.
    busy = (
        "import runpy, sys\nfor word in ('_rarely_seen_name', '.', 'not a name', 'inner', 'Klass'): sys.intern(word)\n"
        "import asyncio, email\nsys.argv = sys.argv[1:]\nrunpy.run_path(sys.argv[0], run_name='__main__')"
    )
    assert compiled_by(python, [nasty], tmp_path / "d", before=busy) == {str(nasty): reference[str(nasty)]}


def test_marshal_alone_would_differ(tmp_path: Path) -> None:
    """Why it is written anew: else nothing of that is needed."""
    text = "def f(): return _a_name_that_nobody_has"
    plain = "import marshal, sys; sys.stdout.buffer.write(marshal.dumps(compile({!r}, 'x', 'exec')))"
    held = f"import sys; _ = sys.intern('_a_name_that_' + 'nobody_has'); {plain.format(text)}"
    outputs = {
        subprocess.run([sys.executable, "-c", line], capture_output=True, cwd=tmp_path, check=True).stdout
        for line in (f"exec({plain.format(text)!r})", held)
    }
    assert len({canonical(data) for data in outputs}) == 1


def test_a_file_of_pep_552() -> None:
    source = b"answer = 42\n"
    made = bytecode(source, "/var/task/app.py")
    assert made is not None
    assert made[:4] == importlib.util.MAGIC_NUMBER
    assert struct.unpack("<L", made[4:8]) == (0b01,), "by hash, unchecked"
    assert made[8:16] == importlib.util.source_hash(source)
    namespace: dict[str, object] = {}
    code = read(made)
    exec(code, namespace)  # noqa: S102 - to see what it does is the purpose
    assert (code.co_filename, namespace["answer"]) == ("/var/task/app.py", 42)


def test_the_code_is_the_compiler_s() -> None:
    for path in library()[:60]:
        source = path.read_bytes()
        made = bytecode(source, str(path))
        assert made is not None
        ours, theirs = read(made), compile(source, str(path), "exec", dont_inherit=True)
        for one, other in zip(codes(ours), codes(theirs), strict=True):
            assert one == other
            assert one.co_filename == other.co_filename == str(path)
            assert list(one.co_lines()) == list(other.co_lines())
            assert [op.argrepr for op in dis.get_instructions(one) if op.opname == "LOAD_NAME"] == [
                op.argrepr for op in dis.get_instructions(other) if op.opname == "LOAD_NAME"
            ]


CONSTANTS = st.recursive(
    st.none()
    | st.booleans()
    | st.just(...)
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text(st.characters())
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.frozensets(inner, max_size=5),
    max_leaves=12,
)


@given(st.lists(CONSTANTS, max_size=6))
def test_any_constant_survives(constants: list[object]) -> None:
    code = compile("x = 1\ndef f(): pass", "f.py", "exec").replace(co_consts=tuple(constants))
    made = canonical(marshal.dumps(code))
    again = read(b"x" * 16 + made)
    assert again == code
    assert [type(item) for item in again.co_consts] == [type(item) for item in constants]
    assert canonical(marshal.dumps(again)) == made


@pytest.mark.parametrize(
    "source",
    [b"print 'two'\n", b"{{ template }}\n}", b"\0", b"# coding: nowhere\n", b"\xff\xfe", b"x = " + b"(" * 500],
)
def test_what_does_not_compile_is_passed_over(source: bytes) -> None:
    assert bytecode(source, "x.py") is None


def test_what_is_not_known_is_no_bytecode() -> None:
    with pytest.raises(ValueError, match="unknown type '\\['"):
        canonical(b"[\0\0\0\0")


@pytest.mark.parametrize("text", ["# coding: latin-1\nx = 'ä'\n", "\ufeffx = 1\n", "x = 1\r\ny = 2\r\n", ""])
def test_sources_of_every_kind(text: str) -> None:
    data = text.encode("latin-1") if "latin" in text else text.encode()
    made = bytecode(data, "x.py")
    assert made is not None
    assert read(made) == compile(data, "x.py", "exec", dont_inherit=True)
