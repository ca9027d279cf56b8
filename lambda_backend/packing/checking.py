"""Runs the checks over the artefacts of a build, and ends it where one of them says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lambda_backend.archive.reading import reader
from lambda_backend.cache import key as cache_key
from lambda_backend.checks.model import Subject
from lambda_backend.checks.run import finding, findings
from lambda_backend.errors import CheckError, LambdaBackendError
from lambda_backend.values import as_dict, replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lambda_backend.cache import Cache
    from lambda_backend.findings import Finding
    from lambda_backend.packing.order import Order
    from lambda_backend.report.model import Artifact
    from lambda_backend.report.words import Words

__all__ = ["checked", "refuse_errors", "warn"]

_FORMAT = 1


def checked(made: Sequence[Artifact], order: Order, *, cache: Cache, words: Words) -> tuple[Artifact, ...]:
    """The artefacts with what the checks found.

    Args:
        made: with every layer of every function in it.
        order: which checks at which level.
        cache: remembers which handlers were imported.
        words: what is done is said there.

    Raises:
        RunningError: the handler is to be imported, and no place can do that.
    """
    layers = {
        (artifact.settings.name, artifact.target.name): artifact
        for artifact in made
        if artifact.settings.kind == "layer"
    }
    found = []
    for artifact in made:
        below = [layers[name, artifact.target.name] for name in artifact.settings.layers]
        subject = _subject(artifact, order, tuple(_subject(layer, order) for layer in below))
        result = findings(subject, order.checks.levels)
        # What is not there need not be imported to say so once more.
        is_there = artifact.settings.handler is not None and not any(one.check == "handler" for one in result)
        if order.checks.import_handler and is_there:
            result += tuple(_import(artifact, below, order, cache=cache, words=words))
        found.append(replace(artifact, findings=result))
    return tuple(found)


def _subject(artifact: Artifact, order: Order, layers: Sequence[Subject] = ()) -> Subject:
    settings, archive = artifact.settings, artifact.archive
    return Subject(
        name=settings.name,
        kind=settings.kind,
        target=artifact.target,
        handler=settings.handler,
        files={member.path: member for member in archive.members},
        facts=archive.facts,
        read=reader(archive),
        zip_size=archive.size,
        unzipped_size=archive.unzipped_size,
        layers=layers,
        max_size=order.max_size,
        own=frozenset(str(pin.name) for pin in artifact.pins if pin.kind == "directory"),
        collisions=artifact.collisions,
    )


def _import(
    artifact: Artifact, layers: Sequence[Artifact], order: Order, *, cache: Cache, words: Words
) -> Iterator[Finding]:
    """Import the handler, unless the same files were imported at the same place before."""
    from lambda_backend.checks import importing
    from lambda_backend.running.model import Function, Surroundings
    from lambda_backend.running.open import import_handler

    handler = artifact.settings.handler
    assert handler is not None  # noqa: S101 - a function has one
    level = order.checks.levels["handler"]
    digests = [part.archive.content_digest for part in (artifact, *layers)]
    key = cache_key(_FORMAT, "import", artifact.target.name, handler, order.engine, digests)
    if level == "off" or cache.get("imports", key) is not None:
        return
    function = Function(
        name=artifact.settings.name,
        zip=artifact.archive.path,
        layers=tuple(layer.archive.path for layer in layers),
        target=artifact.target,
        handler=handler,
    )
    surroundings = Surroundings(
        environ=order.environ,
        cache=cache,
        say=words.say,
        detail=words.detail,
        log=words.block,
        network=artifact.settings.bundling.network,
    )
    try:
        paths = (member.path for part in (artifact, *layers) for member in part.archive.members)
        imported, uncompiled = import_handler(
            function, order.engine, surroundings, compare=importing.ships_bytecode(paths)
        )
    except LambdaBackendError as error:
        error.locate(f"tool.lambda.checks.{importing.NAME}")
        raise
    problems = tuple(importing.problems(handler, imported))
    if not problems:
        first, *rest = importing.figures(imported, uncompiled)
        words.say(f"{function.name} for {artifact.target.name} {first}")
        words.block("\n".join(rest))
        with cache.make("imports", key) as folder:
            (folder / "imported.json").write_text(json.dumps(as_dict(imported)), "utf-8")
    yield from (finding("handler", level, problem) for problem in problems)


def warn(made: Sequence[Artifact], words: Words) -> None:
    """Say every warning, once for all artefacts that it is about."""
    about: dict[Finding, list[str]] = {}
    for artifact in made:
        for found in artifact.findings:
            if found.level == "warn":
                about.setdefault(found, []).append(f"{artifact.settings.name} for {artifact.target.name}")
    for found, names in about.items():
        words.say(f"warning: {', '.join(names)}: [{found.check}] {found.message}")
        if found.hint:
            words.block(f"  → {found.hint}")


def refuse_errors(made: Sequence[Artifact]) -> None:
    """End the build where a finding is an error.

    Raises:
        CheckError: with every one of them.
    """
    errors = [
        (f"{artifact.settings.key} for {artifact.target.name}", found)
        for artifact in made
        for found in artifact.findings
        if found.level == "error"
    ]
    if errors:
        raise CheckError(errors)
