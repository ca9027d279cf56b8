from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from lambda_backend.requirements.exporters import Export, Exporter, check_command, export_command
from lambda_backend.requirements.tool_lock import ToolLock

RUN = "tool run --quiet --isolated --no-python-downloads --python py --from"
POETRY = "--with poetry-plugin-export<2 poetry --no-interaction --no-ansi"


def command(exporter: Exporter, extras: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> str:
    lock = ToolLock(tool=exporter.tool, version="", packages=(), extras=(), groups=(), deciding="")
    export = Export(lock=lock, path=Path("x.lock"), exporter=exporter, extras=extras, groups=groups)
    return " ".join(export_command(export, python="py"))


def test_poetry() -> None:
    start = f"{RUN} poetry==2.5.* {POETRY} export --format requirements.txt --with-credentials"
    assert command(Exporter(tool="poetry", version="2.5")) == start
    assert command(Exporter(tool="poetry", version="2.5"), ("pdf",), ("prod", "web")) == (
        f"{start} --extras pdf --with prod --with web"
    )
    assert command(Exporter(tool="poetry", version="2.5", hashes=False, urls=False)) == (
        f"{start} --without-hashes --without-urls"
    )


def test_pipenv() -> None:
    start = f"{RUN} pipenv==2026.10.3 pipenv requirements --hash"
    assert command(Exporter(tool="pipenv", version="2026.10.3")) == start
    assert command(Exporter(tool="pipenv", version="2026.10.3"), groups=("dev-packages", "docs")) == (
        f"{start} --categories packages,dev-packages,docs"
    )


@pytest.mark.parametrize(
    ("tool", "version", "expected"),
    [
        ("poetry", "1.8", f"{RUN} poetry==1.8.* {POETRY} check --lock"),
        ("poetry", "2.0.1", None),
        ("poetry", "12", None),
        ("pipenv", "2026", f"{RUN} pipenv==2026.* pipenv verify"),
    ],
)
def test_who_tells_a_stale_lock_apart(tool: Literal["poetry", "pipenv"], version: str, expected: str | None) -> None:
    found = check_command(Exporter(tool=tool, version=version), python="py")
    assert (" ".join(found) if found else None) == expected
