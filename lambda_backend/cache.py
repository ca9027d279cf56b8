"""Keeps what is dear to make, under the hash of what it was made from.

``<root>/v1/<kind>/<key[:2]>/<key>/`` holds an entry; ``tmp`` beside the kinds holds the ones in the making and
``locks`` the locks. An entry is a folder that appears whole or not at all, so readers need no lock.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_backend.errors import LambdaBackendError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Cache", "CacheError", "key"]

VARIABLE = "LAMBDA_BACKEND_CACHE_DIR"
_DAY = 24 * 60 * 60
_QUICK = 10 * 60
"""Seconds that work without a lock takes at most; there is room for a machine that sleeps or is very slow."""
_FULL_OR_READ_ONLY = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class CacheError(LambdaBackendError):
    """The cache folder cannot be used: not writable, or full."""


def key(*parts: object) -> str:
    """Hex SHA-256 over parts that JSON can hold; different parts never give the same text."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Cache:
    """A content-addressed store of folders, safe under concurrent builds.

    Every method raises CacheError when the cache cannot be written.

    Args:
        root: the cache's folder; made when something is put in.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._store = root / "v1"
        self._temporary = self._store / "tmp"
        self._locks = self._store / "locks"
        self._swept = False
        self._held: dict[Path, contextlib.ExitStack] = {}
        self._holding = threading.Lock()

    @classmethod
    def default(cls, environ: Mapping[str, str]) -> Cache:
        """The cache at ``LAMBDA_BACKEND_CACHE_DIR``, or else in the user's cache folder."""
        if folder := environ.get(VARIABLE):
            return cls(Path(os.path.abspath(Path(folder).expanduser())))  # noqa: PTH100 - resolve() follows links
        from platformdirs import user_cache_path

        return cls(user_cache_path("lambda-backend", appauthor=False))

    def entry(self, kind: str, key: str) -> Path:
        """Where an entry lies or would lie."""
        return self._store / kind / key[:2] / key

    def get(self, kind: str, key: str) -> Path | None:
        """The folder of an entry, or None; its time of modification becomes now, for pruning by age."""
        folder = self.entry(kind, key)
        # Not Path.is_dir(), which raises where the cache is closed to us.
        if not os.path.isdir(folder):  # noqa: PTH112
            return None
        # A cache that can only be read is of use too.
        with contextlib.suppress(OSError):
            os.utime(folder)
        return folder

    @contextlib.contextmanager
    def scratch(self, *, held: bool = True) -> Iterator[Path]:
        """An empty folder on the cache's file system, which is gone after the block.

        Args:
            held: locked from the start, so that others know at once when its build was killed. Else, and until
                ``hold``, it is for work of less than a second, to which the import of what locks would add a tenth;
                what a killed build leaves of that goes ten minutes later.
        """
        with self._errors():
            if not self._swept:
                self._swept = True
                self._sweep()
            folder = self._temporary / os.urandom(8).hex()
            try:
                with contextlib.ExitStack() as lock:
                    self._held[folder] = lock
                    # Locked before the folder is there: a folder with a free lock belongs to a build that was killed.
                    if held:
                        self.hold(folder)
                    folder.mkdir(parents=True)
                    yield folder
            finally:
                del self._held[folder]
                _remove(folder)
                self._lock_of_temporary(folder.name).unlink(missing_ok=True)

    def hold(self, folder: Path) -> None:
        """Lock a scratch folder until its end, unless it is locked; in any thread.

        Where what locks is not installed, all is in the cache, and nothing takes long.
        """
        lock = self._lock_of_temporary(folder.name)
        with self._holding, contextlib.suppress(MissingExtraError):
            if not lock.exists():
                self._held[folder].enter_context(self._lock(lock))

    @contextlib.contextmanager
    def make(self, kind: str, key: str, *, held: bool = True) -> Iterator[Path]:
        """A new folder to fill; at the end of the block it becomes the entry, on an exception it goes.

        An entry that another build made meanwhile stays, and ours goes.

        Args:
            kind: of entry.
            key: of its inputs.
            held: see ``scratch``.
        """
        with self.scratch(held=held) as folder, self._errors():
            yield folder
            self._place(folder, self.entry(kind, key))

    @contextlib.contextmanager
    def locked(self, kind: str, key: str) -> Iterator[Path | None]:
        """Give an entry when it is there; hold its lock when it has to be made.

        Two builds that miss the same entry thereby do the work once: the second one waits and finds it.
        """
        if (entry := self.get(kind, key)) is not None:
            yield entry
            return
        lock = contextlib.ExitStack()
        with self._errors():
            lock.enter_context(self._lock(self._locks / kind / f"{key}.lock"))
        with lock:
            yield self.get(kind, key)

    def discard(self, kind: str, key: str) -> None:
        """Remove an entry, such as a damaged one; none is fine too."""
        with self._errors():
            self._discard(self.entry(kind, key))

    def size(self) -> tuple[int, int]:
        """Entries, and the bytes of all files in them."""
        entries = total = 0
        for folder in self._entries():
            entries += 1
            for parent, _, names in os.walk(folder):
                for name in names:
                    with contextlib.suppress(FileNotFoundError):
                        total += Path(parent, name).lstat().st_size
        return entries, total

    def clean(self) -> None:
        """Remove every entry, and what killed builds left behind."""
        with self._errors():
            for folder in list(self._entries()):
                self._discard(folder)
            self._sweep()

    def _entries(self) -> Iterator[Path]:
        for kind in sorted(self._store.glob("*")):
            if kind not in {self._temporary, self._locks}:
                yield from sorted(kind.glob("*/*"))

    def _place(self, folder: Path, entry: Path) -> None:
        entry.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.rename(entry)
        except OSError:
            if not entry.is_dir():
                raise

    def _discard(self, entry: Path) -> None:
        self._temporary.mkdir(parents=True, exist_ok=True)
        aside = self._temporary / os.urandom(8).hex()
        # Moved away first: nobody finds half an entry.
        with contextlib.suppress(FileNotFoundError):
            # A folder moves to another one only when it can itself be written.
            entry.chmod(0o700)
            entry.rename(aside)
        _remove(aside)

    def _sweep(self) -> None:
        """Remove temporary folders whose build is gone, and locks of such that never came to be."""
        for folder in self._temporary.glob("*"):
            if folder.suffix == ".lock":
                self._sweep_lock(folder)
            elif self._is_abandoned(folder):
                _remove(folder)

    def _is_abandoned(self, folder: Path) -> bool:
        lock = self._lock_of_temporary(folder.name)
        if not lock.exists():
            return _age(folder) > _QUICK
        try:
            with self._lock(lock, timeout=0):
                return True
        except (TimeoutError, MissingExtraError):  # filelock's Timeout is one
            return False

    def _sweep_lock(self, lock: Path) -> None:
        # Its folder may be about to be made, so a young one stays.
        if not lock.with_suffix("").exists() and _age(lock) > _DAY:
            lock.unlink(missing_ok=True)

    def _lock_of_temporary(self, name: str) -> Path:
        return self._temporary / f"{name}.lock"

    @contextlib.contextmanager
    def _lock(self, path: Path, *, timeout: float = -1) -> Iterator[None]:
        try:
            from filelock import FileLock
        except ImportError:
            raise MissingExtraError(
                "the filelock package is not installed, which a build needs that does not find everything in its cache",
                hint="pip install 'lambda-backend[install]'",
            ) from None

        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path, timeout=timeout, thread_local=False):
            yield

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in _FULL_OR_READ_ONLY and not self._is_ours(error):
                raise
            raise CacheError(
                f"The cache folder {self.root} cannot be written: {error.strerror or error}",
                hint=f"free space or change its permissions, or set {VARIABLE} to another folder",
            ) from error

    def _is_ours(self, error: OSError) -> bool:
        names = (error.filename, error.filename2)
        return any(isinstance(name, (str, os.PathLike)) and Path(name).is_relative_to(self.root) for name in names)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _remove(folder: Path) -> None:
    """Remove a folder with whatever modes its contents have; none is fine too."""
    if not folder.is_dir():
        return
    _open_up(folder)
    for parent, folders, names in os.walk(folder):
        # On Windows a file's own mode keeps it from being removed.
        for name in folders if os.name == "posix" else [*folders, *names]:
            _open_up(Path(parent, name))
    shutil.rmtree(folder, ignore_errors=True)


def _open_up(path: Path) -> None:
    # What a container made as another user cannot be changed; what can be removed is.
    with contextlib.suppress(OSError):
        if not path.is_symlink():
            path.chmod(0o700)
