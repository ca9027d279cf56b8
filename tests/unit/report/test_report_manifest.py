from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

from lambda_backend import __version__
from lambda_backend.install.builder import Builder
from lambda_backend.report.manifest import manifest

if TYPE_CHECKING:
    from tests.unit.report.conftest import MakeArtifact


def test_it_says_everything_about_an_artefact(make_artifact: MakeArtifact) -> None:
    artifact = make_artifact()
    content = artifact.archive.path.read_bytes()
    document = json.loads(manifest("Shop", "1.0.0", [artifact], {artifact.file_name: "lambda/api.zip"}))
    assert document == {
        "schema": 1,
        "project": "Shop",
        "version": "1.0.0",
        "created_with": f"lambda-backend {__version__}",
        "artifacts": [
            {
                "name": "api",
                "kind": "function",
                "file": "lambda/api.zip",
                "runtimes": ["python3.13"],
                "architecture": "arm64",
                "handler": "shop.api.handler",
                "sha256": hashlib.sha256(content).hexdigest(),
                "code_sha256": base64.b64encode(hashlib.sha256(content).digest()).decode(),
                "size": len(content),
                "unzipped_size": 2148,
                "bytecode_size": 0,
                "stripped_size": 0,
                "content_digest": artifact.archive.content_digest,
                "layers": ["deps"],
                "requirements": [{"name": "idna", "version": "3.20", "sha256": "f" * 64, "unzipped_size": 2048}],
                "omitted": [],
                "lock": "uv.lock",
                "engine": "docker",
                "image": {"reference": "public.example/build:latest", "digest": "sha256:0123"},
                "sbom": None,
                "findings": [
                    {"check": "runtime-support", "level": "warn", "message": "old", "hint": None, "path": None}
                ],
            }
        ],
    }


def test_keys_come_in_the_documented_order(make_artifact: MakeArtifact) -> None:
    artifacts = [make_artifact("deps"), make_artifact("api")]
    places = {artifact.file_name: artifact.file_name for artifact in artifacts}
    text = manifest("Shop", "1.0.0", artifacts, places)
    assert text == manifest("Shop", "1.0.0", artifacts, dict(reversed(places.items())))
    assert text.endswith("}\n")
    document = json.loads(text)
    assert list(document) == ["schema", "project", "version", "created_with", "artifacts"]
    keys = "name kind file runtimes architecture handler sha256 code_sha256 size unzipped_size bytecode_size "
    keys += "stripped_size content_digest layers requirements omitted lock engine image sbom findings"
    assert [" ".join(item) for item in document["artifacts"]] == [keys, keys]
    assert [(item["name"], item["kind"], item["handler"]) for item in document["artifacts"]] == [
        ("deps", "layer", None),
        ("api", "function", "shop.api.handler"),
    ]


def test_without_dependencies_nobody_installed_any(make_artifact: MakeArtifact) -> None:
    artifact = make_artifact(builder=None)
    (found,) = json.loads(manifest("é", "1", [artifact], {artifact.file_name: "a.zip"}))["artifacts"]
    assert (found["engine"], found["image"], found["lock"], found["requirements"]) == (None, None, None, [])


def test_the_host_has_no_image(make_artifact: MakeArtifact) -> None:
    artifact = make_artifact(builder=Builder(engine="host"))
    text = manifest("é", "1", [artifact], {artifact.file_name: "a.zip"})
    (found,) = json.loads(text)["artifacts"]
    assert (found["engine"], found["image"]) == ("host", None)
    assert '"project": "é"' in text


def test_a_bill_of_materials_lies_beside_the_zip(make_artifact: MakeArtifact) -> None:
    artifact = make_artifact()
    (found,) = json.loads(manifest("a", "1", [artifact], {artifact.file_name: "x/a.zip"}, sboms=True))["artifacts"]
    assert found["sbom"] == "x/a.cdx.json"
