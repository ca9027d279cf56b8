from __future__ import annotations

import os
import py_compile
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from lambda_backend.checks.bytecode import check
from lambda_backend.checks.run import RULES, findings
from lambda_backend.checks.subject import of_zip
from lambda_backend.targets import target

if TYPE_CHECKING:
    from pathlib import Path

    from lambda_backend.checks.model import Subject

HERE = "python{}.{}".format(*sys.version_info)
TAG = sys.implementation.cache_tag
COMPILED_AT = 1_700_000_000  # 2023-11-14
CHECKED = py_compile.PycInvalidationMode.CHECKED_HASH
UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH
BY_TIME = py_compile.PycInvalidationMode.TIMESTAMP


def zipped(
    folder: Path,
    *,
    mode: py_compile.PycInvalidationMode = BY_TIME,
    date: tuple[int, int, int, int, int, int] = (1980, 1, 1, 0, 0, 0),
    tag: str = TAG,
    inside: str = "pkg/",
    source: bool = True,
) -> Path:
    """A zip with one module and its bytecode, made by the Python that runs this."""
    module = folder / "mod.py"
    module.write_text("VALUE = 1\n", "utf-8")
    os.utime(module, (COMPILED_AT, COMPILED_AT))
    compiled = py_compile.compile(str(module), cfile=str(folder / "mod.pyc"), invalidation_mode=mode, doraise=True)
    assert compiled
    path = folder / "made.zip"
    with zipfile.ZipFile(path, "w") as archive:
        if source:
            archive.writestr(zipfile.ZipInfo(f"{inside}mod.py", date), module.read_bytes())
        archive.writestr(zipfile.ZipInfo(f"{inside}__pycache__/mod.{tag}.pyc", date), (folder / "mod.pyc").read_bytes())
    return path


def subject(path: Path, runtime: str = HERE) -> Subject:
    return of_zip(path, target=target(runtime, "x86_64"))


def messages(path: Path, runtime: str = HERE) -> list[str]:
    found = list(check(subject(path, runtime)))
    assert all(problem.hint and problem.warns for problem in found)
    return [problem.message for problem in found]


def test_times_that_a_zip_does_not_keep(tmp_path: Path) -> None:
    (message,) = messages(zipped(tmp_path))
    assert message.startswith("1 file (")
    assert f"that {HERE} reads and throws away: it is for sources of another time than the zip gives them" in message


def test_python_says_the_same(tmp_path: Path) -> None:
    """What the rule tells of: the interpreter itself says that it does not use such bytecode."""
    for name, mode, is_used in (("by-time", BY_TIME, False), ("by-hash", UNCHECKED, True)):
        folder = tmp_path / name
        folder.mkdir()
        path = zipped(folder, mode=mode, inside="")
        out = folder / "task"
        with zipfile.ZipFile(path) as archive:
            archive.extractall(out)
        os.utime(out / "mod.py", (315_532_800, 315_532_800))  # 1980-01-01, as the zip says
        argv = [sys.executable, "-B", "-v", "-c", "import mod"]
        done = subprocess.run(argv, cwd=out, capture_output=True, text=True, check=True)
        assert ("bytecode is stale for 'mod'" in done.stderr) is not is_used
        assert (messages(path) == []) is is_used


@pytest.mark.parametrize("mode", [CHECKED, UNCHECKED])
def test_hashes_need_no_time(tmp_path: Path, mode: py_compile.PycInvalidationMode) -> None:
    assert messages(zipped(tmp_path, mode=mode)) == []


@pytest.mark.parametrize("date", [(2023, 11, 14, 22, 13, 20), (2023, 11, 15, 8, 13, 18)])
def test_a_time_that_may_be_the_source_s(tmp_path: Path, date: tuple[int, int, int, int, int, int]) -> None:
    """A zip has local time in steps of two seconds: here that of London, and of Sydney."""
    assert messages(zipped(tmp_path, date=date)) == []


def test_a_zip_without_times(tmp_path: Path) -> None:
    path = zipped(tmp_path)
    # Month and day 0, which zipfile itself refuses to write: bytes 12 of a local and 14 of a central header.
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", 12), (b"PK\1\2", 14)):
        at = data.find(signature)
        while at >= 0:
            data[at + offset : at + offset + 2] = bytes(2)
            at = data.find(signature, at + 4)
    path.write_bytes(data)
    with zipfile.ZipFile(path) as archive:
        assert archive.infolist()[0].date_time[:3] == (1980, 0, 0)
    assert len(messages(path)) == 1


def test_another_python_s(tmp_path: Path) -> None:
    (message,) = messages(zipped(tmp_path, tag="cpython-39", mode=UNCHECKED))
    assert message.endswith(f"of bytecode (.pyc) for cpython-39, which {HERE} never reads")


def test_byte_code_without_its_source_is_not_stale(tmp_path: Path) -> None:
    assert messages(zipped(tmp_path, source=False)) == []


def test_it_is_a_warning_at_most(tmp_path: Path) -> None:
    levels = {**dict.fromkeys(RULES, "off"), "bytecode": "error"}
    (found,) = findings(subject(zipped(tmp_path)), levels)  # type: ignore[arg-type]
    assert (found.check, found.level) == ("bytecode", "warn")
