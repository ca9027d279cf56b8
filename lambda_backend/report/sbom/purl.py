"""A distribution's package URL (purl-spec, type ``pypi``)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from packageurl import PackageURL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambda_backend.report.sbom.distributions import Distribution

__all__ = ["purl"]

# PyPI and its mirrors keep a file below its BLAKE2b-256 digest, wherever they are.
_ON_PYPI = re.compile(r"/packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/[^/]+$")


def purl(found: Distribution) -> PackageURL | None:
    """The package URL of a distribution; None for the project itself and what came from a local folder or repository.

    No address in it says more than the artefact itself does: the full one is that of PEP 610's note, of others only
    the server is named, since paths of private indexes may hold tokens.
    """
    if found.pin is None or found.pin.kind == "directory":
        return None
    qualifiers, subpath = _direct(found.direct_url)
    if found.pin.kind == "vcs" and not qualifiers:
        return None
    return PackageURL(
        type="pypi",
        name=found.name,
        version=found.version,
        qualifiers=qualifiers or _of_archive(found.pin.url, found.pin.sha256),
        subpath=subpath,
    )


def _direct(note: Mapping[str, object]) -> tuple[dict[str, str], str | None]:
    """Qualifiers and subpath for what was installed from an address and not from an index."""
    url, vcs, subpath = note.get("url"), note.get("vcs_info"), note.get("subdirectory")
    if not isinstance(url, str):
        return {}, None
    address = _bare(url)
    if isinstance(vcs, dict):
        return {"vcs_url": f"{vcs.get('vcs')}+{address}@{vcs.get('commit_id')}"}, str(subpath) if subpath else None
    return {"download_url": address}, str(subpath) if subpath else None


def _of_archive(url: str | None, sha256: str | None) -> dict[str, str]:
    """Qualifiers for an archive of an index, a folder of archives, or an unknown place."""
    parts = urlsplit(url or "")
    if parts.scheme in {"http", "https"}:
        server = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
        return {} if _ON_PYPI.search(parts.path) else {"repository_url": server}
    # Nobody says whether it is the one of PyPI: the digest does.
    return {"checksum": f"sha256:{sha256}"} if sha256 else {}


def _bare(url: str) -> str:
    """An address without user part, query (which may be a signature) and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
