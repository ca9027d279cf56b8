"""A zip as one HTML page that asks nobody for anything: styles, scripts and figures are in it."""

from __future__ import annotations

import base64
import hashlib
import json
import string
from importlib import resources
from typing import TYPE_CHECKING, Any

from lambda_backend import __version__
from lambda_backend.report.page.kinds import KINDS
from lambda_backend.report.page.tiles import tiles
from lambda_backend.targets import limits
from lambda_backend.values import Value, as_dict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lambda_backend.findings import Finding
    from lambda_backend.report.packages import Package

__all__ = ["Inside", "page"]

_SCRIPTS = ("model.js", "squarify.js", "treemap.js", "pointing.js", "table.js", "facts.js", "page.js")
"""In the order in which they need each other."""
# No character of a name in a zip can end the element that the figures are in.
_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


class Inside(Value):
    """What the page tells of a zip."""

    file: str
    """Its name."""
    size: int
    """Bytes of the zip."""
    sha256: str
    code_sha256: str
    """As Lambda reports it."""
    kind: str
    """``function`` or ``layer``."""
    runtime: str | None
    architecture: str | None
    handler: str | None
    layers_size: int | None
    """Bytes unzipped of its layers; None where they are not known."""
    packages: Sequence[Package]
    findings: Sequence[Finding] | None
    """None where it was not checked."""
    unchecked: str | None
    """Why it was not checked."""
    manifest: Mapping[str, Any] | None
    """``file``, ``project``, ``version`` and ``artifact``: its entry there."""


def page(inside: Inside) -> str:
    """The page's text; the same for the same zip, manifest and findings."""
    style, script = _part("page.css"), "".join(map(_part, _SCRIPTS))
    # No address is allowed, and no style or script but these.
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    figures = json.dumps(_figures(inside), separators=(",", ":")).translate(_ESCAPES)
    return string.Template(_part("page.html")).substitute(policy=policy, style=style, script=script, figures=figures)


def _part(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    """As CSP names an element by its text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _figures(inside: Inside) -> dict[str, Any]:
    fixed = limits()
    plain = ("file", "size", "sha256", "code_sha256", "kind", "runtime", "architecture", "handler", "layers_size")
    return {
        **{name: getattr(inside, name) for name in plain},
        "limits": {"unzipped": fixed.unzipped_bytes, "upload": fixed.direct_upload_bytes},
        "kinds": KINDS,
        "packages": [
            {"name": package.title, "version": package.version, "folder": package.folder, "tiles": below}
            for package, below in zip(inside.packages, tiles(inside.packages), strict=True)
        ],
        "findings": None if inside.findings is None else [as_dict(finding) for finding in inside.findings],
        "unchecked": inside.unchecked,
        "manifest": inside.manifest,
        "created_with": f"lambda-backend {__version__}",
    }
