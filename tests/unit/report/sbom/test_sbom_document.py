from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from lambda_backend import __version__
from lambda_backend.report.sbom.distributions import distributions
from lambda_backend.report.sbom.document import document
from tests.unit.report.sbom.conftest import PROJECT, pin

if TYPE_CHECKING:
    from lambda_backend.report.model import Artifact
    from tests.unit.report.sbom.conftest import Ship

VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)
HASH = "a1" * 32


def text_of(artifact: Artifact) -> str:
    text = document(artifact, PROJECT, distributions(artifact))
    assert VALIDATOR.validate_str(text) is None
    return text


def bill(artifact: Artifact) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text_of(artifact))
    return found


def needs(artifact: Artifact) -> dict[str, list[str]]:
    return {one["ref"]: one.get("dependsOn", []) for one in bill(artifact)["dependencies"]}


def test_it_says_what_the_artefact_is(ship: Ship) -> None:
    artifact = ship({"Shop-1.0.0": ""})
    found = bill(artifact)
    assert found["metadata"] == {
        "component": {
            "type": "application",
            "bom-ref": "shop-1.0.0-api-python3.13-arm64.zip",
            "group": "Shop",
            "name": "api",
            "version": "1.0.0",
            "hashes": [{"alg": "SHA-256", "content": artifact.archive.sha256}],
            "properties": [
                {"name": "lambda-backend:architecture", "value": "arm64"},
                {"name": "lambda-backend:content-digest", "value": artifact.archive.content_digest},
                {"name": "lambda-backend:handler", "value": "shop.api.handler"},
                {"name": "lambda-backend:layer", "value": "deps"},
                {"name": "lambda-backend:layer", "value": "more"},
                {"name": "lambda-backend:runtime", "value": "python3.13"},
            ],
        },
        "tools": {"components": [{"type": "application", "name": "lambda-backend", "version": __version__}]},
    }
    assert (found["bomFormat"], found["specVersion"], found["version"]) == ("CycloneDX", "1.6", 1)


def test_a_layer_is_a_library(ship: Ship) -> None:
    component = bill(ship({}, name="deps"))["metadata"]["component"]
    assert (component["type"], component["name"]) == ("library", "deps")
    assert {one["name"].partition(":")[2] for one in component["properties"]} == {
        "architecture",
        "content-digest",
        "runtime",
    }


def test_a_distribution_is_what_its_metadata_and_its_pin_say(ship: Ship) -> None:
    lines = "License-Expression: MIT\nAuthor-email: Ann Ö <ann@example.com>, bob@example.com\n"
    (found,) = bill(ship({"My.Parcel-2.0": lines}, [pin("my-parcel", "2.0", sha256=HASH)]))["components"]
    assert found == {
        "type": "library",
        "bom-ref": "my-parcel==2.0",
        "name": "My.Parcel",
        "version": "2.0",
        "purl": f"pkg:pypi/my-parcel@2.0?checksum=sha256:{HASH}",
        "hashes": [{"alg": "SHA-256", "content": HASH}],
        "licenses": [{"license": {"id": "MIT", "acknowledgement": "declared"}}],
        "authors": [{"name": "Ann Ö", "email": "ann@example.com"}, {"email": "bob@example.com"}],
    }


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("Author: Ann\nAuthor-email: ann@example.com\n", [{"name": "Ann", "email": "ann@example.com"}]),
        ("Author: Ann\n", [{"name": "Ann"}]),
        (
            "Author: Ann and Bob\nAuthor-email: a@example.com, b@example.com\n",
            [{"name": "Ann and Bob"}, {"email": "a@example.com"}, {"email": "b@example.com"}],
        ),
        ("Author: Somebody\nAuthor-email: Ann <a@example.com>\n", [{"name": "Ann", "email": "a@example.com"}]),
        (
            'Author-email: "Doe, Jane" <j@example.com>,Bob<b@example.com>\n',
            [{"name": "Bob", "email": "b@example.com"}, {"name": "Doe, Jane", "email": "j@example.com"}],
        ),
        ("Author: \nAuthor-email: no address\n", None),
        ("", None),
    ],
)
def test_authors(lines: str, expected: object, ship: Ship) -> None:
    (found,) = bill(ship({"one-1.0": lines}))["components"]
    authors = found.get("authors")
    assert (authors and sorted(authors, key=json.dumps)) == (expected and sorted(expected, key=json.dumps))  # type: ignore[call-overload]


def test_vendored_inside_another_is_none_of_its_own(ship: Ship) -> None:
    more = {
        "one/_vendor/three-3.0.dist-info/METADATA": b"Name: three\nVersion: 3.0\n",
        "elsewhere/four-4.0.dist-info/METADATA": b"Name: four\nVersion: 4.0\n",
    }
    found = bill(ship({"one-1.0": ""}, more=more, name="deps"))["components"]
    assert [one["name"] for one in found] == ["one"]


def test_a_pin_whose_metadata_was_left_out(ship: Ship) -> None:
    pins = [pin("gone", "2.0"), pin("local", None, kind="directory", path="local"), pin("one")]
    found = bill(ship({"one-1.0": ""}, pins))["components"]
    assert [(one["bom-ref"], one.get("purl")) for one in found] == [
        ("gone==2.0", "pkg:pypi/gone@2.0"),
        ("local", None),
        ("one==1.0", "pkg:pypi/one@1.0"),
    ]


def test_one_name_in_two_versions(ship: Ship) -> None:
    artifact = ship({"one-1.0": "Requires-Dist: two\n", "One-2.0": "", "two-1.0": ""})
    assert [(one["name"], one["version"]) for one in bill(artifact)["components"]] == [
        ("One", "2.0"),
        ("one", "1.0"),
        ("two", "1.0"),
    ]
    assert needs(artifact)["shop-1.0.0-api-python3.13-arm64.zip"] == ["one==1.0", "one==2.0", "two==1.0"]


def test_the_project_needs_what_it_requires_and_the_artefact_the_project(ship: Ship) -> None:
    artifact = ship(
        {
            "Shop-1.0.0": 'Provides-Extra: pdf\nRequires-Dist: one\nRequires-Dist: two ; extra == "pdf"\n'
            'Requires-Dist: three ; extra == "other"\nRequires-Dist: four ; python_version < "3.13"\n',
            "one-1.0": "Requires-Dist: two[fast]\nRequires-Dist: absent\nRequires-Dist: ???\n",
            "two-1.0": 'Requires-Dist: five; extra == "fast" and platform_machine == "aarch64"\n'
            "Requires-Dist: two[x]\n",
            "three-1.0": "",
            "four-1.0": "",
            "five-1.0": "",
        }
    )
    assert needs(artifact) == {
        "shop-1.0.0-api-python3.13-arm64.zip": ["four==1.0", "shop==1.0.0", "three==1.0"],
        "shop==1.0.0": ["one==1.0", "two==1.0"],
        "one==1.0": ["two==1.0"],
        "two==1.0": ["five==1.0"],
        "three==1.0": [],
        "four==1.0": [],
        "five==1.0": [],
    }


def test_without_the_project_its_requirements_are_the_artefacts(ship: Ship) -> None:
    artifact = ship({"one-1.0": "Requires-Dist: two\n", "two-1.0": "", "three-1.0": "Requires-Dist: two"}, name="deps")
    expected = ["one==1.0", "three==1.0", "two==1.0"]
    assert needs(artifact)["shop-1.0.0-deps-python3.13-arm64.zip"] == expected
    artifact = ship({"one-1.0": "Requires-Dist: two\n", "two-1.0": ""}, name="more")
    assert needs(artifact)["shop-1.0.0-more-python3.13-arm64.zip"] == ["one==1.0"]


def test_the_requirements_of_an_entry_are_not_the_projects(ship: Ship) -> None:
    artifact = ship({"three-1.0": "Requires-Dist: one\n", "one-1.0": ""}, name="worker")
    assert needs(artifact)["shop-1.0.0-worker-python3.13-arm64.zip"] == ["three==1.0"]


def test_of_a_ring_one_is_needed(ship: Ship) -> None:
    artifact = ship({"b-1.0": "Requires-Dist: c\n", "c-1.0": "Requires-Dist: b\n"}, name="worker")
    assert needs(artifact) == {
        "shop-1.0.0-worker-python3.13-arm64.zip": ["b==1.0"],
        "b==1.0": ["c==1.0"],
        "c==1.0": ["b==1.0"],
    }


def test_the_same_artefact_gives_the_same_text(ship: Ship) -> None:
    names = [f"p{index}" for index in range(30)]
    lines = "".join(f"Requires-Dist: {name}\n" for name in names)
    pins = [pin(name) for name in names]
    texts = set()
    for seed in range(3):
        shuffled = random.Random(seed).sample(names, len(names))  # noqa: S311 - no secret
        artifact = ship({f"{name}-1.0": lines for name in shuffled}, random.Random(seed).sample(pins, len(pins)))  # noqa: S311
        texts.add(text_of(artifact))
    assert len(texts) == 1
    (text,) = texts
    assert "timestamp" not in text
    assert text.endswith("}\n")


def test_every_text_has_a_number_of_its_own(ship: Ship) -> None:
    wanted = (("one-1.0", "api"), ("one-1.0", "worker"), ("one-2.0", "api"))
    numbers = [bill(ship({title: ""}, name=name))["serialNumber"] for title, name in wanted]
    assert len(set(numbers)) == 3
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f-]{21}", number) for number in numbers)


def test_the_time_is_that_of_the_zip(ship: Ship) -> None:
    assert bill(ship({}, epoch=1_700_000_001))["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    assert "timestamp" not in bill(ship({}, epoch=0))["metadata"]
