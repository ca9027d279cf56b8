"""``inspect --html`` writes the page; what is in it: tests/unit/report/test_report_page.py."""

from __future__ import annotations

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


def describe(path: Path, *layers: Path, kind: str = "function", **more: Any) -> None:  # noqa: ANN401 - JSON
    common = {"runtimes": ["python3.13"], "architecture": "arm64"}
    artifacts = [
        {
            "name": "api",
            "kind": kind,
            "file": path.name,
            "handler": "app.handler",
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "layers": [layer.stem for layer in layers],
            **common,
            **more,
        },
        *({"name": layer.stem, "kind": "layer", "file": layer.name, **common} for layer in layers),
    ]
    document = {"project": "shop", "version": "1.0.0", "artifacts": artifacts}
    path.with_name("shop.lambda.json").write_text(json.dumps(document), "utf-8")


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    return made(tmp_path / "api.zip", {"app.py": "def handler(event, context): ...\n"})


@pytest.fixture
def figures(command: Callable[..., Result], tmp_path: Path) -> Callable[..., Any]:
    """What the page of a zip has been given to show."""

    def run(*words: str | Path, stderr: str = "") -> Any:  # noqa: ANN401 - JSON
        page = tmp_path / "page.html"
        result = command("inspect", *words, "--html", page)
        assert (result.exit_code, result.stderr, result.stdout) == (0, stderr, f"{page}\n")
        match = re.search(r'id="figures">(.*)</script>', page.read_text("utf-8"))
        assert match is not None
        return json.loads(match[1])

    return run


def test_by_the_manifest(figures: Callable[..., Any], zipped: Path, tmp_path: Path) -> None:
    layer = made(tmp_path / "deps.zip", {"python/six.py": "6" * 1000})
    describe(zipped, layer, engine="docker")
    found = figures(zipped)
    assert {name: found[name] for name in ("file", "kind", "runtime", "architecture", "handler", "layers_size")} == {
        "file": "api.zip",
        "kind": "function",
        "runtime": "python3.13",
        "architecture": "arm64",
        "handler": "app.handler",
        "layers_size": 1000,
    }
    assert (found["findings"], found["unchecked"]) == ([], None)
    assert found["size"] == zipped.stat().st_size
    assert found["manifest"]["file"] == "shop.lambda.json"
    assert found["manifest"]["artifact"]["engine"] == "docker"


def test_what_the_checks_find(figures: Callable[..., Any], zipped: Path) -> None:
    describe(zipped, handler="app.main")
    (finding,) = figures(zipped)["findings"]
    assert (finding["check"], finding["level"]) == ("handler", "error")


def test_without_a_manifest(figures: Callable[..., Any], zipped: Path) -> None:
    found = figures(zipped)
    assert found["manifest"] is found["findings"] is found["runtime"] is found["layers_size"] is None
    assert found["unchecked"] == "no manifest of it lies beside the zip, and --runtime was not given"
    assert found["kind"] == "function"


def test_options_in_place_of_a_manifest(figures: Callable[..., Any], zipped: Path, tmp_path: Path) -> None:
    layer = made(tmp_path / "deps.zip", {"python/six.py": "6"})
    words = ["--runtime", "python3.12", "--architecture", "arm64", "--handler", "app.nothing", "--layer", layer]
    found = figures(zipped, *words)
    assert (found["runtime"], found["architecture"], found["handler"]) == ("python3.12", "arm64", "app.nothing")
    assert found["layers_size"] == 1
    assert [finding["check"] for finding in found["findings"]] == ["handler"]


def test_a_layer(figures: Callable[..., Any], tmp_path: Path) -> None:
    layer = made(tmp_path / "deps.zip", {"python/six.py": "6"})
    assert figures(layer)["kind"] == "layer"
    describe(layer, kind="layer", handler=None)
    assert figures(layer)["kind"] == "layer"
    assert figures(layer)["findings"] == []


def test_a_layer_that_is_not_there(figures: Callable[..., Any], zipped: Path, tmp_path: Path) -> None:
    describe(zipped, tmp_path / "deps.zip")
    found = figures(zipped)
    assert found["findings"] is None
    assert found["unchecked"].startswith(f"{tmp_path / 'deps.zip'} cannot be read as a zip")
    assert found["runtime"] == "python3.13"


def test_a_manifest_of_another_zip(figures: Callable[..., Any], zipped: Path) -> None:
    describe(zipped, sha256="0" * 64)
    warning = "lambda-backend: warning: shop.lambda.json describes another api.zip, which had other bytes\n"
    found = figures(zipped, stderr=warning)
    assert found["manifest"] is found["findings"] is None


def test_the_same_bytes_wherever_it_is_written(command: Callable[..., Result], zipped: Path, tmp_path: Path) -> None:
    describe(zipped)
    pages = [tmp_path / "a.html", tmp_path / "folder" / "b.html"]
    pages[1].parent.mkdir()
    for page in pages:
        assert command("inspect", zipped, "--html", page).exit_code == 0
    assert pages[0].read_bytes() == pages[1].read_bytes()
    assert str(tmp_path).encode() not in pages[0].read_bytes()


def test_an_empty_zip(figures: Callable[..., Any], tmp_path: Path) -> None:
    assert figures(made(tmp_path / "empty.zip", {}))["packages"] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--html", "a.html", "--json"), "--json prints, and --html writes a page: choose one"),
        (("--runtime", "python3.13"), "are for the checks in the page"),
        (("--html", "a.html", "--runtime", "python2.7"), "'python2.7' is none of python3."),
        (("--html", "a.html", "--runtime", "python3.13", "--architecture", "sparc"), "'sparc' is none of x86_64"),
    ],
)
def test_wrong_usage(
    command: Callable[..., Result], zipped: Path, words: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(zipped.parent)
    result = command("inspect", zipped, *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not zipped.with_name("a.html").exists()


def test_where_nothing_can_be_written(command: Callable[..., Result], zipped: Path, tmp_path: Path) -> None:
    page = tmp_path / "none" / "a.html"
    result = command("inspect", zipped, "--html", page)
    assert result.exit_code == 1
    assert result.stderr == f"lambda-backend: error: {page} cannot be written: No such file or directory\n"
