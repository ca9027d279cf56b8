"""What an engine says about itself, in Docker's words or in Podman's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Traits"]


class Traits(Value):
    """What about an engine decides how containers are started."""

    rootless: bool = False
    """Its containers' root is the user that it runs as."""
    selinux: bool = False
    """It labels containers, which keeps them from files of the host."""

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> Traits:
        """The answer to ``info``: Docker's, which nerdctl and Podman's socket copy, or that of Podman's command."""
        if isinstance(host := info.get("host"), dict):
            security = host.get("security") or {}
            return cls(rootless=bool(security.get("rootless")), selinux=bool(security.get("selinuxEnabled")))
        # ``name=seccomp,profile=default``, ``name=rootless``, …
        options = {str(option).partition(",")[0] for option in info.get("SecurityOptions") or ()}
        return cls(rootless="name=rootless" in options, selinux="name=selinux" in options)
