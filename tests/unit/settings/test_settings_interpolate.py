from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_backend.errors import SettingsError
from lambda_backend.settings.interpolate import expand, redact, redact_urls, secrets_in, without_user

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
PLAIN = st.text(st.characters(exclude_characters="${}*", exclude_categories=["Cs"]), max_size=12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("${A}", "one"),
        ("x${A}y${B}z", "xoneytwoz"),
        ("${EMPTY}", ""),
        ("${EMPTY:-three}", "three"),
        ("${NONE:-three}", "three"),
        ("${NONE:-}", ""),
        ("${A:-three}", "one"),
        ("${NONE:-https://x/${A}", "https://x/${A"),
        ("$A $(A) $$ $", "$A $(A) $$ $"),
        ("${REFERS}", "${A}"),
    ],
)
def test_expand(text: str, expected: str) -> None:
    assert expand(text, {"A": "one", "B": "two", "EMPTY": "", "REFERS": "${A}"}, "key") == expected


def test_unset_variables_are_named_with_their_key() -> None:
    with pytest.raises(SettingsError) as caught:
        expand("${A}-${B}-${A}", {}, "tool.lambda.bundling.environment.X")
    assert caught.value.problems == (
        "tool.lambda.bundling.environment.X: the environment variable A is not set",
        "tool.lambda.bundling.environment.X: the environment variable B is not set",
    )


@pytest.mark.parametrize("text", ["${}", "${", "${A", "${1}", "${A-B}", "${A:+x}", "${ A }"])
def test_broken_reference(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        expand(text, {"A": "hush"}, "key")
    assert caught.value.problems == ('key: "${" starts no reference; expected ${NAME} or ${NAME:-default}',)


def test_secrets_in() -> None:
    environ = {"A": "one", "B": "two", "EMPTY": ""}
    assert secrets_in("${A} ${B:-x} ${A} ${EMPTY} ${NONE} ${NONE:-default} ${", environ) == ("one", "two")


def test_redact() -> None:
    assert redact("a hush b hush", ["hush", ""]) == "a *** b ***"
    assert redact("a p%40ss%2Fword b", ["p@ss/word"]) == "a *** b"
    assert redact("a p@ss b", ["p%40ss"]) == "a *** b"
    assert redact("nothing", []) == "nothing"


def test_redact_hides_overlapping_secrets_whole() -> None:
    assert redact("xabcdy", ["abc", "bcd"]) == "x***y"
    assert redact("xabcdy", ["abcd", "bc"]) == "x***y"
    assert redact("abab", ["ab"]) == "******"
    assert redact("ababa", ["aba"]) == "***"


def test_redact_hides_each_line_of_a_secret() -> None:
    key = "-----BEGIN-----\nabcdefgh\n}\n"
    assert redact("log: abcdefgh }", [key]) == "log: *** }"


@pytest.mark.parametrize(
    ("text", "without", "redacted"),
    [
        ("https://u:p@h/x", "https://h/x", "https://***@h/x"),
        ("https://token@h", "https://h", "https://***@h"),
        ("https://u:p@ss@h/x@1", "https://h/x@1", "https://***@h/x@1"),
        ("https://u:p/a@h/x", "https://h/x", "https://***@h/x"),
        (
            "git+https://u:p@h/x and http://a:b@c/",
            "git+https://h/x and http://c/",
            "git+https://***@h/x and http://***@c/",
        ),
        ("https://h/x@main", "https://h/x@main", "https://h/x@main"),
        ("https://h:8080/x@main", "https://h:8080/x@main", "https://h:8080/x@main"),
        ("http://[::1]:80/x@y", "http://[::1]:80/x@y", "http://[::1]:80/x@y"),
        ("https://u:${TOKEN}@h/simple", "https://h/simple", "https://***@h/simple"),
        ("me@example.com", "me@example.com", "me@example.com"),
        ("'https://h' <a@b>", "'https://h' <a@b>", "'https://h' <a@b>"),
        ("1https://u:p@h", "1https://h", "1https://***@h"),
        ("https://u:p#x@h/", "https://h/", "https://***@h/"),
        ("https://u:p@h:8080/a.whl?q#f", "https://h:8080/a.whl?q#f", "https://***@h:8080/a.whl?q#f"),
        ("https://${TOKEN}@h/a.whl", "https://h/a.whl", "https://***@h/a.whl"),
        ("https://u:p@[::1/x", "https://[::1/x", "https://***@[::1/x"),
        # The user name of an ssh address is a part of it.
        ("ssh://git@h/r", "ssh://git@h/r", "ssh://git@h/r"),
        ("x @ git+ssh://git@h/r@v1", "x @ git+ssh://git@h/r@v1", "x @ git+ssh://git@h/r@v1"),
        ("git+SSH://git@h:22/r", "git+SSH://git@h:22/r", "git+SSH://git@h:22/r"),
        ("ssh://git:p@h/r", "ssh://git@h/r", "ssh://***@h/r"),
        ("ssh://git:p/a@h/r", "ssh://git@h/r", "ssh://***@h/r"),
        ("git+ssh://git:${TOKEN}@h/r", "git+ssh://git@h/r", "git+ssh://***@h/r"),
        ("xssh://git@h/r", "xssh://h/r", "xssh://***@h/r"),
    ],
)
def test_urls(text: str, without: str, redacted: str) -> None:
    assert without_user(text) == without
    assert redact_urls(text) == redacted


@pytest.mark.parametrize("piece", ["a", "://", "a://b:c/", "://@", "${"])
def test_long_lines_take_little_time(piece: str) -> None:
    text = piece * 20_000
    started = time.process_time()
    redact_urls(text)
    secrets_in(text, {})
    redact(text, ["a://b", "secret"])
    assert time.process_time() - started < 10


@settings(deadline=None)
@given(st.lists(st.tuples(PLAIN, NAMES, PLAIN)), st.booleans())
def test_expanding_what_was_put_together_gives_its_pieces(pieces: list[tuple[str, str, str]], default: bool) -> None:
    environ: dict[str, str] = {} if default else {name: value for _, name, value in pieces}
    text = "".join(f"{plain}${{{name}{f':-{value}' if default else ''}}}" for plain, name, value in pieces)
    values = [value if default else environ[name] for _, name, value in pieces]
    expected = "".join(plain + value for (plain, _, _), value in zip(pieces, values, strict=True))
    assert expand(text, environ, "key") == expected
    assert set(secrets_in(text, environ)) == {value for value in environ.values() if value}


@settings(deadline=None)
@given(st.text())
def test_text_without_references_stays(text: str) -> None:
    if "${" not in text:
        assert expand(text, {}, "key") == text


@settings(deadline=None)
@given(st.text(), st.dictionaries(NAMES, st.text()))
def test_no_text_breaks_interpolation(text: str, environ: dict[str, str]) -> None:
    with contextlib.suppress(SettingsError):
        expand(text, environ, "key")
    secrets_in(text, environ)


@settings(deadline=None)
@given(st.lists(PLAIN), st.lists(PLAIN.filter(bool), min_size=1))
def test_no_secret_survives_redaction(pieces: list[str], secrets: list[str]) -> None:
    text = "".join(f"{piece}{secret}" for piece in pieces for secret in secrets)
    shown = redact(text, secrets)
    for part in shown.split("***"):
        assert not any(secret in part for secret in secrets)
