"""A package index on this machine: PEP 503 pages over a folder of archives, with a password or without."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["PackageIndex", "serving"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageIndex:
    """An index that is being served."""

    port: int
    user: str | None
    password: str | None
    asked: list[str] = field(default_factory=list)
    """Paths of all requests that were answered with content."""

    @property
    def url(self) -> str:
        """Of the simple API, without user part."""
        return f"http://127.0.0.1:{self.port}/simple/"

    @property
    def url_with_user(self) -> str:
        """The same with user and password, quoted as a URL has them."""
        return self.url_of(quote(self.user or "", safe=""), quote(self.password or "", safe=""))

    def url_of(self, user: str, password: str) -> str:
        """The same with any user part."""
        return self.url.replace("://", f"://{user}:{password}@")


@contextlib.contextmanager
def serving(folder: Path, *, user: str | None = None, password: str | None = None) -> Iterator[PackageIndex]:
    """Serve the archives that the folder has at each request."""
    asked: list[str] = []
    expected = None if user is None else base64.b64encode(f"{user}:{password}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if expected is not None and self.headers.get("Authorization") != f"Basic {expected}":
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="index"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            parts = [unquote(part) for part in self.path.partition("?")[0].split("/") if part]
            content = _content(folder, parts)
            if content is None:
                self.send_error(404)
                return
            asked.append(self.path)
            self.send_response(200)
            is_page = len(parts) < 3
            self.send_header("Content-Type", "text/html" if is_page else "application/octet-stream")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - http.server's name

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield PackageIndex(port=server.server_address[1], user=user, password=password, asked=asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _content(folder: Path, parts: list[str]) -> bytes | None:
    """A file, or the page of a name; None for neither."""
    if not parts or parts[0] != "simple":
        return None
    if len(parts) == 3:
        return (folder / parts[2]).read_bytes() if (folder / parts[2]).is_file() else None
    found = sorted(path for path in folder.iterdir() if path.is_file())
    if len(parts) == 1:
        names = sorted({_name(path) for path in found})
        return _page(f'<a href="{name}/">{name}</a>' for name in names)
    archives = [path for path in found if _name(path) == parts[1]]
    return _page(map(_link, archives)) if archives else None


def _page(links: Iterable[str]) -> bytes:
    return f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()


def _link(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f'<a href="{quote(path.name)}#sha256={digest}">{html.escape(path.name)}</a>'


def _name(path: Path) -> str:
    stem = path.name.partition("-")[0] if path.suffix == ".whl" else path.name.rpartition("-")[0]
    return canonicalize_name(stem)
