from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lambda_backend.report.sbom.distributions import distributions
from lambda_backend.report.sbom.purl import purl
from tests.unit.report.sbom.conftest import pin

if TYPE_CHECKING:
    from tests.unit.report.sbom.conftest import Ship

HASH = "0f" * 32
ON_PYPI = f"/packages/0c/74/{'ab' * 30}/one-1.0-py3-none-any.whl"


def text_of(ship: Ship, given: dict[str, Any], note: object = None) -> str | None:
    more = {} if note is None else {"one-1.0.dist-info/direct_url.json": note}
    (found,) = distributions(ship({"one-1.0": ""}, [pin("one", **given)], more=more))
    made = purl(found)
    return None if made is None else made.to_string().removeprefix("pkg:pypi/one@1.0")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"url": f"https://files.example.com{ON_PYPI}"}, ""),
        ({"url": f"https://mirror.example.com:8443/root/proxy{ON_PYPI}?sig=hush"}, ""),
        ({"url": "https://example.com/hush/one-1.0.whl"}, "?repository_url=https://example.com"),
        ({"url": "https://ann:hush@example.com:8443/a/one.whl?hush#hush"}, "?repository_url=https://example.com:8443"),
        ({"url": "https://example.com/packages/one-1.0.whl"}, "?repository_url=https://example.com"),
        ({"url": "file:///host/wheels/one-1.0.whl", "sha256": HASH}, f"?checksum=sha256:{HASH}"),
        ({"path": "vendor/one-1.0.whl", "sha256": HASH}, f"?checksum=sha256:{HASH}"),
        ({}, ""),
        ({"kind": "sdist", "url": "https://example.com/one.tar.gz"}, "?repository_url=https://example.com"),
        ({"kind": "directory", "path": "one"}, None),
        ({"kind": "vcs", "url": "file:///host/one", "vcs": "git", "commit": "abc"}, None),
    ],
)
def test_by_where_the_archive_lies(given: dict[str, Any], expected: str | None, ship: Ship) -> None:
    assert text_of(ship, given) == expected


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        (
            {"url": "https://example.com/a/one.zip#egg=hush", "archive_info": {}},
            "?download_url=https://example.com/a/one.zip",
        ),
        (
            {"url": "https://ann:hush@example.com/one.zip?sig=hush", "archive_info": {}, "subdirectory": "src/one"},
            "?download_url=https://example.com/one.zip#src/one",
        ),
        (
            {"url": "ssh://git@example.com/one.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "?vcs_url=git%2Bssh://example.com/one.git%40abc",
        ),
        (
            {
                "url": "https://example.com/one.git",
                "vcs_info": {"vcs": "git", "commit_id": "abc", "requested_revision": "main"},
                "subdirectory": "one",
            },
            "?vcs_url=git%2Bhttps://example.com/one.git%40abc#one",
        ),
        ({"url": "file:///host/one", "dir_info": {"editable": True}}, None),
        ({"url": 3}, "?repository_url=https://example.com"),
        ([], "?repository_url=https://example.com"),
        (b"{", "?repository_url=https://example.com"),
    ],
)
def test_by_the_note_that_ships(note: object, expected: str | None, ship: Ship) -> None:
    assert text_of(ship, {"url": "https://example.com/a/one-1.0.tar.gz"}, note) == expected


def test_none_for_what_nobody_pinned(ship: Ship) -> None:
    (found,) = distributions(ship({"shop-1.0.0": ""}))
    assert purl(found) is None
