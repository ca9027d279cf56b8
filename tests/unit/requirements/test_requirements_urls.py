from __future__ import annotations

import pytest

from lambda_backend.requirements.urls import redacted, without_user


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://example.com/a.whl", "https://example.com/a.whl"),
        ("https://user:secret@example.com:8080/a.whl?q#f", "https://example.com:8080/a.whl?q#f"),
        ("https://${TOKEN}@example.com/a.whl", "https://example.com/a.whl"),
        ("ssh://git:secret@example.com/r", "ssh://git@example.com/r"),
        ("git+ssh://git@example.com/r", "git+ssh://git@example.com/r"),
        ("https://u:p@[::1/x", "https://[::1/x"),
    ],
)
def test_user_parts_go(url: str, bare: str) -> None:
    assert without_user(url) == bare


def test_messages_lose_user_parts() -> None:
    assert redacted("a @ https://u:p@example.com/x and b") == "a @ https://example.com/x and b"
