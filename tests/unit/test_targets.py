from __future__ import annotations

import pytest
from packaging.tags import parse_tag

from lambda_backend.targets import architectures, limits, runtimes, target


def takes(runtime: str, architecture: str, tag: str) -> bool:
    return bool(parse_tag(tag) & set(target(runtime, architecture).tags()))


@pytest.mark.parametrize(
    ("runtime", "architecture", "tag", "expected"),
    [
        ("python3.13", "x86_64", "cp313-cp313-manylinux_2_34_x86_64", True),
        ("python3.13", "x86_64", "cp313-cp313-manylinux_2_35_x86_64", False),
        ("python3.13", "arm64", "cp313-cp313-manylinux_2_34_aarch64", True),
        ("python3.13", "arm64", "cp313-cp313-manylinux_2_28_x86_64", False),
        ("python3.11", "x86_64", "cp311-cp311-manylinux_2_26_x86_64", True),
        ("python3.11", "x86_64", "cp311-cp311-manylinux_2_27_x86_64", False),
        ("python3.11", "x86_64", "cp311-cp311-manylinux2014_x86_64", True),
        ("python3.11", "x86_64", "cp311-cp311-manylinux1_x86_64", True),
        ("python3.11", "arm64", "cp311-cp311-manylinux2010_aarch64", False),
        ("python3.12", "x86_64", "cp38-abi3-manylinux_2_17_x86_64", True),
        ("python3.12", "x86_64", "cp313-abi3-manylinux_2_17_x86_64", False),
        ("python3.12", "x86_64", "py3-none-any", True),
        ("python3.12", "x86_64", "py3-none-manylinux_2_17_x86_64", True),
        ("python3.12", "x86_64", "cp312-cp312-musllinux_1_2_x86_64", False),
        ("python3.12", "x86_64", "cp312-cp312-macosx_11_0_arm64", False),
        ("python3.12", "x86_64", "cp312-cp312-linux_x86_64", True),
        ("python3.13", "x86_64", "cp313-cp313t-manylinux_2_28_x86_64", False),
    ],
)
def test_tags_end_at_the_glibc_of_the_runtime(runtime: str, architecture: str, tag: str, expected: bool) -> None:
    assert takes(runtime, architecture, tag) is expected


def test_the_most_specific_tag_comes_first() -> None:
    assert str(target("python3.13", "x86_64").tags()[0]) == "cp313-cp313-manylinux_2_34_x86_64"


def test_markers_are_those_of_the_runtime_and_not_of_this_machine() -> None:
    environment = target("python3.12", "arm64").marker_environment()
    assert environment["platform_machine"] == "aarch64"
    assert environment["python_version"] == "3.12"
    assert environment["python_full_version"] == "3.12.0"
    assert environment["sys_platform"] == "linux"
    assert environment["platform_release"] == ""


def test_names_images_and_platforms() -> None:
    found = target("python3.13", "arm64")
    assert found.name == "python3.13-arm64"
    assert found.build_image == "public.ecr.aws/sam/build-python3.13:latest-arm64"
    assert found.run_image == "public.ecr.aws/lambda/python:3.13-arm64"
    assert found.container_platform == "linux/arm64"
    assert found.python == "/var/lang/bin/python3.13"
    assert found.uv_platforms == ("aarch64-manylinux_2_34",)


def test_uv_is_told_a_platform_that_it_knows() -> None:
    assert target("python3.11", "x86_64").uv_platforms == ("x86_64-manylinux_2_17", "x86_64-manylinux_2_28")


def test_the_facts() -> None:
    assert limits().unzipped_bytes == 262_144_000
    assert limits().direct_upload_bytes == 50 * 2**20
    assert (limits().layers_per_function, limits().runtimes_per_layer) == (5, 15)
    assert architectures() == ("x86_64", "arm64")
    assert [name for name, runtime in runtimes().items() if not runtime.preview] == [
        f"python3.{minor}" for minor in (14, 13, 12, 11, 10)
    ]
    assert str(runtimes()["python3.10"].deprecation) == "2026-10-31"
    assert runtimes()["python3.15"].preview


def test_an_unknown_runtime() -> None:
    with pytest.raises(KeyError):
        target("python2.7", "x86_64")
