"""The last steps over an artefact's files, each with its RECORD files made true again."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lambda_backend.bundle.bytecode import compiled_by_source, with_compiled
from lambda_backend.bundle.record import with_true_records
from lambda_backend.bundle.sources import NO_CODE, content, start
from lambda_backend.bundle.strip import is_elf, stripped
from lambda_backend.install.bytecode import Compilers, sources
from lambda_backend.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.bundle.excludes import Excludes
    from lambda_backend.bundle.finish import Finish
    from lambda_backend.bundle.model import Bundle, Member
    from lambda_backend.cache import Cache
    from lambda_backend.install.workbench import Workbench
    from lambda_backend.report.words import Words
    from lambda_backend.targets import Target

__all__ = ["Finisher"]


class Finisher:
    """Does what a ``Finish`` asks for. What it makes lies in a folder that is gone when it is closed.

    Args:
        target: what the artefacts are for.
        cache: where compiled code is kept.
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
        self._compilers = Compilers(target, cache=cache, place=place, environ=environ, bench=bench, words=words)
        self._stack = contextlib.ExitStack()
        self._scratch: Path | None = None
        self._folders = 0

    def close(self) -> None:
        """Remove what was made."""
        self._stack.close()

    def key(self, finish: Finish) -> list[object]:
        """What decides the bytes that come out, for a cache key."""
        return [*finish.key, self._compilers.identity if finish.bytecode else None]

    def bundle(self, bundle: Bundle, finish: Finish, excludes: Excludes) -> Bundle:
        """What was installed at the workbench, whose RECORDs are yet to be made.

        Args:
            bundle: the files.
            finish: what is asked for.
            excludes: the artefact's.

        Raises:
            InstallError: there is no interpreter that compiles them.
        """
        members = _merged(bundle.members, self._of_installed(bundle.members, finish, excludes))
        compiled = compiled_by_source(member.path for member in members)
        records = (
            replace(record, listed=tuple(sorted(with_compiled(record.listed, compiled)))) for record in bundle.records
        )
        return replace(bundle, members=members, records=tuple(records))

    def installed(
        self, members: Sequence[Member], finish: Finish, prefix: str, excludes: Excludes
    ) -> tuple[Member, ...]:
        """The same of files that have RECORDs among them.

        Args:
            members: sorted by path.
            finish: what is asked for.
            prefix: the folder in the artefact that distributions are installed to.
            excludes: the artefact's.

        Raises:
            InstallError: there is no interpreter that compiles them.
        """
        return _with(self._of_installed(members, finish, excludes), members, prefix)

    def _of_installed(self, members: Sequence[Member], finish: Finish, excludes: Excludes) -> list[Member]:
        found = sources(members, finish, self._target, excludes)
        made = self._compilers.installed(found, self._folder()) if found else []
        return [*(self._stripped(members) if finish.strip else ()), *made]

    def code(
        self, members: Sequence[Member], finish: Finish, prefix: str, excludes: Excludes, taken: Collection[str]
    ) -> tuple[Member, ...]:
        """A part of an artefact's code, of which only what changed is worked on.

        Args:
            members: sorted by path.
            finish: what is asked for.
            prefix: the folder in the artefact that distributions are installed to.
            excludes: the artefact's.
            taken: paths that the artefact has already.

        Raises:
            InstallError: there is no interpreter that compiles them.
        """
        found = sources(members, finish, self._target, excludes, taken)
        made = self._compilers.code(found, self._folder()) if found else []
        return _with([*(self._stripped(members) if finish.strip else ()), *made], members, prefix)

    def _stripped(self, members: Sequence[Member]) -> Iterator[Member]:
        """Those that have become smaller."""
        folder: Path | None = None
        for number, member in enumerate(members):
            if member.path.endswith(NO_CODE) or not is_elf(start(member.source)):
                continue
            data = content(member.source)
            made = stripped(data)
            if made is not None:
                # A library may be large, and there may be many.
                folder = folder or self._folder()
                file = folder / str(number)
                file.write_bytes(made)
                yield replace(member, source=file, stripped=len(data) - len(made))

    def _folder(self) -> Path:
        """An empty one."""
        if self._scratch is None:
            self._scratch = self._stack.enter_context(self._cache.scratch())
        self._folders += 1
        folder = self._scratch / str(self._folders)
        folder.mkdir()
        return folder


def _with(made: Sequence[Member], members: Sequence[Member], prefix: str) -> tuple[Member, ...]:
    if not made:
        return tuple(members)
    return with_true_records(_merged(members, made), prefix)


def _merged(members: Sequence[Member], made: Sequence[Member]) -> tuple[Member, ...]:
    # A wheel's own bytecode, which a pattern took back in, is of whatever Python its author had.
    merged = {member.path: member for member in (*members, *made)}
    return tuple(sorted(merged.values(), key=lambda member: member.path))
