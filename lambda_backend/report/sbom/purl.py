"""A distribution's package URL (purl-spec, type ``pypi``)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from packageurl import PackageURL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambda_backend.report.sbom.distributions import Distribution
    from lambda_backend.requirements.model import Pin

__all__ = ["purl"]

# PyPI and its mirrors keep a file below its BLAKE2b-256 digest, wherever they are.
_ON_PYPI = re.compile(r"/packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/[^/]+$")


def purl(found: Distribution) -> PackageURL | None:
    """The package URL of a distribution; None for the project itself and what came from a local folder or repository.

    No address in it says more than the artefact itself does: the full one is that of PEP 610's note, of others only
    the server is named, since paths of private indexes may hold tokens.
    """
    if found.pin is None or _is_local(found.pin, found.direct_url):
        return None
    qualifiers, subpath = _direct(found.direct_url)
    return PackageURL(
        type="pypi",
        name=found.name,
        version=found.version,
        qualifiers=qualifiers or _of_archive(found.pin.url, found.pin.sha256),
        subpath=subpath,
    )


def _is_local(pin: Pin, note: Mapping[str, object]) -> bool:
    # Our own installation drops notes of local places; a user's command may leave them.
    noted = str(note.get("url", "")).startswith("file:")
    return noted or pin.kind == "directory" or (pin.kind == "vcs" and not note)


def _direct(note: Mapping[str, object]) -> tuple[dict[str, str], str | None]:
    """Qualifiers and subpath for what was installed from an address and not from an index."""
    url, vcs, subpath = note.get("url"), note.get("vcs_info"), note.get("subdirectory")
    if not isinstance(url, str):
        return {}, None
    parts = urlsplit(url)
    # A query may be a signature.
    address = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    found = {"download_url": address}
    if isinstance(vcs, dict):
        found = {"vcs_url": f"{vcs.get('vcs')}+{address}@{vcs.get('commit_id')}"}
    return found, str(subpath) if subpath else None


def _of_archive(url: str | None, sha256: str | None) -> dict[str, str]:
    """Qualifiers for an archive of an index, a folder of archives, or an unknown place."""
    parts = urlsplit(url or "")
    if parts.scheme in {"http", "https"}:
        server = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
        return {} if _ON_PYPI.search(parts.path) else {"repository_url": server}
    # Nobody says whether it is the one of PyPI: the digest does.
    return {"checksum": f"sha256:{sha256}"} if sha256 else {}
