from __future__ import annotations

from typing import Any

import pytest

from lambda_backend.engines.protocol import ContainerSpec
from lambda_backend.engines.traits import Traits

PODMAN = {"host": {"security": {"rootless": True, "selinuxEnabled": False}}, "version": {"Version": "5.6.0"}}
DOCKER = {"SecurityOptions": ["name=seccomp,profile=default", "name=selinux", "name=cgroupns"]}
NERDCTL = {"SecurityOptions": ["name=apparmor", "name=seccomp,profile=builtin", "name=rootless"]}


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (PODMAN, Traits(rootless=True)),
        ({"host": {"security": {"rootless": False, "selinuxEnabled": True}}}, Traits(selinux=True)),
        (DOCKER, Traits(selinux=True)),
        (NERDCTL, Traits(rootless=True)),
        ({"SecurityOptions": None}, Traits()),
        ({}, Traits()),
    ],
)
def test_traits(info: dict[str, Any], expected: Traits) -> None:
    assert Traits.of(info) == expected


def test_labels_are_off_where_selinux_is_on_and_the_user_says_nothing_of_them() -> None:
    spec = ContainerSpec(image="i", platform="linux/amd64", security_opt=("no-new-privileges",))
    assert spec.security_options(selinux=True) == ("no-new-privileges", "label=disable")
    assert spec.security_options(selinux=False) == ("no-new-privileges",)
    labelled = ContainerSpec(image="i", platform="linux/amd64", security_opt=("label=type:container_t",))
    assert labelled.security_options(selinux=True) == ("label=type:container_t",)
