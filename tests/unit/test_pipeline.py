from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from lambda_backend.errors import MissingExtraError
from lambda_backend.pipeline import Build
from lambda_backend.planning import may_compile
from lambda_backend.report.words import Words
from lambda_backend.settings.load import load

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = """
[project]
name = "shop"
version = "1.0.0"
[tool.lambda]
runtime = "python3.13"
engine = "host"
"""


def build(root: Path, table: str, environ: dict[str, str] | None = None) -> Build:
    (root / "pyproject.toml").write_text(PROJECT + table)
    environ = environ or {"LAMBDA_BACKEND_CACHE_DIR": str(root.parent / "cache")}
    loaded = load(root / "pyproject.toml", config_settings=None, environ=environ)
    return Build(root=root, loaded=loaded, environ=environ, words=Words(io.StringIO()))


def test_folders_of_entries_and_includes_are_no_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path /= "project"
    for name in ("shop/__init__.py", "shop/api.py", "functions/worker/index.py", "conf/a.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("def handler(event, context): return 1\n")
    monkeypatch.chdir(tmp_path)
    made = build(
        tmp_path,
        """
        include = [{ from = "conf/*.json", to = "conf" }, { from = "shop/data", to = "x" }]
        [tool.lambda.functions.api]
        handler = "shop.api.handler"
        include = [{ from = "conf/*.json", to = "conf" }]
        [tool.lambda.functions.worker]
        entry = "functions/worker"
        include = []
        """,
    )
    dist = tmp_path / "dist"
    dist.mkdir()
    name = made.wheel(dist, None)
    with zipfile.ZipFile(dist / name) as wheel:
        tops = {path.split("/")[0] for path in wheel.namelist()}
    assert tops == {"shop", "shop-1.0.0.dist-info"}
    with zipfile.ZipFile(dist / "shop-1.0.0-worker-python3.13-x86_64.zip") as archive:
        assert archive.namelist() == ["index.py"]
    with zipfile.ZipFile(dist / "shop-1.0.0-api-python3.13-x86_64.zip") as archive:
        assert {"shop/api.py", "conf/a.json"} <= set(archive.namelist())


@pytest.mark.parametrize(
    ("table", "backend", "expected"),
    [
        ("", "setuptools.build_meta", False),
        ('[tool.setuptools]\next-modules = [{ name = "c", sources = ["c.c"] }]', "setuptools.build_meta", True),
        ("", "hatchling.build", False),
        ("", "poetry.core.masonry.api", False),
        ("", "mesonpy", True),
        ("", "maturin", True),
    ],
)
def test_who_may_compile(tmp_path: Path, table: str, backend: str, expected: bool) -> None:
    (tmp_path / "pyproject.toml").write_text(table)
    assert may_compile(tmp_path, backend) is expected


def test_a_setup_py_may_compile(tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_text("")
    assert may_compile(tmp_path, "setuptools.build_meta")


def test_the_library_for_bills_of_materials_is_missed_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path /= "project"
    (tmp_path / "shop").mkdir(parents=True)
    (tmp_path / "shop/api.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "cyclonedx", None)
    made = build(tmp_path, 'sbom = true\nhandler = "shop.api.handler"\n[tool.lambda.layers.deps]\ngroups = ["absent"]')
    (tmp_path / "dist").mkdir()
    with pytest.raises(MissingExtraError) as caught:
        made.wheel(tmp_path / "dist", None)
    assert str(caught.value) == (
        "tool.lambda.sbom: the cyclonedx-python-lib package is not installed, and writes bills of materials\n"
        "  → pip install 'lambda-backend[sbom]' (an isolated build asks for it by itself)"
    )
    assert list((tmp_path / "dist").iterdir()) == []


def test_nothing_of_it_is_imported_unasked(tmp_path: Path) -> None:
    tmp_path /= "project"
    (tmp_path / "shop").mkdir(parents=True)
    (tmp_path / "shop/api.py").write_text("def handler(event, context): return 1\n")
    (tmp_path / "pyproject.toml").write_text(PROJECT + 'handler = "shop.api.handler"')
    (tmp_path / "dist").mkdir()
    script = (
        "import lambda_backend, sys; lambda_backend.build_wheel('dist'); print(sorted(sys.modules), file=sys.stderr)"
    )
    environ = {**os.environ, "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path.parent / "cache")}
    argv = [sys.executable, "-c", script]
    done = subprocess.run(argv, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
    assert "'lambda_backend.report.manifest'" in done.stderr
    assert "cyclonedx" not in done.stderr
    assert len(list((tmp_path / "dist").glob("*.zip"))) == 1
