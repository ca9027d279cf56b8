"""Every kind of credentials, planted; what looks like one and is none; and that no value is ever shown."""

from __future__ import annotations

import mmap
import os
import random
import shutil
import string
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_backend.checks import secrets
from lambda_backend.checks.model import File, Subject
from lambda_backend.facts.collect import collect
from lambda_backend.facts.credentials import credentials_in
from lambda_backend.targets import target
from tests.helpers import compiled
from tests.helpers.credentials import PLANTS, pem, plants, text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lambda_backend.checks.model import Problem

DASHES = "-" * 5
AWS_EXAMPLE = ("AKIAIOSFODNN7" + "EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY")
SOURCE = random.Random(2)  # noqa: S311 - the same in each run
COMMIT = text(SOURCE, "0123456789abcdef", 40)
RANDOM = text(SOURCE, string.ascii_letters + string.digits, 30) + "4x"
EMULATOR = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr" + "/KBHBeksoGMGw=="

NEAR_MISSES = {
    **{
        f"url {number}": ("app.py", written)
        for number, written in enumerate(
            (
                "https://${USER}:${PASSWORD}@shop.internal/simple/",
                "https://$USER:$PASSWORD@shop.internal/simple/",
                "https://%s:%s@shop.internal/",
                "https://%(user)s:%(password)s@shop.internal/",
                "https://{user}:{password}@shop.internal/",
                "https://{{ user }}:{{ password }}@shop.internal/",
                "https://<user>:<password>@shop.internal/",
                "https://<token>@shop.internal/",
                'f"https://{user}:" + password + "@shop.internal/"',
                "https://user:pass@example.com/",
                "https://user:password@shop.internal/",
                "https://aws:your-token@shop.internal/",
                "https://aws:xxxxxxxx@shop.internal/",
                "https://me:********@shop.internal/",
                "https://me:...@shop.internal/",
                "https://my-user:my-secret-token@shop.internal/",
                "https://me:hunter7@example.com/",
                "https://me:hunter7@docs.example.org:8080/",
                "postgresql://shop:hunter7@localhost/shop",
                "postgresql://shop:hunter7@127.0.0.1:5432/shop",
                "postgresql://postgres:postgres@db/shop",
                "amqp://guest:guest@queue.shop.internal//",
                "ssh://git@github.com/shop/shop.git",
                "git+ssh://git@github.com/shop/shop.git",
                "https://shop@bitbucket.org/shop/shop.git",
                "https://me:@shop.internal/",
                f"https://{COMMIT[:32]}@o42.ingest.sentry.io/4242",
                r"re.compile(r'https?://[^:]+:([^@]+)@[a-z.]+')",
                r"re.compile(r'https?://\w+:\w+@\w+')",
                "https://shop.internal/@scope/package",
                "https://shop.internal:8080/a@b",
                "mailto:me@shop.internal",
                f"message://{COMMIT}@mail.shop.internal",
            )
        )
    },
    "aws example": ("app.py", f"aws_access_key_id = {AWS_EXAMPLE[0]}\naws_secret_access_key = {AWS_EXAMPLE[1]}\n"),
    "aws identifier alone": ("app.py", f"ID = 'AKIA{text(SOURCE, string.ascii_uppercase, 16)}'\n"),
    "aws identifier, and a commit": ("app.py", f"AKIA{text(SOURCE, string.ascii_uppercase, 16)} {COMMIT}\n"),
    "aws variable": ("app.py", 'os.environ["AWS_SECRET_ACCESS_KEY"] = settings.secret\n'),
    "aws placeholder": ("app.py", f"aws_secret_access_key = {'A' * 40}\n"),
    "aws far away": ("app.py", f"AKIA{text(SOURCE, string.ascii_uppercase, 16)}{' ' * 500}a/{RANDOM}{RANDOM[:6]}\n"),
    "github placeholder": ("app.py", "TOKEN = 'ghp_" + "x" * 36 + "'\n"),
    "github alphabet": ("app.py", f"TOKEN = 'ghp_{(string.ascii_lowercase + string.digits)[:36]}'\n"),
    "github pattern": ("app.py", r"re.compile(r'ghp_[A-Za-z0-9]{36}')"),
    "github too long": ("app.py", f"ghp_{RANDOM * 9}\n"),
    "github inside of a word": ("app.py", f"laughp_{RANDOM}{RANDOM[:4]}\n"),
    "a name": ("app.py", "def hf_transformer_model_for_token_classification(): ...\n"),
    "stripe test key": ("app.py", f"sk_test_{RANDOM[:24]}\n"),
    "slack example": ("app.py", "xoxb-123456789012-1234567890123-" + string.ascii_lowercase[:24] + "\n"),
    "azure emulator": ("app.py", f"AccountName=devstoreaccount1;AccountKey={EMULATOR};"),
    "azure name": ("app.py", "SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey={key}"),
    "key header in code": ("app.py", f'if line.startswith("{DASHES}BEGIN RSA PRIVATE KEY{DASHES}\\n"):\n'),
    "key headers in code": (
        "app.py",
        f'BEGIN = "{DASHES}BEGIN PRIVATE KEY{DASHES}"\nEND = "{DASHES}END PRIVATE KEY{DASHES}"\n',
    ),
    "key in a text": ("README", f"{DASHES}BEGIN PRIVATE KEY{DASHES}\n...\n{DASHES}END PRIVATE KEY{DASHES}\n"),
    "key of zeros": ("key.pem", pem("PRIVATE KEY", bytes(200))),
    "key cut off": ("key.pem", pem("PRIVATE KEY", SOURCE.randbytes(600))[:500]),
    "public key": ("key.pem", pem("PUBLIC KEY", b"\x30" + SOURCE.randbytes(300))),
    "certificate": ("cert.pem", pem("CERTIFICATE", b"\x30" + SOURCE.randbytes(600))),
    "public pgp key": ("key.asc", pem("PGP PUBLIC KEY BLOCK", b"\x99" + SOURCE.randbytes(600))),
    "putty public": ("key.ppk", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPublic-Lines: 1\nAAAA\n"),
    "env example": (".env.example", f"TOKEN={RANDOM}\n"),
    "env empty": (".env", "TOKEN=\n# TOKEN=abc\nOTHER=''\n"),
    "netrc placeholder": (".netrc", "machine shop.internal login me password ${PASSWORD}\n"),
    "netrc without": (".netrc", "machine shop.internal login me\n"),
    "pypirc placeholder": (".pypirc", "[shop]\npassword: <your token>\n"),
    "npmrc variable": (".npmrc", "//npm.shop.internal/:_authToken=${NPM_TOKEN}\nalways-auth=true\n"),
    "pip.conf without": ("pip.conf", "[global]\nindex-url = https://shop.internal/simple/\n"),
    "config.json of something else": ("config.json", f'{{"auth": "{RANDOM}"}}'),
    "docker with a helper": (".docker/config.json", '{"auths": {"shop.internal": {}}, "credsStore": "pass"}'),
    "direct url": ("shop-1.0.dist-info/direct_url.json", '{"url": "https://shop.internal/shop.whl"}'),
    "direct url by ssh": ("shop-1.0.dist-info/direct_url.json", '{"url": "ssh://git@shop.internal/shop.git"}'),
    "direct url that is none": ("shop-1.0.dist-info/direct_url.json", "[]"),
    "requirement with a variable": (
        "shop-1.0.dist-info/METADATA",
        "Name: shop\nRequires-Dist: tax @ https://${TOKEN}@shop.internal/tax.whl\n",
    ),
}


@pytest.mark.parametrize("name", PLANTS)
def test_what_is_planted_is_found(name: str) -> None:
    plant = PLANTS[name]
    assert plant.kind in credentials_in(plant.path, plant.data)


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_what_is_none_is_not_found(name: str) -> None:
    path, written = NEAR_MISSES[name]
    assert credentials_in(path, written.encode()) == ()


def subject(files: Mapping[str, bytes], owner: str = "project") -> Subject:
    return Subject(
        name="made",
        kind="function",
        target=target("python3.13", "x86_64"),
        handler=None,
        files={path: File(path=path, size=1, compressed_size=1, owner=owner) for path in files},
        facts=collect(files.items()),
        read=files.__getitem__,
        zip_size=1,
        unzipped_size=1,
    )


def check(files: Mapping[str, bytes], owner: str = "project") -> list[Problem]:
    return list(secrets.check(subject(files, owner)))


@given(st.integers(0, 2**64), st.sampled_from(sorted(PLANTS)), st.binary(max_size=80), st.binary(max_size=80))
def test_no_value_is_ever_shown(seed: int, name: str, before: bytes, after: bytes) -> None:
    plant = plants(seed)[name]
    data = before + b"\n" + plant.data + b"\n" + after
    for problem in check({plant.path: data}):
        shown = f"{problem.message} {problem.hint}"
        assert plant.value not in shown
        assert not any(plant.value[start : start + 6] in shown for start in range(len(plant.value) - 5))


@pytest.mark.parametrize("name", PLANTS)
def test_the_finding_names_file_and_kind(name: str) -> None:
    plant = PLANTS[name]
    (problem,) = check({plant.path: plant.data})
    assert problem.path == plant.path
    assert problem.message.startswith(f"{plant.path} holds ")
    assert plant.kind in problem.message
    assert problem.hint is not None
    assert "revoke" in problem.hint


PUBLIC = {
    "a private key",
    "a URL with a password",
    "variables with values",
    "a Google API key",
    "a Google OAuth secret",
}


@pytest.mark.parametrize("name", PLANTS)
def test_in_a_distribution_only_what_is_certain(name: str) -> None:
    plant = PLANTS[name]
    found = check({plant.path: plant.data}, owner="shop")
    assert [plant.kind in problem.message for problem in found] == ([] if plant.kind in PUBLIC else [True])


def test_a_distribution_that_was_built_here() -> None:
    plant = PLANTS["url python"]
    files = {"shop.py": plant.data, "shop-1.0.dist-info/direct_url.json": b'{"url": "file:///src", "dir_info": {}}'}
    assert [problem.path for problem in check(files, owner="shop")] == ["shop.py"]


def test_all_kinds_of_a_file_are_told() -> None:
    data = PLANTS["npm"].data + PLANTS["key pkcs8"].data
    assert credentials_in("a", data) == ("an npm token", "a private key")


def test_in_a_mapped_file(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"\n".join([bytes(3 << 20), *(plant.data for plant in PLANTS.values())]))
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        found = credentials_in("large", mapped)
    assert found == credentials_in("large", path.read_bytes())
    assert len(found) > 20


def test_in_a_library_s_constants(tmp_path: Path) -> None:
    """Machine code is passed over, and nothing else."""
    value = PLANTS["npm"].value
    (tmp_path / "made.c").write_text(f'const char *token(void) {{ return "{value}"; }}\n')
    made = tmp_path / "made.so"
    for flags in (["-Wl,-z,separate-code"], ["-Wl,-z,noseparate-code"], ["-Wl,-s"]):
        compiled.link(tmp_path, "made.c", made, *flags)
        assert credentials_in("made.so", made.read_bytes()) == ("an npm token",)


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
@pytest.mark.parametrize("form", ["RFC4716", "PEM", "PKCS8"])
@pytest.mark.parametrize("phrase", ["", "a phrase"])
def test_keys_that_a_tool_makes(kind: str, form: str, phrase: str, tmp_path: Path) -> None:
    tool = shutil.which("ssh-keygen")
    if tool is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have ssh-keygen")
        pytest.skip("ssh-keygen makes the keys")
    key = tmp_path / "key"
    subprocess.run([tool, "-q", "-t", kind, "-m", form, "-N", phrase, "-f", key], check=True, capture_output=True)
    assert credentials_in("key", key.read_bytes()) == ("a private key",)
    assert credentials_in("key.pub", key.with_suffix(".pub").read_bytes()) == ()
