from __future__ import annotations

import json
import os
import py_compile
from typing import TYPE_CHECKING

from lambda_backend.facts.model import from_document, to_document
from tests.helpers import compiled
from tests.helpers.credentials import PLANTS
from tests.helpers.facts import collect

if TYPE_CHECKING:
    from pathlib import Path

KEY = PLANTS["key pkcs8"].data


def test_only_files_that_tell_something(tmp_path: Path) -> None:
    module = tmp_path / "made.so"
    module.write_bytes(compiled.library(needs=(("libc.so.6", "GLIBC_2.17"),)))
    empty = tmp_path / "empty.py"
    empty.touch()
    text = tmp_path / "text.py"
    text.write_text("print()\n")
    found = collect([("a/made.so", module), ("a/empty.py", empty), ("a/text.py", text), ("key.pem", KEY)])
    assert set(found) == {"a/made.so", "key.pem"}
    assert found["a/made.so"].elf is not None
    assert found["a/made.so"].elf.needed == ("libc.so.6",)
    assert found["key.pem"].secrets == ("a private key",)


def test_the_cache_keeps_all_of_it() -> None:
    found = collect(
        [("made.so", compiled.library(needs=(("libm.so.6", "GLIBC_2.17"),), search="$ORIGIN")), ("key.pem", KEY)]
    )
    assert from_document(json.loads(json.dumps(to_document(found)))) == found


def test_bytecode_tells_the_time_of_its_source(tmp_path: Path) -> None:
    source = tmp_path / "mod.py"
    source.write_text("VALUE = 1\n")
    os.utime(source, (1_700_000_000, 1_700_000_000))
    made = {}
    for mode in py_compile.PycInvalidationMode:
        target = tmp_path / f"{mode.name}.pyc"
        py_compile.compile(str(source), cfile=str(target), invalidation_mode=mode, doraise=True)
        made[target.name] = target
    found = collect(made.items())
    assert {path: facts.source_time for path, facts in found.items()} == {"TIMESTAMP.pyc": 1_700_000_000}
    assert from_document(json.loads(json.dumps(to_document(found)))) == found
    assert collect([("cut.pyc", b"\x00" * 15), ("other.py", made["TIMESTAMP.pyc"].read_bytes())]) == {}
