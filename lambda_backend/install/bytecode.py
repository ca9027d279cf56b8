"""Bytecode for an artefact's sources: members in, members with their ``.pyc`` files out.

The runtime's own Python compiles, or another one of its minor version. What is installed is compiled where it was
installed: in the container, or else on this machine. Code is compiled by this machine's Python where there is one, so
that an edit starts no container; file by file, and what was compiled once is kept.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lambda_backend.bundle.bytecode import compiled_path
from lambda_backend.bundle.model import Member
from lambda_backend.bundle.sources import content, sha256
from lambda_backend.cache import key as cache_key
from lambda_backend.engines.process import run
from lambda_backend.engines.streams import last_lines
from lambda_backend.errors import InstallError
from lambda_backend.install.interpreter import Interpreter, Interpreters
from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from lambda_backend.bundle.excludes import Excludes
    from lambda_backend.bundle.finish import Finish
    from lambda_backend.cache import Cache
    from lambda_backend.install.workbench import Workbench
    from lambda_backend.report.words import Words
    from lambda_backend.targets import Target

__all__ = ["Compilers", "sources"]

_FORMAT = 1
"""Raised when the same source and interpreter would give other bytes than an older version of ours made."""
# Nothing of this machine's users and packages: only the standard library, whatever the locale.
_OPTIONS = ("-I", "-S", "-B", "-X", "utf8", "-W", "ignore")
_KEPT = "code.pyc"
_DIGEST = 32
"""Bytes."""
_SCRIPT = Path(__file__).with_name("compiler.py")


class Source(Value):
    """A file to compile."""

    member: Member
    compiled: str
    """Path of its bytecode in the artefact."""
    name: str
    """Its path in Lambda."""

    def member_of(self, made: Path | bytes) -> Member:
        """Its bytecode as a file of the artefact."""
        return Member(path=self.compiled, source=made, owner=self.member.owner)


def sources(
    members: Iterable[Member], finish: Finish, target: Target, excludes: Excludes, taken: Collection[str] = ()
) -> list[Source]:
    """What of an artefact's files is compiled.

    Args:
        members: the files.
        finish: whether at all, and where they will lie.
        target: whose Python.
        excludes: the artefact's: bytecode that they leave out is not made.
        taken: paths that the artefact has already.
    """
    if not finish.bytecode:
        return []
    found = []
    for member in members:
        compiled = compiled_path(member.path, target.runtime.version)
        if compiled is not None and compiled not in taken and not excludes.excluded(compiled):
            found.append(Source(member=member, compiled=compiled, name=f"{finish.root}/{member.path}"))
    return found


class _Place(Protocol):
    """Somewhere to compile."""

    def compile(self, found: Sequence[Source], folder: Path) -> tuple[str, dict[str, Path]]:
        """Which interpreter it was, and the files by the path of the bytecode; those that do not compile are left out.

        Args:
            found: what to compile.
            folder: an empty one on this machine, which may be used.
        """


class Compilers:
    """Compiles for one target.

    Args:
        target: whose Python.
        cache: where compiled code and what is known of interpreters is kept.
        place: the part of cache keys that says how dependencies are made.
        environ: of the host.
        bench: gives the workbench.
        words: what is done is said there.
    """

    def __init__(
        self,
        target: Target,
        *,
        cache: Cache,
        place: Mapping[str, object],
        environ: Mapping[str, str],
        bench: Callable[[], Workbench],
        words: Words,
    ) -> None:
        self._target = target
        self._cache = cache
        self._place = place
        self._environ = environ
        self._bench = bench
        self._words = words
        self._interpreters = Interpreters(cache, environ)

    @property
    def identity(self) -> str | None:
        """The interpreter that compiles what is installed, as far as that is known before anything is installed."""
        return self._of_host().identity if self._place.get("engine") == "host" else None

    def installed(self, found: Sequence[Source], folder: Path) -> list[Member]:
        """Bytecode of what was installed at the workbench.

        Args:
            found: what to compile.
            folder: an empty one, where the files lie for as long as the members are of use.

        Raises:
            InstallError: there is no interpreter, or it fails.
        """
        if not found:
            return []
        made = self._compile(self._at_workbench(), found, folder)[1]
        return [source.member_of(made[source.compiled]) for source in found if source.compiled in made]

    def code(self, found: Sequence[Source], folder: Path) -> list[Member]:
        """Bytecode of an artefact's code, of which only what changed is compiled.

        Args:
            found: what to compile.
            folder: an empty one, for use meanwhile.

        Raises:
            InstallError: there is no interpreter, or it fails.
        """
        if not found:
            return []
        digests = [sha256(source.member.source).hexdigest() for source in found]
        host = self._interpreters.at_hand(self._target.runtime.python_version)
        identity = host.identity if host else self._remembered()
        kept = self._kept(found, digests, identity) if identity else {}
        missing = [source for source in found if source.compiled not in kept]
        if missing:
            place = _OnHost(host, self._environ) if host else self._at_workbench()
            made_by, made = self._compile(place, missing, folder)
            if kept and made_by != identity:  # the image has another Python than it had
                made_by, made = self._compile(place, found, folder)
                kept = {}
            if host is None:
                self._remember(made_by)
            for source, digest in zip(found, digests, strict=True):
                if source.compiled not in kept:
                    kept[source.compiled] = self._keep(source, digest, made_by, made.get(source.compiled))
        return [source.member_of(data) for source in found if (data := kept[source.compiled]) is not None]

    def _compile(self, place: _Place, found: Sequence[Source], folder: Path) -> tuple[str, dict[str, Path]]:
        files = f"{len(found)} file{'' if len(found) == 1 else 's'}"
        self._words.say(f"compiling {files} to bytecode for {self._target.name}")
        identity, made = place.compile(found, folder)
        self._words.detail(f"by {identity}")
        return identity, made

    def _at_workbench(self) -> _Place:
        if self._place.get("engine") != "host" and (bench := self._bench()).has_target_python:
            return _AtWorkbench(bench)
        return _OnHost(self._of_host(), self._environ)

    def _of_host(self) -> Interpreter:
        return self._interpreters.any(self._target.runtime.python_version, self._words.say)

    def _kept(self, found: Sequence[Source], digests: Sequence[str], identity: str) -> dict[str, bytes | None]:
        kept: dict[str, bytes | None] = {}
        for source, digest in zip(found, digests, strict=True):
            key = self._key(source, digest, identity)
            entry = self._cache.get("bytecode", key)
            if entry is None:
                continue
            check, data = _split(entry / _KEPT)
            if check == sha256(data).digest():
                kept[source.compiled] = data or None
            else:
                self._cache.discard("bytecode", key)
        return kept

    def _keep(self, source: Source, digest: str, identity: str, file: Path | None) -> bytes | None:
        """Keep a file's bytecode, or that it has none, with a digest: a cache may lose bytes over the months."""
        data = file.read_bytes() if file is not None else b""
        with self._cache.make("bytecode", self._key(source, digest, identity)) as entry:
            (entry / _KEPT).write_bytes(sha256(data).digest() + data)
        return data or None

    def _key(self, source: Source, digest: str, identity: str) -> str:
        return cache_key(_FORMAT, "bytecode", digest, source.name, identity)

    def _remembered(self) -> str | None:
        """The interpreter of the container, as it was the last time."""
        entry = self._cache.get("interpreters", self._container_key())
        file = entry / "identity" if entry else None
        return file.read_text("utf-8") if file and file.is_file() else None

    def _remember(self, identity: str) -> None:
        if self._remembered() != identity:
            self._cache.discard("interpreters", self._container_key())
            with self._cache.make("interpreters", self._container_key()) as folder:
                (folder / "identity").write_text(identity, "utf-8")

    def _container_key(self) -> str:
        return cache_key("interpreter", "container", self._target.name, dict(self._place))


class _OnHost:
    """This machine's Python."""

    def __init__(self, interpreter: Interpreter, environ: Mapping[str, str]) -> None:
        self._interpreter = interpreter
        self._environ = environ

    def compile(self, found: Sequence[Source], folder: Path) -> tuple[str, dict[str, Path]]:
        targets = {source.compiled: folder / f"{number}.pyc" for number, source in enumerate(found)}
        jobs = []
        for number, source in enumerate(found):
            file = source.member.source
            if isinstance(file, bytes):
                file = folder / f"{number}.py"
                file.write_bytes(content(source.member.source))
            jobs.append((str(file), source.name, str(targets[source.compiled])))
        job = folder / "job.json"
        job.write_text(json.dumps(jobs), "utf-8")
        argv = [str(self._interpreter.path), *_OPTIONS, str(_SCRIPT), str(job)]
        result = run(argv, environ=self._environ, cwd=folder)
        if result.exit_code:
            raise _failed(str(self._interpreter.path), last_lines([result.log]))
        return _identity(result.output), {path: file for path, file in targets.items() if file.is_file()}


class _AtWorkbench:
    """The runtime's Python in a container."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench

    def compile(self, found: Sequence[Source], folder: Path) -> tuple[str, dict[str, Path]]:
        bench = self._workbench
        there = bench.output / f"bytecode-{folder.name}"
        shutil.rmtree(there, ignore_errors=True)
        there.mkdir()
        shutil.copyfile(_SCRIPT, there / _SCRIPT.name)
        jobs = []
        for number, source in enumerate(found):
            (there / f"{number}.py").write_bytes(content(source.member.source))
            inside = bench.inside(there / str(number))
            jobs.append((f"{inside}.py", source.name, f"{inside}.pyc"))
        (there / "job.json").write_text(json.dumps(jobs), "utf-8")
        bench.push(there)
        argv = [bench.interpreter, *_OPTIONS, bench.inside(there / _SCRIPT.name), bench.inside(there / "job.json")]
        said = bench.run(argv, cwd=there, what="compiling bytecode")
        bench.pull(there)
        made = {source.compiled: there / f"{number}.pyc" for number, source in enumerate(found)}
        return _identity(said), {path: file for path, file in made.items() if file.is_file()}


def _split(kept: Path) -> tuple[bytes, bytes]:
    try:
        data = kept.read_bytes()
    except OSError:
        return b"", b""
    return data[:_DIGEST], data[_DIGEST:]


def _identity(said: str) -> str:
    document = json.loads(said.strip().rpartition("\n")[2])
    return Interpreter(path=Path(), version=document["version"], magic=document["magic"]).identity


def _failed(what: str, lines: str) -> InstallError:
    return InstallError(f"compiling bytecode failed with {what}:\n{lines}")
