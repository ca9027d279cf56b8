"""Files on their way into and out of a container, as the tars that all engines take and give."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from lambda_backend.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["pack", "pack_context", "unpack"]

_SPOOLED = 16 * 1024 * 1024


def pack(source: Path, target: PurePosixPath, owner: tuple[int, int]) -> IO[bytes]:
    """A file, or a folder with its contents, as a tar to be unpacked at ``/``.

    Args:
        source: the file or folder; symlinks in the folder stay symlinks.
        target: its absolute path in the container. The engine makes the parents, which the tar leaves out, because
            an entry for a folder that exists would change that folder.
        owner: uid and gid.

    Raises:
        EngineError: there is no such file or folder.
    """
    if not source.exists():
        raise EngineError(f"cannot copy {source} into the container: there is no such file or folder")

    def owned(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid, member.gid = owner
        member.uname = member.gname = ""
        return member

    return _tar([(source.resolve(), str(target.relative_to("/")))], owned)


def pack_context(folder: Path) -> IO[bytes]:
    """A build context, the same for the same files: an engine's layer cache goes by it."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = member.mtime = 0
        member.uname = member.gname = ""
        return member

    return _tar([(path, path.name) for path in sorted(folder.iterdir())], plain)


def _tar(members: list[tuple[Path, str]], change: Callable[[tarfile.TarInfo], tarfile.TarInfo]) -> IO[bytes]:
    file = tempfile.SpooledTemporaryFile(max_size=_SPOOLED)  # noqa: SIM115 - the caller closes it
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, name in members:
            tar.add(path, name, filter=change)
        end = tar.offset + 2 * tarfile.BLOCKSIZE
    # POSIX: two blocks of zeros end it. Python adds more; Podman closes the pipe after two, and fails when more of the
    # file comes then ("read/write on closed pipe").
    file.truncate(end)
    file.seek(0)
    return file


def unpack(stream: IO[bytes], target: Path) -> None:
    """Write what came out of a container: a file becomes ``target``, a folder's contents are laid into it.

    Only files, folders and links are written, none outside ``target``: symlinks come last, so that nothing is written
    through one of them. Owners and times are dropped, modes stay.

    Raises:
        EngineError: a path leads outside.
    """
    links = []
    with tarfile.open(fileobj=stream, mode="r:") as tar:
        for member, inner in _inner(tar):
            path = target.joinpath(*inner.parts)
            if member.issym():
                links.append((member.linkname, path))
            elif member.isdir():
                path.mkdir(parents=True, exist_ok=True)
                path.chmod(member.mode & 0o777 | 0o700)
            elif member.islnk():
                shutil.copy2(target.joinpath(*_below_top(member.linkname).parts), _ready(path))
            elif member.isfile():
                content = tar.extractfile(member)
                assert content is not None  # noqa: S101 - it is a file
                with content, _ready(path).open("wb") as file:
                    shutil.copyfileobj(content, file)
                path.chmod(member.mode & 0o777)
    for link, path in links:
        _ready(path).symlink_to(link)


def _ready(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.is_file():
        path.unlink()
    return path


def _inner(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, PurePosixPath]]:
    for member in tar:
        yield member, _below_top(member.name)


def _below_top(name: str) -> PurePosixPath:
    # Every name starts with that of the copied file or folder, as Docker's API has it.
    parts = PurePosixPath(os.path.normpath(name.lstrip("/"))).parts
    if ".." in parts:
        raise EngineError(f"the container gave a path that leads outside: {name}")
    return PurePosixPath(*parts[1:])
