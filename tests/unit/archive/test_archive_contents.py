"""Which distribution a file of a zip belongs to, whoever made the zip."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from lambda_backend.archive.contents import Content, contents
from lambda_backend.archive.extract import extract
from lambda_backend.errors import BundleError
from tests.helpers.broken_zips import BROKEN, broken_zip

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def made(path: Path, files: Mapping[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def owners(path: Path) -> dict[str, str]:
    return {file.path: file.owner for file in contents(path).files}


def test_a_distribution_owns_what_its_record_lists(tmp_path: Path) -> None:
    record = "Shop_Core-1.0.dist-info/METADATA,,\nShop_Core-1.0.dist-info/RECORD,,\nshop/a.py,,\n../../bin/shop,,\n"
    found = made(
        tmp_path / "a.zip",
        {
            "Shop_Core-1.0.dist-info/METADATA": "",
            "Shop_Core-1.0.dist-info/RECORD": record,
            "Shop_Core-1.0.dist-info/licenses/NOTICE": "",
            "shop/a.py": "",
            "shop/b.py": "",
            "bin/shop": "",
            "bin/other": "",
        },
    )
    assert owners(found) == {
        "Shop_Core-1.0.dist-info/METADATA": "shop-core",
        "Shop_Core-1.0.dist-info/RECORD": "shop-core",
        "Shop_Core-1.0.dist-info/licenses/NOTICE": "shop-core",
        "bin/other": "",
        "bin/shop": "shop-core",
        "shop/a.py": "shop-core",
        "shop/b.py": "",
    }
    (one,) = contents(found).distributions
    assert (one.name, one.version, one.root, one.folder) == ("shop-core", "1.0", "", "Shop_Core-1.0.dist-info")


@pytest.mark.parametrize("root", ["python/", "python/lib/python3.13/site-packages/", "deep/down/"])
def test_below_a_prefix(root: str, tmp_path: Path) -> None:
    files = {f"{root}a-1.dist-info/RECORD": "a.py,,\na-1.dist-info/RECORD,,\n", f"{root}a.py": "", "a.py": ""}
    found = contents(made(tmp_path / "a.zip", files))
    assert {file.path for file in found.files if file.owner == "a"} == {f"{root}a.py", f"{root}a-1.dist-info/RECORD"}
    assert found.distributions[0].root == root


def test_what_is_vendored_is_no_distribution(tmp_path: Path) -> None:
    record = "big/__init__.py,,\nbig/_vendor/small-2.dist-info/METADATA,,\nbig/_vendor/small.py,,\n"
    files = {
        "big-1.dist-info/RECORD": record,
        "big/__init__.py": "",
        "big/_vendor/small-2.dist-info/METADATA": "",
        "big/_vendor/small.py": "",
    }
    found = contents(made(tmp_path / "a.zip", files))
    assert [one.name for one in found.distributions] == ["big"]
    assert {file.owner for file in found.files} == {"big"}


def test_without_a_record_the_name_tells(tmp_path: Path) -> None:
    files = {
        "foo_bar-1.dist-info/METADATA": "",
        "foo_bar/x/y.py": "",
        "six-1.17.dist-info/METADATA": "",
        "six.py": "",
        "sixth.py": "",
    }
    assert owners(made(tmp_path / "a.zip", files)) == {
        "foo_bar-1.dist-info/METADATA": "foo-bar",
        "foo_bar/x/y.py": "foo-bar",
        "six-1.17.dist-info/METADATA": "six",
        "six.py": "six",
        "sixth.py": "",
    }


def test_bytecode_belongs_to_whom_its_module_belongs(tmp_path: Path) -> None:
    files = {
        "a-1.dist-info/RECORD": "a/b.py,,\n",
        "a/b.py": "",
        "a/__pycache__/b.cpython-313.pyc": "",
        "a/__pycache__/b.cpython-313.opt-1.pyc": "",
        "a/__pycache__/c.cpython-313.pyc": "",
    }
    found = owners(made(tmp_path / "a.zip", files))
    assert [path for path, owner in found.items() if not owner] == ["a/__pycache__/c.cpython-313.pyc"]


def test_figures(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("folder") if hasattr(archive, "mkdir") else archive.writestr("folder/", "")
        script = zipfile.ZipInfo("folder/run")
        script.external_attr = 0o100755 << 16
        script.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(script, "x" * 1000)
    (file,) = contents(path).files
    assert isinstance(file, Content)
    assert (file.path, file.size, file.executable) == ("folder/run", 1000, True)
    assert 0 < file.compressed_size < 100


@pytest.mark.parametrize("text", [b"", b"PK\x03\x04 no zip"])
def test_what_is_no_zip(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(text)
    with pytest.raises(BundleError, match="cannot be read as a zip"):
        contents(path)


@pytest.mark.parametrize("how", BROKEN)
def test_what_cannot_be_read_to_the_end(how: str, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(broken_zip(how, "a-1.dist-info/RECORD"))
    with pytest.raises(BundleError, match=r"a\.zip cannot be read as a zip: \S"):
        contents(path)
    with pytest.raises(BundleError, match=r"a\.zip cannot be unpacked to .*: \S"):
        extract(path, tmp_path / "out")


def test_a_record_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"a\.zip: a-1\.dist-info/RECORD is no valid RECORD"):
        contents(made(tmp_path / "a.zip", {"a-1.dist-info/RECORD": 'a"b,"c'}))
