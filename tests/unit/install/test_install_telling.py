from __future__ import annotations

import pytest

from lambda_backend.install.telling import netrc_passwords, telling_parts
from lambda_backend.settings.interpolate import redact, url_secrets


@pytest.mark.parametrize(
    ("text", "said", "shown"),
    [
        ("s3cr3t-token\n", "got s3cr3t-token.", "got ***."),
        ("swordfish", "swordfish", "***"),
        ("password", "the password is password", "the *** is ***"),
        ("abc", "abc", "abc"),
        ("", "nothing", "nothing"),
        ("-----BEGIN KEY-----\nMIIEowIB\nAAKCAQEA\n-----END KEY-----\n", "MIIEowIB AAKCAQEA", "*** ***"),
        ("TOKEN=x1y2z3\nOTHER: q7w8e9", "x1y2z3 q7w8e9", "*** ***"),
        ("TOKEN = 'x1y2z3'", "x1y2z3", "***"),
        ("TOKEN=ab=cd==", "ab=cd==", "***"),
        ("url = https://u:x1y2z3@example.com/simple", "x1y2z3", "***"),
        ("password = swordfish\n", "swordfish", "***"),
        ("colour = yellow\nshape = round\n", "yellow and round", "yellow and round"),
        ("port: 8080\nkey: 12345678\n", "8080 12345678", "8080 ***"),
        ('{"user": "me", "token": "x1y2z3", "more": {"secret":"q7w8e9"}}', "x1y2z3 q7w8e9", "*** ***"),
        ('{"private_key": "-----BEGIN-----\\nMIIEowIB\\nAAKCAQEA"}\n', "MIIEowIB", "***"),
        ("machine example.com login me password swordfish", "example.com: swordfish", "example.com: ***"),
        (
            "machine example.com\nlogin me\npassword swordfish\n",
            "login or password: swordfish",
            "login or password: ***",
        ),
        ("machine\nexample.com\nlogin\nsomebody\npassword\nswordfish\n", "the password swordfish", "the password ***"),
        ('machine a login b password "two words"', "two words", "***"),
    ],
)
def test_parts_of_a_secret_file(text: str, said: str, shown: str) -> None:
    assert redact(said, telling_parts(text)) == shown


def test_everyday_words_stay() -> None:
    text = "[global]\ntimeout = 60\nverbose = true\nname = production\n"
    said = "the global timeout of 60 is true in production"
    assert redact(said, telling_parts(text)) == said


def test_netrc_passwords() -> None:
    text = 'machine a login b password c\ndefault login d account e\npassword "f\\"g h"\n'
    assert netrc_passwords(text) == ("c", 'f"g h')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://user:hush@example.com/simple https://a:b@c/", ("hush", "b")),
        ("https://token@example.com/", ("token",)),
        ("https://token:@example.com/", ("token",)),
        ("https://user:p%40ss/word@example.com/", ("p%40ss/word",)),
        ("ssh://git@example.com/", ()),
        ("ssh://git:hush@example.com/", ("hush",)),
        ("https://example.com/@latest", ()),
    ],
)
def test_secrets_of_urls(text: str, expected: tuple[str, ...]) -> None:
    assert url_secrets(text) == expected
