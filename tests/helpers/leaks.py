"""Looks for planted secrets in everything that a build leaves, shows or lets others see."""

from __future__ import annotations

import base64
import bz2
import contextlib
import gzip
import io
import json
import lzma
import secrets
import subprocess
import tarfile
import threading
import zipfile
import zlib
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from lambda_backend.engines.protocol import LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Watch", "engine_facts", "folder_leaks", "leaks", "planted", "remove_images"]

_DEPTH = 4
_PAUSE = 0.2


def planted(name: str) -> str:
    """A secret that is like no other text, with marks that URLs quote."""
    return f"{name}@{secrets.token_hex(8)}/{secrets.token_hex(4)}"


def forms(secret: str) -> set[bytes]:
    """How a secret may be written: plain, quoted, as JSON, and in base64 wherever in the encoded text it stands."""
    texts = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]}
    found = {text.encode() for text in texts}
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # Base64 makes four characters of three bytes: those at both ends depend on what stands beside it.
            encoded = encode(b"\0" * before + secret.encode())
            found.add(encoded[4 if before else 0 : -4])
    return found


def leaks(data: bytes, planted_secrets: Mapping[str, str], depth: int = _DEPTH) -> set[str]:
    """Names of the secrets that are in the bytes, or in what they hold compressed."""
    found = {name for name, secret in planted_secrets.items() if any(form in data for form in forms(secret))}
    if depth:
        for inner in _unpacked(data):
            found |= leaks(inner, planted_secrets, depth - 1)
    return found


def folder_leaks(folder: Path, planted_secrets: Mapping[str, str]) -> dict[str, set[str]]:
    """The same of every file below a folder, and of their names; by path, empty for none."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        data = path.read_bytes() if path.is_file() else b""
        if of_file := leaks(name.encode() + b"\n" + data, planted_secrets) | leaks(data, planted_secrets):
            found[name] = of_file
    return found


def _unpacked(data: bytes) -> Iterator[bytes]:
    if data[:2] == b"\x1f\x8b":
        yield from _attempt(lambda: gzip.decompress(data))
    elif data[:3] == b"BZh":
        yield from _attempt(lambda: bz2.decompress(data))
    elif data[:6] == b"\xfd7zXZ\0":
        yield from _attempt(lambda: lzma.decompress(data))
    if zipfile.is_zipfile(io.BytesIO(data)):
        with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                yield info.filename.encode() + info.comment + info.extra
                yield archive.read(info)
    elif data[257:262] == b"ustar":
        with contextlib.suppress(tarfile.TarError), tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                yield file.read() if file else b""


def _attempt(decompress: object) -> Iterator[bytes]:
    with contextlib.suppress(OSError, EOFError, zlib.error, lzma.LZMAError):
        yield decompress()  # type: ignore[operator]


def engine_facts(engine: str, *, images: bool = True) -> str:
    """What an engine tells anybody who asks of our containers and, with ``images``, of our images."""
    ours = f"label={LABEL}"
    if engine == "docker":
        return json.dumps(_of_docker(images=images))
    containers = _podman("ps", "--all", "--quiet", "--filter", ours).split()
    found = [_podman("container", "inspect", container) for container in containers]
    for image in set(_podman("images", "--quiet", "--filter", ours).split()) if images else ():
        found.append(_podman("image", "inspect", image))
        found.append(_podman("history", "--no-trunc", "--format", "json", image))
    return "\n".join(found)


def _of_docker(*, images: bool) -> list[object]:
    import docker

    found: list[object] = []
    with contextlib.closing(docker.APIClient(version="auto")) as api:
        for container in api.containers(all=True, filters={"label": LABEL}):
            with contextlib.suppress(docker.errors.NotFound):  # gone in between
                found.append(api.inspect_container(container["Id"]))
        for image in api.images(filters={"label": LABEL}) if images else ():
            with contextlib.suppress(docker.errors.NotFound):
                found += [api.inspect_image(image["Id"]), api.history(image["Id"])]
    return found


def remove_images(engine: str, label: str) -> None:
    """Remove the images with a label, ``name=value``."""
    if engine == "docker":
        import docker

        with contextlib.closing(docker.APIClient(version="auto")) as api:
            # Children first: an image that another one stands on stays.
            for image in sorted(api.images(filters={"label": label}), key=lambda image: -image["Created"]):
                with contextlib.suppress(docker.errors.APIError):
                    api.remove_image(image["Id"], force=True)
    else:
        for image in _podman("images", "--quiet", "--filter", f"label={label}").split():
            _podman("rmi", "--force", image)


def _podman(*arguments: str) -> str:
    return subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False).stdout


class Watch:
    """Looks, again and again while a build runs, at the process list and at the containers.

    Args:
        engine: whose containers; ``host`` has none.
    """

    def __init__(self, engine: str) -> None:
        self.processes: set[str] = set()
        """Command lines of all processes that ran."""
        self.containers: set[str] = set()
        """What the engine said of our containers."""
        self._engine = engine
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:  # noqa: PYI034 - Self is not in Python 3.10
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(_PAUSE):
            done = subprocess.run(["ps", "axww", "-o", "args="], capture_output=True, check=True)
            self.processes |= set(done.stdout.decode("utf-8", "replace").splitlines())
            if self._engine != "host":
                self.containers.add(engine_facts(self._engine, images=False))
