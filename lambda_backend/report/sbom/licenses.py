"""What a distribution's metadata says of its licence, in SPDX's words where that is certain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement, LicenseExpression
from cyclonedx.spdx import fixup_id
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

if TYPE_CHECKING:
    from packaging.metadata import RawMetadata

__all__ = ["licenses"]

_DECLARED = LicenseAcknowledgement.DECLARED
_IN_BRACKETS = re.compile(r"\((?P<id>[^()]+)\)$")
# PEP 639, appendix "Mapping License Classifiers to SPDX Identifiers": those that mean one licence in one version, and
# do not end with its identifier in brackets.
_CERTAIN = {
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "European Union Public Licence 1.0 (EUPL 1.0)": "EUPL-1.0",
    "European Union Public Licence 1.1 (EUPL 1.1)": "EUPL-1.1",
    "European Union Public Licence 1.2 (EUPL 1.2)": "EUPL-1.2",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 1.0 (MPL)": "MPL-1.0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "PostgreSQL License": "PostgreSQL",
    "Universal Permissive License (UPL)": "UPL-1.0",
    "University of Illinois/NCSA Open Source License": "NCSA",
    "zlib/libpng License": "Zlib",
}
# Kinds of licences, and none.
_GROUPS = {"OSI Approved", "DFSG approved"}


def licenses(metadata: RawMetadata) -> list[DisjunctiveLicense | LicenseExpression]:
    """The licences of a distribution; empty where its metadata names none.

    The first of these that says something counts: ``License-Expression`` (PEP 639), a ``License`` that is one too, the
    classifiers, any other ``License`` of one line. Longer ones are licence texts.
    """
    field = metadata.get("license", "").strip()
    for text in (metadata.get("license_expression", ""), field):
        if found := _spdx(text):
            return [found]
    names = [
        classifier.split(" :: ")[-1]
        for classifier in metadata.get("classifiers", ())
        if classifier.startswith("License :: ")
    ]
    named = [_of_classifier(name) for name in dict.fromkeys(names) if name not in _GROUPS]
    if named or not field or "\n" in field:
        return [*named]
    return [DisjunctiveLicense(name=field, acknowledgement=_DECLARED)]


def _spdx(text: str) -> DisjunctiveLicense | LicenseExpression | None:
    """An SPDX identifier or expression; None for anything else."""
    # CycloneDX lists the identifiers that it takes as such; as an expression it takes every one.
    if identifier := fixup_id(text):
        return DisjunctiveLicense(id=identifier, acknowledgement=_DECLARED)
    try:
        return LicenseExpression(canonicalize_license_expression(text), acknowledgement=_DECLARED)
    except InvalidLicenseExpression:
        return None


def _of_classifier(name: str) -> DisjunctiveLicense:
    match = _IN_BRACKETS.search(name)
    identifier = _CERTAIN.get(name) or (fixup_id(match["id"]) if match else None)
    return DisjunctiveLicense(id=identifier, name=None if identifier else name, acknowledgement=_DECLARED)
