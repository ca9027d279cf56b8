"""Who compiles, when, and what is kept of it."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from lambda_backend.bundle.excludes import Excludes
from lambda_backend.bundle.finish import PLAIN, Finish
from lambda_backend.bundle.model import Member
from lambda_backend.bundle.sources import content
from lambda_backend.errors import InstallError
from lambda_backend.install import interpreter as interpreters
from lambda_backend.install.finisher import Finisher
from lambda_backend.install.interpreter import Interpreter
from lambda_backend.report.words import Words
from lambda_backend.targets import target as target_of
from tests.helpers.interpreters import require_interpreter
from tests.unit.install.conftest import FakeWorkbench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lambda_backend.cache import Cache
    from lambda_backend.targets import Target
    from tests.unit.install.conftest import Call

TAG = f"cpython-3{sys.version_info[1]}"
BYTECODE = Finish(bytecode=True)
NONE = Excludes()
OTHER = "3.10" if sys.version_info[:2] != (3, 10) else "3.11"


def compiling(workbench: FakeWorkbench, call: Call) -> str:
    """The container's Python, which is ours, told apart by what it says it is."""
    job = workbench.outside(call.argv[-1])
    jobs = [
        [str(workbench.outside(file)), name, str(workbench.outside(made))]
        for file, name, made in json.loads(job.read_text())
    ]
    job.write_text(json.dumps(jobs))
    argv = [*call.argv[:-2], str(workbench.outside(call.argv[-2])), str(job)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    document = json.loads(done.stdout)
    return f"a line of the image's own\n{json.dumps({**document, 'version': workbench.builder.image})}\n"


@dataclass
class Machine:
    """One machine over several builds."""

    target: Target
    cache: Cache
    fake: FakeWorkbench
    engine: str = "docker"
    environ: dict[str, str] = field(default_factory=dict)
    opened: int = 0
    said: io.StringIO = field(default_factory=io.StringIO)

    def code(
        self, *members: Member, finish: Finish = BYTECODE, excludes: Excludes = NONE, taken: tuple[str, ...] = ()
    ) -> dict[str, bytes]:
        """What a build of its own makes of code."""
        finisher = self._finisher()
        try:
            found = finisher.code(members, finish, "", excludes, taken)
            return {member.path: content(member.source) for member in found}
        finally:
            finisher.close()

    def installed(self, *members: Member, finish: Finish = BYTECODE) -> dict[str, bytes]:
        """The same of what was installed."""
        finisher = self._finisher()
        try:
            return {member.path: content(member.source) for member in finisher.installed(members, finish, "", NONE)}
        finally:
            finisher.close()

    def key(self, finish: Finish) -> list[object]:
        return self._finisher().key(finish)

    def compiled(self) -> list[str]:
        """What was said of compiling since the last call."""
        lines = [line.partition("compiling ")[2] for line in self.said.getvalue().splitlines() if "compiling" in line]
        self.said.truncate(0)
        self.said.seek(0)
        return [" ".join(line.split()[:2]) for line in lines]

    def _finisher(self) -> Finisher:
        def bench() -> FakeWorkbench:
            self.opened += 1
            return self.fake

        return Finisher(
            self.target,
            cache=self.cache,
            place={"engine": self.engine},
            environ=self.environ,
            bench=bench,
            words=Words(self.said),
        )


@pytest.fixture
def machine(target: Target, cache: Cache, tmp_path: Path) -> Machine:
    fake = FakeWorkbench(tmp_path / "fake", answer=compiling)
    return Machine(target=target, cache=cache, fake=fake)


@pytest.fixture
def alone(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine without any Python of the target's version."""
    monkeypatch.setattr(interpreters, "_is_this", lambda _: False)
    machine.environ = {"PATH": "", "HOME": str(machine.fake.scratch), "UV_PYTHON_DOWNLOADS": "never"}
    machine.environ["UV_PYTHON_INSTALL_DIR"] = str(machine.fake.scratch / "none")
    return machine


def py(name: str, text: str = "x = 1\n") -> Member:
    return Member(path=name, source=text.encode(), owner="project")


def test_nothing_is_done_unless_asked_for(machine: Machine) -> None:
    assert machine.code(py("a.py"), finish=PLAIN) == {"a.py": b"x = 1\n"}
    assert machine.installed(py("a.py"), finish=PLAIN) == {"a.py": b"x = 1\n"}
    assert machine.code(Member(path="a.txt", source=b"")) == {"a.txt": b""}
    assert (machine.opened, machine.compiled()) == (0, [])


def test_code_is_compiled_on_this_machine(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("def f(): raise ValueError\n")
    found = machine.code(py("pkg/a.py"), Member(path="b.py", source=tmp_path / "b.py"), py("two.py", "print 'two'\n"))
    assert sorted(found) == [f"__pycache__/b.{TAG}.pyc", "b.py", f"pkg/__pycache__/a.{TAG}.pyc", "pkg/a.py", "two.py"]
    assert b"/var/task/b.py" in found[f"__pycache__/b.{TAG}.pyc"]
    assert machine.opened == 0


def test_a_layer_s_paths(machine: Machine) -> None:
    found = machine.code(py("python/a.py"), finish=Finish(bytecode=True, root="/opt"))
    assert b"/opt/python/a.py" in found[f"python/__pycache__/a.{TAG}.pyc"]


def test_only_what_changed_is_compiled(machine: Machine) -> None:
    first = machine.code(py("a.py"), py("b.py"), py("old.py", "print 'two'"))
    assert machine.compiled() == ["3 files"]
    assert machine.code(py("a.py"), py("b.py"), py("old.py", "print 'two'")) == first
    assert machine.compiled() == []
    changed = machine.code(py("a.py"), py("b.py", "x = 2\n"), py("old.py", "print 'two'"))
    assert machine.compiled() == ["1 file"]
    assert {name for name in first if first[name] != changed[name]} == {"b.py", f"__pycache__/b.{TAG}.pyc"}
    # The path is in it: elsewhere the same source is another file.
    machine.code(py("c/a.py"))
    assert machine.compiled() == ["1 file"]


@pytest.mark.parametrize("damage", [b"", b"spoilt"])
def test_what_was_kept_and_is_damaged_is_made_again(damage: bytes, machine: Machine) -> None:
    first = machine.code(py("a.py"))
    (kept,) = (machine.cache.root / "v1/bytecode").rglob("code.pyc")
    kept.write_bytes(kept.read_bytes()[:-1] + damage)
    machine.compiled()
    for _ in range(2):
        assert machine.code(py("a.py")) == first
    assert machine.compiled() == ["1 file"]
    kept.unlink()
    assert machine.code(py("a.py")) == first


def test_what_the_artefact_has_or_leaves_out_is_not_compiled(machine: Machine) -> None:
    assert sorted(machine.code(py("a.py"), excludes=Excludes(["__pycache__/"]))) == ["a.py"]
    assert sorted(machine.code(py("a.py"), taken=(f"__pycache__/a.{TAG}.pyc",))) == ["a.py"]
    assert machine.compiled() == []


def test_a_wheel_s_own_bytecode_is_made_anew(machine: Machine) -> None:
    stale = Member(path=f"__pycache__/a.{TAG}.pyc", source=b"stale")
    assert machine.code(py("a.py"), stale)[stale.path][:4] == importlib.util.MAGIC_NUMBER


def test_records_list_it(machine: Machine) -> None:
    record = Member(path="a-1.dist-info/RECORD", source=b"a.py,,\na-1.dist-info/RECORD,,\n")
    found = machine.code(py("a.py"), record)
    assert f"__pycache__/a.{TAG}.pyc,sha256=".encode() in found[record.path]
    assert f"__pycache__/a.{TAG}.pyc,sha256=".encode() in machine.installed(py("a.py"), record)[record.path]


def test_what_is_installed_is_compiled_where_that_was(machine: Machine) -> None:
    found = machine.installed(py("a.py"), py("two.py", "print 'two'\n"))
    assert sorted(found) == [f"__pycache__/a.{TAG}.pyc", "a.py", "two.py"]
    assert machine.opened == 1
    (call,) = machine.fake.calls
    assert call.argv[0] == machine.fake.interpreter
    assert found == machine.code(py("a.py"), py("two.py", "print 'two'\n")), "here and there the same"
    machine.engine = "host"
    assert found == machine.installed(py("a.py"), py("two.py", "print 'two'\n"))
    machine.engine = "auto"
    machine.fake.has_target_python = False  # auto took the host
    assert found == machine.installed(py("a.py"), py("two.py", "print 'two'\n"))
    assert len(machine.fake.calls) == 1


def test_a_container_compiles_code_where_there_is_no_python(alone: Machine) -> None:
    first = alone.code(py("a.py"), py("b.py"))
    assert (alone.opened, alone.compiled()) == (1, ["2 files"])
    assert alone.code(py("a.py"), py("b.py")) == first
    assert alone.opened == 1, "what it was is remembered"
    alone.code(py("a.py"), py("b.py", "x = 2\n"))
    assert (alone.opened, alone.compiled()) == (2, ["1 file"])


def test_an_image_with_another_python_compiles_all_anew(alone: Machine) -> None:
    alone.code(py("a.py"), py("b.py"))
    alone.compiled()
    alone.fake.builder = type(alone.fake.builder)(engine="fake", image="newer")
    alone.code(py("a.py"), py("b.py", "x = 2\n"))
    assert alone.compiled() == ["1 file", "2 files"]
    alone.code(py("a.py"), py("b.py", "x = 2\n"))
    assert alone.compiled() == []


@pytest.mark.parametrize("engine", ["host", "auto"])
def test_no_python_at_all(engine: str, alone: Machine) -> None:
    alone.engine = engine
    alone.fake.has_target_python = False
    version = alone.target.runtime.python_version
    for compiled in (alone.code, alone.installed):
        with pytest.raises(InstallError) as caught:
            compiled(py("a.py"))
        assert f"compiled by a Python {version}, and there is none on PATH" in caught.value.message
        assert caught.value.hint is not None
        assert f"uv python install {version}" in caught.value.hint
        assert "bytecode = false" in caught.value.hint


def test_what_compiles_is_in_the_key_where_it_is_known(machine: Machine) -> None:
    assert machine.key(PLAIN) == machine.key(Finish(root="/opt"))
    assert machine.key(BYTECODE) != machine.key(Finish(bytecode=True, root="/opt"))
    in_container = machine.key(BYTECODE)
    machine.engine = "host"
    assert machine.key(BYTECODE) != in_container
    assert f"cpython-{sys.version.split()[0]}" in json.dumps(machine.key(BYTECODE))
    assert machine.key(PLAIN)[-1] is None


def test_an_interpreter_is_asked_once_and_again_when_it_is_another(cache: Cache, tmp_path: Path) -> None:
    real = require_interpreter(OTHER)
    marks = tmp_path / "asked"
    script = tmp_path / f"python{OTHER}"
    script.write_text(f'#!/bin/sh\necho >> "{marks}"\nexec "{real}" "$@"\n')
    script.chmod(0o755)
    environ = {"PATH": str(tmp_path)}
    found = [interpreters.Interpreters(cache, environ).at_hand(OTHER) for _ in range(2)]
    assert found[0] == found[1]
    assert isinstance(found[0], Interpreter)
    assert found[0].version.startswith(f"{OTHER}.")
    assert len(found[0].magic) == 8
    assert len(marks.read_text().splitlines()) == 1
    (kept,) = (cache.root / "v1/interpreters").rglob("interpreter.json")
    document = json.loads(kept.read_text())
    kept.write_text(json.dumps({**document, "stat": [1, 2, 3]}))
    assert interpreters.Interpreters(cache, environ).at_hand(OTHER) == found[0]
    assert len(marks.read_text().splitlines()) == 2


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_the_runtime_s_python_takes_it_from_a_folder_it_may_not_write(
    version: str, cache: Cache, tmp_path: Path
) -> None:
    """With other times than when it was compiled, and at another place, as in Lambda."""
    python = require_interpreter(version)
    target = target_of(f"python{version}", "x86_64")
    environ = {"PATH": os.pathsep.join((str(python.parent), os.environ["PATH"]))}
    fake = FakeWorkbench(tmp_path / "fake")
    found = Machine(target, cache, fake, environ=environ).code(
        py("pkg/__init__.py", ""), py("pkg/a.py", "def f(): raise KeyError\n")
    )
    root = tmp_path / "task"
    for name, data in found.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
        os.utime(root / name, (315532800, 315532800))
    os.utime(root / "pkg/a.py", (1_700_000_000, 1_700_000_000))
    text = (
        "import sys; sys.dont_write_bytecode = True; import pkg.a, traceback\n"
        "print(pkg.a.__spec__.cached)\n"
        "try: pkg.a.f()\nexcept KeyError: traceback.print_exc()"
    )
    argv = [str(python), "-v", "-c", text]
    done = subprocess.run(argv, cwd=root, env={"PATH": ""}, capture_output=True, text=True, check=True)
    cached = done.stdout.strip()
    assert cached.endswith(f"pkg/__pycache__/a.cpython-{version.replace('.', '')}.pyc")
    assert f"# code object from '{cached}'" in done.stderr
    assert 'pkg/a.py", line 1, in f\n    def f(): raise KeyError' in done.stderr
