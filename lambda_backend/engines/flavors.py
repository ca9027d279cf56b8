"""How the command lines of engines differ that copy Docker's."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FLAVORS", "Flavor"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Flavor:
    """How one engine's command line differs from Docker's, which all of them copy."""

    program: str
    probe: tuple[str, ...]
    """Arguments that print the version and ``true`` for a rootless engine, and fail without an engine."""
    start: tuple[str, ...] = ()
    rootless: tuple[str, ...] = ()
    """Arguments of ``run`` that make the host's user the container's one in a rootless engine."""
    build: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    missing_image: tuple[str, ...] = ("no such image",)
    """What it says about an image that it does not have."""


FLAVORS = {
    "podman": Flavor(
        program="podman",
        probe=("info", "--format", "{{.Version.Version}} {{.Host.Security.Rootless}}"),
        # Without --http-proxy=false the host's proxies, passwords included, would be in the container's settings.
        start=("--http-proxy=false",),
        rootless=("--userns=keep-id",),
        build=("--http-proxy=false",),
        remove=("--time", "0"),
        missing_image=("no such image", "image not known"),
    ),
}
