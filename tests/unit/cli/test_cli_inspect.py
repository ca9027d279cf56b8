from __future__ import annotations

import base64
import hashlib
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from click.testing import Result


def made(path: Path, files: Mapping[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return path


def distribution(name: str, version: str, files: Mapping[str, str]) -> dict[str, str]:
    folder = f"{name}-{version}.dist-info"
    rows = "".join(f"{path},,\n" for path in (*files, f"{folder}/METADATA", f"{folder}/RECORD"))
    return {**files, f"{folder}/METADATA": f"Name: {name}\n", f"{folder}/RECORD": rows}


def manifest(path: Path, zip_path: Path, **more: Any) -> None:  # noqa: ANN401 - JSON
    artifact = {
        "name": "api",
        "kind": "function",
        "file": zip_path.name,
        "runtimes": ["python3.13"],
        "architecture": "arm64",
        "handler": "shop.api.handler",
        "sha256": hashlib.sha256(zip_path.read_bytes()).hexdigest(),
        "code_sha256": "c29tZQ==",
        "layers": [],
        "findings": [],
    }
    path.write_text(json.dumps({"project": "shop", "version": "1.0.0", "artifacts": [artifact | more]}), "utf-8")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    files = distribution("shop", "1.0.0", {"shop/__init__.py": "", "shop/api.py": "x" * 100, "shop/data/a.json": "{}"})
    files |= distribution("idna", "3.10", {"idna/core.py": "y" * 5000}) | {"conf/a.json": "1"}
    return made(tmp_path / "shop-1.0.0-api-python3.13-arm64.zip", files)


def test_packages_by_size(command: Callable[..., Result], shop: Path) -> None:
    result = command("inspect", shop)
    assert (result.exit_code, result.stderr) == (0, "")
    size = sum(entry.file_size for entry in zipfile.ZipFile(shop).infolist())
    lines = result.stdout.splitlines()
    assert lines[0] == (
        f"{shop.name}: {shop.stat().st_size / 1024:.1f} KiB, unzipped {size / 1024:.1f} KiB (0.0% of 250 MiB), 9 files"
    )
    code = base64.b64encode(hashlib.sha256(shop.read_bytes()).digest()).decode()
    assert lines[1:3] == [f"CodeSha256 {code}", ""]
    assert [line.split()[:3] for line in lines[3:]] == [
        ["package", "version", "files"],
        ["idna", "3.10", "3"],
        ["shop", "1.0.0", "5"],
        ["other", "files", "1"],
    ]
    assert [line.split()[-1] for line in lines[3:]] == ["share", "95.7%", "4.3%", "0.0%"]


def test_folders_below(command: Callable[..., Result], shop: Path) -> None:
    lines = command("inspect", shop, "--depth", "2").stdout.splitlines()
    assert titles(lines) == [
        "idna",
        "  idna/",
        "    core.py",
        "  idna-3.10.dist-info/",
        "    RECORD",
        "    METADATA",
        "shop",
        "  shop-1.0.0.dist-info/",
        "    RECORD",
        "    METADATA",
        "  shop/",
        "    api.py",
        "    data/",
        "    __init__.py",
        "other files",
        "  conf/a.json",
    ]


def titles(lines: list[str]) -> list[str]:
    """The first column of the table."""
    head, *rows = lines[lines.index("") + 1 :]
    return [row[: head.index("version")].rstrip() for row in rows]


def test_a_folder_that_holds_only_another_is_no_level(command: Callable[..., Result], tmp_path: Path) -> None:
    layer = {"python/a/b/c/d.py": "1", "python/a/b/c/e/f.py": "22", "python/x/y.py": ""}
    lines = command("inspect", made(tmp_path / "a.zip", layer), "--depth", "2").stdout.splitlines()
    assert titles(lines) == [
        "other files",
        "  python/a/b/c/",
        "    e/",
        "    d.py",
        "  python/x/",
        "    y.py",
    ]


def test_thousands_of_levels(command: Callable[..., Result], tmp_path: Path) -> None:
    names = {f"{'a/' * levels}f.py": "1" for levels in range(1, 2000, 10)}
    result = command("inspect", made(tmp_path / "a.zip", names), "--depth", "100000")
    assert (result.exit_code, result.stderr) == (0, "")
    # Each level has a file and a folder, and the last one's folder holds all the rest.
    assert len(titles(result.stdout.splitlines())) == 1 + 2 * 32


def test_names_that_a_terminal_would_obey(command: Callable[..., Result], tmp_path: Path) -> None:
    names = ["\x1b[31mred.py", "two\nlines.py", "\u202egnp.exe", "日本語.py", "x" * 200]
    path = made(tmp_path / "a.zip", dict.fromkeys(names, "1"))
    result = command("inspect", path, "--depth", "1")
    lines = result.stdout.splitlines()
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout
    for shown in (r"\x1b[31mred.py", r"two\nlines.py", r"\u202egnp.exe"):
        assert sum(shown in line for line in lines) == 1
    # Characters of double width keep the columns straight, and long names do not push them away.
    row = next(line for line in lines if "日本語" in line)
    head = next(line for line in lines if line.startswith("package"))
    assert len(row) + 3 == len(head)
    assert len(head) < 110


@pytest.mark.parametrize("name", ["", "a//b.py", "/abs.py", "../up.py"])
def test_names_that_no_tool_should_write(command: Callable[..., Result], tmp_path: Path, name: str) -> None:
    result = command("inspect", made(tmp_path / "a.zip", {name: "1", "b.py": "1"}), "--depth", "3")
    assert (result.exit_code, result.stderr) == (0, "")
    assert " 2 files" in result.stdout


def test_a_name_that_is_no_utf8(command: Callable[..., Result], tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip", {"é.py": "1"})
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xfe"))
    result = command("inspect", path)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"lambda-backend: error: {path} cannot be read as a zip: 'utf-8' codec")


def test_what_the_manifest_says(command: Callable[..., Result], shop: Path) -> None:
    findings = [{"check": "size", "level": "warn", "message": "rather large"}]
    manifest(shop.with_name("shop-1.0.0.lambda.json"), shop, layers=["deps"], findings=findings)
    lines = command("inspect", shop).stdout.splitlines()
    assert lines[1] == "function api of shop 1.0.0, python3.13, arm64, handler shop.api.handler, layers deps"
    assert lines[2].startswith("CodeSha256 ")
    assert lines[3:5] == ["warn: rather large", ""]


def test_a_manifest_of_another_zip(command: Callable[..., Result], shop: Path) -> None:
    manifest(shop.with_name("shop-1.0.0.lambda.json"), shop, sha256="0" * 64)
    result = command("inspect", shop, "--json")
    assert "shop-1.0.0.lambda.json describes another" in result.stderr
    assert json.loads(result.stdout)["manifest"] is None


@pytest.mark.parametrize("text", ["", "[]", '{"artifacts": 1}', '{"artifacts": [{"file": 1}]}'])
def test_what_is_no_manifest(command: Callable[..., Result], shop: Path, text: str) -> None:
    shop.with_name("x.lambda.json").write_text(text, "utf-8")
    result = command("inspect", shop)
    assert (result.exit_code, result.stderr) == (0, "")


def test_json(command: Callable[..., Result], shop: Path) -> None:
    manifest(shop.with_name("shop-1.0.0.lambda.json"), shop)
    found = json.loads(command("inspect", shop, "--json").stdout)
    entries = zipfile.ZipFile(shop).infolist()
    assert found["sha256"] == hashlib.sha256(shop.read_bytes()).hexdigest()
    assert base64.b64decode(found["code_sha256"]).hex() == found["sha256"]
    assert found["size"] == shop.stat().st_size
    assert found["unzipped_size"] == sum(entry.file_size for entry in entries)
    assert [(item["name"], item["version"]) for item in found["packages"]] == [
        ("idna", "3.10"),
        ("shop", "1.0.0"),
        (None, None),
    ]
    assert sum(item["size"] for item in found["packages"]) == sum(entry.compress_size for entry in entries)
    files = {file["path"]: file["unzipped_size"] for item in found["packages"] for file in item["files"]}
    assert files == {entry.filename: entry.file_size for entry in entries}
    assert found["manifest"]["artifact"]["handler"] == "shop.api.handler"
    assert found["manifest"]["project"] == "shop"


def test_no_zip(command: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("no")
    result = command("inspect", tmp_path / "a.zip")
    assert result.exit_code == 1
    assert result.stderr.startswith("lambda-backend: error: ")
    assert command("inspect", tmp_path / "none.zip").exit_code == 2


class TestDiff:
    def zips(self, tmp_path: Path) -> tuple[Path, Path]:
        one = distribution("idna", "3.9", {"idna/core.py": "y" * 5000}) | distribution("six", "1.17", {"six.py": "6"})
        other = distribution("idna", "3.10", {"idna/core.py": "y" * 9000}) | distribution(
            "anyio", "4", {"anyio.py": ""}
        )
        code = {"app.py": "1", "old.py": "", "same.py": ""}
        return (
            made(tmp_path / "old.zip", one | code),
            made(tmp_path / "new.zip", other | {"app.py": "2", "new.py": "", "same.py": ""}),
        )

    def test_what_differs(self, command: Callable[..., Result], tmp_path: Path) -> None:
        result = command("diff", *self.zips(tmp_path))
        assert (result.exit_code, result.stderr) == (1, "")
        lines = [line.split() for line in result.stdout.splitlines()]
        head = " ".join(lines[0])
        assert re.fullmatch(r"zipped \S+ KiB → \S+ KiB \(\+3.9 KiB\), unzipped 5.0 KiB → 9.0 KiB \(\+3.9 KiB\)", head)
        assert lines[2] == ["package", "version", "zipped", "unzipped"]
        # What changed most comes first.
        assert lines[3][:4] == ["idna", "3.9", "→", "3.10"]
        assert lines[3][-2:] == ["+3.9", "KiB"]
        assert [line[:3] for line in lines[4:6]] == [["+", "anyio", "4"], ["-", "six", "1.17"]]
        assert lines[6][:2] == ["other", "files"]
        text = result.stdout
        assert text.endswith("changed:\n  app.py\n  idna/core.py\n")
        assert "added:\n  new.py\n\nremoved:\n  old.py\n\n" in text
        assert "dist-info" not in text  # the versions tell of it
        assert "anyio.py" not in text  # of a package that is new as a whole
        assert "same.py" not in text

    def test_json(self, command: Callable[..., Result], tmp_path: Path) -> None:
        found = json.loads(command("diff", "--json", *self.zips(tmp_path)).stdout)
        assert found["equal"] is False
        packages = {item["name"]: item for item in found["packages"]}
        assert set(packages) == {None, "anyio", "idna", "six"}
        assert packages["anyio"]["old"] is None
        assert packages["six"]["new"] is None
        assert packages["idna"]["new"]["unzipped_size"] - packages["idna"]["old"]["unzipped_size"] > 3900
        assert found["files"]["changed"] == ["app.py", "idna/core.py"]
        assert "new.py" in found["files"]["added"]
        assert {"old.py", "six.py"} <= set(found["files"]["removed"])

    def test_the_same_bytes(self, command: Callable[..., Result], tmp_path: Path) -> None:
        one, _ = self.zips(tmp_path)
        result = command("diff", one, one)
        assert (result.exit_code, result.stdout) == (0, "the zips have the same bytes\n")
        assert json.loads(command("diff", "--json", one, one).stdout)["equal"] is True

    def test_the_same_files(self, command: Callable[..., Result], tmp_path: Path) -> None:
        one = made(tmp_path / "a.zip", {"a": "1", "b": "2"})
        other = made(tmp_path / "b.zip", {"b": "2", "a": "1"})
        result = command("diff", one, other)
        assert (result.exit_code, result.stdout) == (
            1,
            "the zips hold the same files; their order, times or compression differ\n",
        )

    def test_a_mode_is_a_change(self, command: Callable[..., Result], tmp_path: Path) -> None:
        paths = []
        for name, mode in (("a.zip", 0o644), ("b.zip", 0o755)):
            script = zipfile.ZipInfo("run")
            script.external_attr = mode << 16
            with zipfile.ZipFile(tmp_path / name, "w") as archive:
                archive.writestr(script, "x")
            paths.append(tmp_path / name)
        assert command("diff", *paths).stdout.endswith("changed:\n  run\n")

    def test_many_files(self, command: Callable[..., Result], tmp_path: Path) -> None:
        one = made(tmp_path / "a.zip", {"a": ""})
        other = made(tmp_path / "b.zip", {"a": ""} | {f"f{number:02}": "" for number in range(25)})
        text = command("diff", one, other).stdout
        assert "  f19\n  and 5 more; --json has all\n" in text
        assert "f20" not in text
