"""The text of an artefact's bill of materials: CycloneDX 1.6 as JSON.

The same artefact gives the same text: nothing random is in it, and no time but that of the zip.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalContact
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packaging.utils import canonicalize_name

from lambda_backend import __version__
from lambda_backend.archive.format import moment
from lambda_backend.report.sbom.graph import ROOT, dependencies
from lambda_backend.report.sbom.licenses import licenses
from lambda_backend.report.sbom.purl import purl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.metadata import RawMetadata

    from lambda_backend.metadata import ProjectMetadata
    from lambda_backend.report.model import Artifact
    from lambda_backend.report.sbom.distributions import Distribution

__all__ = ["document"]

_NO_NUMBER = uuid.UUID(int=0)
# RFC 5322, as far as authors write it. The standard library's parser does not read every text alike in all Pythons.
_ADDRESS = re.compile(
    r"""(?:"(?P<quoted>[^"]*)"|(?P<plain>[^<>",@]*))\s*<(?P<address>[^<>\s@]+@[^<>\s@]+)>
        |(?P<bare>[^<>\s",;@]+@[^<>\s",;@]+)""",
    re.VERBOSE,
)


def document(artifact: Artifact, project: ProjectMetadata, found: Sequence[Distribution]) -> str:
    """The bill of materials of an artefact.

    Args:
        artifact: the finished zip.
        project: that it was made of.
        found: the distributions in it.
    """
    root = _root(artifact, project)
    metadata = BomMetaData(component=root, tools=ToolRepository(components=[_tool()]))
    metadata.timestamp = moment(artifact.archive.timestamp)  # type: ignore[assignment] # not required by the schema
    bom = Bom(
        serial_number=_NO_NUMBER,
        metadata=metadata,
        components=[_component(one) for one in found],
        dependencies=_dependencies(artifact, project, found, root),
    )
    text = _text(bom)
    # CycloneDX asks for a number that no other text has.
    bom.serial_number = uuid.uuid5(_NO_NUMBER, text)
    return _text(bom)


def _text(bom: Bom) -> str:
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _root(artifact: Artifact, project: ProjectMetadata) -> Component:
    settings, archive = artifact.settings, artifact.archive
    facts: list[tuple[str, str | None]] = [
        ("runtime", artifact.target.runtime.name),
        ("architecture", artifact.target.architecture),
        ("handler", settings.handler),
        ("content-digest", archive.content_digest),
        *(("layer", layer) for layer in settings.layers),
    ]
    return Component(
        # CycloneDX: a library is used by others, and cannot run alone.
        type=ComponentType.LIBRARY if settings.kind == "layer" else ComponentType.APPLICATION,
        bom_ref=artifact.file_name,
        group=project.name,
        name=settings.name,
        version=project.version,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=archive.sha256)],
        properties=[Property(name=f"lambda-backend:{name}", value=value) for name, value in facts if value is not None],
    )


def _tool() -> Component:
    return Component(type=ComponentType.APPLICATION, name="lambda-backend", version=__version__)


def _component(one: Distribution) -> Component:
    sha256 = one.pin.sha256 if one.pin else None
    return Component(
        type=ComponentType.LIBRARY,
        bom_ref=one.ref,
        name=one.title,
        version=one.version,
        purl=purl(one),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if sha256 else [],
        licenses=licenses(one.metadata),
        authors=_authors(one.metadata),
    )


def _authors(metadata: RawMetadata) -> Iterator[OrganizationalContact]:
    """Those whom the metadata names."""
    name = metadata.get("author", "").strip()
    found = [*_ADDRESS.finditer(metadata.get("author_email", ""))]
    contacts = [((one["quoted"] or one["plain"] or "").strip(), one["address"] or one["bare"]) for one in found]
    if name and not any(title for title, _ in contacts):
        # An address without a name is that of the one author who is named.
        contacts = [(name, contacts[0][1])] if len(contacts) == 1 else [(name, None), *contacts]
    for title, address in contacts:
        yield OrganizationalContact(name=title or None, email=address)


def _dependencies(
    artifact: Artifact, project: ProjectMetadata, found: Sequence[Distribution], root: Component
) -> Iterator[Dependency]:
    own = canonicalize_name(project.name)
    extras = artifact.settings.extras
    requires: dict[str, list[str]] = {one.name: [] for one in found}
    refs: dict[str, list[BomRef]] = {one.name: [] for one in found}
    for one in found:
        requires[one.name] += one.metadata.get("requires_dist", ())
        refs[one.name].append(BomRef(one.ref))
    asked: Sequence[str] = ()
    if own in requires:
        asked = [f"{own}[{','.join(extras)}]"]
    elif artifact.settings.entry is None:
        asked = project.requires_dist
    environment = artifact.target.marker_environment()
    needs = dependencies(requires, root=asked, extras=extras, environment=environment)
    for name, of_name in {ROOT: [root.bom_ref], **refs}.items():
        for ref in of_name:
            yield Dependency(ref, [Dependency(other) for needed in needs[name] for other in refs[needed]])
