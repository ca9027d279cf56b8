"""Images for a processor that the engine's machine neither has nor emulates, as arm64 is without an emulator."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines.image import bundling_image
from lambda_backend.engines.protocol import ContainerSpec, ImageBuild
from lambda_backend.errors import EngineUnavailableError
from lambda_backend.targets import target

if TYPE_CHECKING:
    from pathlib import Path

    from lambda_backend.engines.protocol import Engine

pytestmark = pytest.mark.engine

ARM64 = "linux/arm64"
TAG = "localhost/lambda-backend/test-foreign:1"
VAX = 75
"""ELF has a number for it; neither the kernel nor an emulator runs its programs, whatever this machine emulates."""


def program() -> bytes:
    """A 64-bit ELF executable's headers: all that the kernel looks at before it refuses."""
    head = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head += struct.pack("<HHIQQQIHHHHHH", 2, VAX, 1, 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 128, 128, 4096) + bytes(8)


def context(folder: Path, *lines: str) -> Path:
    for name in ("sh", "sleep", "python3.13"):
        path = folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(program())
        path.chmod(0o755)
    lines = ("FROM scratch", "COPY bin /bin", "COPY bin /tmp", "ENV PATH=/bin", *lines)
    (folder / "Containerfile").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return folder


@pytest.fixture
def foreign_image(engine: Engine, tmp_path: Path) -> str:
    """An image that says arm64, and holds programs that cannot be run."""
    engine.build(ImageBuild(context=context(tmp_path), tag=TAG, platform=ARM64))
    return TAG


def assert_explains(error: EngineUnavailableError) -> None:
    assert "cannot run programs for linux/arm64" in error.message
    assert "exec format error" in error.message.lower()
    assert "tonistiigi/binfmt --install arm64" in str(error.hint)
    assert "lambda.engine=host" in str(error.hint)


def test_a_command_says_that_an_emulator_is_missing(engine: Engine, foreign_image: str) -> None:
    with (
        engine.start(ContainerSpec(image=foreign_image, platform=ARM64)) as started,
        pytest.raises(EngineUnavailableError) as caught,
    ):
        started.exec(["python3.13", "--version"])
    assert_explains(caught.value)


def test_a_build_says_that_an_emulator_is_missing(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailableError) as caught:
        engine.build(ImageBuild(context=context(tmp_path, "RUN true"), tag=f"{TAG}-run", platform=ARM64))
    assert_explains(caught.value)


def test_the_bundling_image_says_that_an_emulator_is_missing(
    engine: Engine, foreign_image: str, tmp_path: Path
) -> None:
    with pytest.raises(EngineUnavailableError) as caught:
        bundling_image(
            engine,
            target("python3.13", "arm64"),
            base=foreign_image,
            uv_version="0.13.9",
            network=None,
            cache_dir=tmp_path / "cache",
            exec_environment={},
            ca_bundle=None,
            on_line=print,
        )
    assert_explains(caught.value)
