from __future__ import annotations

import pytest

from lambda_backend.errors import LockError
from lambda_backend.requirements.indexes import Index, exported_indexes, references
from lambda_backend.requirements.tool_lock import Source, ToolLock

ENVIRON = {"USER_NAME": "a b", "PASS": "p@ss/w$rd", "BOTH": "me:s:cret", "HOST": "h.example", "TOKEN": "t"}


def lock(tool: str, *templates: str) -> ToolLock:
    sources = tuple(
        Source(name=f"s{number}", template=template, verified=True) for number, template in enumerate(templates)
    )
    return ToolLock(tool=tool, version="", packages=(), extras=(), groups=(), sources=sources, deciding="")  # type: ignore[arg-type]


def test_indexes_of_poetry() -> None:
    text = (
        "--trusted-host u%20x:p%40@x.example\n--index-url http://x.example/simple\n"
        "--extra-index-url https://u%20x:p%40%2F@y.example:8443/simple/\n\nidna==3.10 \\\n    --hash=sha256:aa\n"
    )
    plain, corp = exported_indexes(text, lock("poetry"), {})
    assert (plain.url, plain.key, plain.url_with_user) == ("http://x.example/simple",) * 2 + (None,)
    assert (corp.key, corp.url) == ("https://y.example:8443/simple", "https://y.example:8443/simple/")
    assert (corp.user, corp.password) == ("u x", "p@/")
    assert corp.url_with_user == "https://u%20x:p%40%2F@y.example:8443/simple/"
    assert corp.host == "y.example:8443"
    assert plain.name != corp.name
    assert "p@" not in repr(corp)
    assert exported_indexes("idna==3.10\n", lock("poetry"), {}) == ()


@pytest.mark.parametrize(
    ("template", "user", "password"),
    [
        ("https://x.example/simple", "", ""),
        ("https://u:p%40@x.example/simple", "u", "p@"),
        ("https://${USER_NAME}:${PASS}@x.example/simple", "a b", "p@ss/w$rd"),
        ("https://$USER_NAME:$PASS@x.example/simple", "a b", "p@ss/w$rd"),
        ("https://'${USER_NAME}':'${PASS}'@x.example/simple", "a b", "p@ss/w$rd"),
        ("https://${BOTH}@x.example/simple", "me", "s:cret"),
        ("https://${TOKEN}@x.example/simple", "t", ""),
    ],
)
def test_credentials_of_a_pipfile(template: str, user: str, password: str) -> None:
    for text in (f"-i {template}\n", f"-i {template.replace('$USER_NAME', '${USER_NAME}')}\n"):
        (found,) = exported_indexes(text, lock("pipenv", template), ENVIRON)
        assert (found.key, found.url) == ("s0", "https://x.example/simple")
        assert (found.user, found.password) == (user, password)


def test_a_host_from_the_environment() -> None:
    (found,) = exported_indexes("", lock("pipenv", "https://$TOKEN:x@${HOST}:8443/simple"), ENVIRON)
    assert (found.url, found.host) == ("https://h.example:8443/simple", "h.example:8443")


def test_another_index_in_the_place_of_the_public_one() -> None:
    sources = lock("pipenv", "https://public.example/simple", "https://${TOKEN}:x@corp.example/simple")
    text = "-i https://m:n@mirror.example/simple\n--extra-index-url https://${TOKEN}:x@corp.example/simple\nidna==3\n"
    mirror, corp = exported_indexes(text, sources, ENVIRON)
    assert (mirror.key, mirror.url_with_user) == ("s0", "https://m:n@mirror.example/simple")
    assert (corp.key, corp.url_with_user) == ("s1", "https://t:x@corp.example/simple")


def test_variables_that_are_not_there() -> None:
    with pytest.raises(LockError, match="the source 's0' refers to A, B, which is not set"):
        exported_indexes("", lock("pipenv", "https://$B:${A}@${HOST}/simple"), ENVIRON)


@pytest.mark.parametrize("template", ["https://x.example/${TOKEN}/simple", "https://x.example/simple?$TOKEN"])
def test_a_variable_in_the_path(template: str) -> None:
    with pytest.raises(LockError, match="in its path") as error:
        exported_indexes("", lock("pipenv", template), ENVIRON)
    assert "user and password" in str(error.value.hint)


def test_references() -> None:
    assert references(["a $B ${C}", "'${D}' $$ ${} %E%"]) == {"B", "C", "D"}


def test_a_user_without_a_password() -> None:
    index = Index(name="n", key="k", url="https://x.example/simple", user="a b")
    assert index.url_with_user == "https://a%20b:@x.example/simple"
