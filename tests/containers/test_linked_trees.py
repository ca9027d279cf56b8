"""What is installed in a container is linked to uv's cache there, and copied where that cannot be."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from lambda_backend.install.open import Opener
from lambda_backend.report.words import Words
from lambda_backend.settings.model import BundlingSettings
from lambda_backend.targets import target
from tests.helpers.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from lambda_backend.install.workbench import Workbench

    Opened = Callable[[BundlingSettings], contextlib.AbstractContextManager[Workbench]]

pytestmark = [pytest.mark.engine, pytest.mark.network]


@pytest.fixture
def opened(engine_environ: Mapping[str, str], build_image: str, tmp_path: Path) -> Opened:
    """Opens a workbench, with a wheel among its input."""
    wheel = make_wheel(tmp_path, "tiny")

    @contextlib.contextmanager
    def open_one(bundling: BundlingSettings) -> Iterator[Workbench]:
        opener = Opener(
            engine_environ["LAMBDA_BACKEND_ENGINE"],
            root=tmp_path,
            environ=engine_environ,
            cache=tmp_path / "cache",
            words=Words(),
        )
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        try:
            with opener.open(
                target("python3.13", "x86_64"), bundling, scratch, {"input": {wheel.name: wheel}}, "bundling"
            ) as bench:
                yield bench
        finally:
            shutil.rmtree(scratch)

    del build_image
    return open_one


def installed(bench: Workbench) -> Path:
    tree = bench.trees / "tree"
    mode = "hardlink" if bench.links else "copy"
    words = ["pip", "install", "--offline", "--no-deps", "--link-mode", mode, "--target", bench.inside(tree)]
    bench.uv([*words, "./tiny-1.0-py3-none-any.whl"], cwd=bench.input, what="installing")
    bench.pull(tree)
    return tree / "tiny.py"


def test_a_file_is_that_of_the_cache(opened: Opened, tmp_path: Path) -> None:
    with opened(BundlingSettings(network="host")) as bench:
        file = installed(bench)
        (kept,) = (tmp_path / "cache/uv-cache").glob("*/archive-v0/*/tiny.py")
        assert file.samefile(kept)
        shutil.rmtree(file.parent)
    assert kept.read_text() == "version = '1.0'\n"
    assert not list((tmp_path / "cache/uv-cache").rglob("trees/v1/tmp/*"))


@pytest.mark.parametrize(
    "bundling",
    [
        BundlingSettings(network="host", user="1234:4321"),
        BundlingSettings(network="host", file_access="volume-copy"),
        BundlingSettings(network="host", environment={"UV_CACHE_DIR": "/tmp/mine"}),  # noqa: S108 - in a container
    ],
    ids=["another user", "another machine", "another cache"],
)
def test_it_is_copied_where_linking_is_not_safe(opened: Opened, bundling: BundlingSettings) -> None:
    with opened(bundling) as bench:
        file = installed(bench)
        assert (file.stat().st_nlink, file.stat().st_uid) == (1, os.getuid())
