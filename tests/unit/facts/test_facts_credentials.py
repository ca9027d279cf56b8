"""Every kind of credentials, planted; what looks like one and is none; and that no value is ever shown."""

from __future__ import annotations

import mmap
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_backend.checks import secrets
from lambda_backend.checks.model import ForeignFile, Subject
from lambda_backend.facts import credentials
from lambda_backend.facts.credentials import credentials_in
from lambda_backend.targets import target
from tests.helpers import compiled
from tests.helpers.credentials import PLANTS, plants
from tests.helpers.facts import collect
from tests.helpers.near_misses import NEAR_MISSES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lambda_backend.checks.model import Problem


@pytest.fixture(params=["by texts", "by patterns"])
def _either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a build searches first is searched in another way than the rest."""
    left = credentials.MANY if request.param == "by texts" else 0
    monkeypatch.setattr(credentials._THRIFT, "_left", left)


@pytest.mark.usefixtures("_either_way")
@pytest.mark.parametrize("name", PLANTS)
def test_what_is_planted_is_found(name: str) -> None:
    plant = PLANTS[name]
    assert plant.kind in credentials_in(plant.path, plant.data)


@pytest.mark.usefixtures("_either_way")
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
        files={path: ForeignFile(path=path, size=1, compressed_size=1, owner=owner) for path in files},
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
