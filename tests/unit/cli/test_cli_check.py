from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from lambda_backend.cli.group import group
from tests.helpers.broken_zips import BROKEN, broken_zip
from tests.helpers.credentials import PLANTS

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def check(*arguments: object) -> Result:
    return CliRunner().invoke(group, ["check", *map(str, arguments)])


@pytest.fixture
def made(tmp_path: Path) -> Path:
    path = tmp_path / "function.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("app.py", "def handler(event, context): ...\n")
    return path


def test_a_good_zip(made: Path) -> None:
    found = check(made, "--runtime", "python3.13", "--handler", "app.handler")
    assert (found.exit_code, found.stdout) == (0, "function.zip: nothing found\n")


def test_a_bad_zip(made: Path) -> None:
    found = check(made, "--runtime", "python3.13", "--handler", "app.missing")
    assert found.exit_code == 1
    assert found.stdout.splitlines() == [
        "function.zip: 1 found",
        "  error: [handler] the handler 'app.missing': app.py defines no missing",
        "    → did you mean app.handler?",
    ]
    document = json.loads(check(made, "--runtime", "python3.13", "--handler", "app.missing", "--json").stdout)
    assert [finding["check"] for finding in document["zips"][0]["findings"]] == ["handler"]


def test_the_manifest_says_what_is_not_asked(made: Path) -> None:
    layer = made.parent / "layer.zip"
    with zipfile.ZipFile(layer, "w") as archive:
        archive.writestr("python/other.py", "handler = 1\n")
    common = {"runtimes": ["python3.13"], "architecture": "x86_64"}
    artifacts = [
        {
            "name": "api",
            "kind": "function",
            "file": made.name,
            "handler": "other.handler",
            "layers": ["deps"],
            **common,
        },
        {"name": "deps", "kind": "layer", "file": layer.name, "handler": None, "layers": [], **common},
    ]
    (made.parent / "x.lambda.json").write_text(json.dumps({"artifacts": artifacts}))
    assert check(made, layer).exit_code == 0
    assert check(made, "--handler", "none.handler").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--runtime"),
        (("--runtime", "python2.7"), "python2.7"),
        (("--runtime", "python3.13", "--architecture", "mips"), "mips"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], words: str, made: Path) -> None:
    found = check(made, *arguments)
    assert found.exit_code == 2
    assert words in found.stderr


def test_no_zip_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("no zip")
    found = check(tmp_path / "a.zip", "--runtime", "python3.13")
    assert found.exit_code == 1
    assert "lambda-backend: error:" in found.stderr


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("name", ["a-1.dist-info/RECORD", "a.py"])
def test_a_broken_zip(name: str, how: str, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(broken_zip(how, name))
    result = CliRunner().invoke(group, ["check", str(tmp_path / "a.zip"), "--runtime", "python3.13"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "a.zip cannot be read as a zip: " in result.stderr


def test_the_project_s_own_distribution(made: Path) -> None:
    """Its code is the user's own, and not a library's: passwords in it count."""
    plant = PLANTS["url python"]
    with zipfile.ZipFile(made, "a") as archive:
        archive.writestr("my_shop/settings.py", plant.data)
        archive.writestr("my_shop-1.0.dist-info/METADATA", "Name: my-shop\n")
        archive.writestr("my_shop-1.0.dist-info/RECORD", "my_shop/settings.py,,\n")
    artifact = {"name": "api", "kind": "function", "file": made.name, "handler": "app.handler", "layers": []}
    artifact |= {"runtimes": ["python3.13"], "architecture": "x86_64"}
    assert check(made, "--runtime", "python3.13", "--handler", "app.handler").exit_code == 0
    (made.parent / "x.lambda.json").write_text(json.dumps({"project": "My.Shop", "artifacts": [artifact]}))
    found = check(made)
    assert found.exit_code == 1
    assert "error: [secrets] my_shop/settings.py holds a URL with a password" in found.stdout
