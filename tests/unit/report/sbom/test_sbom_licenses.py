from __future__ import annotations

import pytest
from packaging.metadata import parse_email
from trove_classifiers import classifiers

from lambda_backend.report.sbom.licenses import licenses

OSI = "Classifier: License :: OSI Approved :: "
# PEP 639, appendix "Mapping License Classifiers to SPDX Identifiers": "Tools MUST NOT attempt to automatically infer".
AMBIGUOUS = {
    "Academic Free License (AFL)",
    "Apache Software License",
    "Apple Public Source License",
    "Artistic License",
    "BSD License",
    "GNU Affero General Public License v3",
    "GNU Free Documentation License (FDL)",
    "GNU General Public License (GPL)",
    "GNU General Public License v2 (GPLv2)",
    "GNU General Public License v3 (GPLv3)",
    "GNU Lesser General Public License v2 (LGPLv2)",
    "GNU Lesser General Public License v2 or later (LGPLv2+)",
    "GNU Lesser General Public License v3 (LGPLv3)",
    "GNU Library or Lesser General Public License (LGPL)",
}


def said(lines: str) -> list[str]:
    metadata, _ = parse_email(f"Metadata-Version: 2.4\nName: x\nVersion: 1\n{lines}\n")
    found = []
    for one in licenses(metadata):
        assert one.acknowledgement == "declared"
        found += [f"{kind} {text}" for kind in ("id", "name", "value") if (text := getattr(one, kind, None))]
    return found


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("License-Expression: MIT", ["id MIT"]),
        ("License-Expression: mit", ["id MIT"]),
        ("License-Expression: MIT OR apache-2.0", ["value MIT OR Apache-2.0"]),
        ("License-Expression: LicenseRef-House", ["value LicenseRef-House"]),
        ("License-Expression: MIT\nLicense: BSD\n" + OSI + "ISC License (ISCL)", ["id MIT"]),
        ("License: BSD-3-Clause\n" + OSI + "BSD License", ["id BSD-3-Clause"]),
        ("License: MIT AND ISC", ["value MIT AND ISC"]),
        ("License: Apache 2.0\n" + OSI + "Apache Software License", ["name Apache Software License"]),
        ("License: Apache 2.0", ["name Apache 2.0"]),
        (OSI + "MIT License\n" + OSI + "Boost Software License 1.0 (BSL-1.0)", ["id MIT", "id BSL-1.0"]),
        (OSI + "MIT License\nClassifier: License :: OSI Approved", ["id MIT"]),
        ("Classifier: License :: Other/Proprietary License", ["name Other/Proprietary License"]),
        ("Classifier: License :: OSI Approved\nLicense: House rules", ["name House rules"]),
        ("License: Copyright (c) Ann\n        \n        All rights reserved", []),
        ("License: Copyright (c) Ann\n        All rights reserved\n" + OSI + "BSD License", ["name BSD License"]),
        ("License: ", []),
        ("Classifier: Topic :: Software Development", []),
        ("", []),
    ],
)
def test_what_is_said(lines: str, expected: list[str]) -> None:
    assert said(lines) == expected


def test_what_a_classifier_leaves_open_stays_a_name() -> None:
    known = {classifier for classifier in classifiers if classifier.startswith("License :: ")}
    found = {classifier: said(f"Classifier: {classifier}") for classifier in sorted(known)}
    certain = {classifier.split(" :: ")[-1] for classifier, one in found.items() if one and one[0].startswith("id ")}
    assert len(certain) > 30
    assert not certain & AMBIGUOUS
    for name in AMBIGUOUS:
        assert said(OSI + name) == [f"name {name}"]
