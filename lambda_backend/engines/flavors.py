"""How the command lines of engines differ that copy Docker's.

What nerdctl takes and says is from its command reference and its sources (0.x to 2.x), what Finch adds from its own.
"""

from __future__ import annotations

import re

from lambda_backend.values import Value

__all__ = ["FLAVORS", "Flavor"]


class Flavor(Value):
    """How one engine's command line differs from Docker's, which all of them copy."""

    address: str | None = None
    """The variable that names an engine of another machine."""
    start: tuple[str, ...] = ()
    rootless: tuple[str, ...] = ()
    """Arguments of ``run`` that make the host's user the container's one in a rootless engine."""
    rootless_user: str | None = None
    """The container's user that is the host's one in a rootless engine; None leaves it to those arguments."""
    build: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    sees_platforms: bool = False
    """``image inspect`` looks at its own platform only, unless it is told another."""
    streams_copies: bool = True
    """``cp`` reads and writes tars; else the container's Python does."""
    volume_modes: bool = True
    """``--volumes-from`` takes ``CONTAINER:ro``."""
    unmountable: str = ""
    """What it cannot have in a path to mount: its ``--mount`` knows no quotes."""
    last_words: re.Pattern[str] | None = None
    """What ``exec`` adds to a failed command's own words, where it always ends with 1: its group is the exit code."""
    inline: frozenset[str] = frozenset()
    """Flags whose values have to stand in the command line where the engine is in a virtual machine: our environment
    does not get there."""
    hints: tuple[tuple[str, str], ...] = ()
    """What it says, in small letters, and what helps; the first that is in its words counts."""

    def hint(self, said: str) -> str | None:
        """What to do about an engine's words, where it is known."""
        lowered = said.lower()
        return next((hint for words, hint in self.hints if words in lowered), None)


# Of nerdctl, on a terminal and off it; Finch adds that its nerdctl failed.
_EXEC_FAILED = re.compile(
    r"""(?:time="[^"\n]*" level=fatal msg="|FATA\[\d+\] )(?:exec failed with exit code (\d+)|exit status \d+)"?\n?"""
)
_DIRECTORIES = """\
Finch's virtual machine sees your home folder only; if that is a path of this machine, add to ~/.finch/finch.yaml
      additional_directories:
        - path: /private/var/folders
        - path: /var/folders
    (and the folder of the project, if it is elsewhere), then: finch vm stop && finch vm start"""

FLAVORS = {
    "podman": Flavor(
        address="CONTAINER_HOST",
        # Without --http-proxy=false the host's proxies, passwords included, would be in the container's settings.
        start=("--http-proxy=false",),
        rootless=("--userns=keep-id",),
        build=("--http-proxy=false",),
        remove=("--time", "0"),
        hints=(
            ("podman machine", "podman machine init && podman machine start"),
            ("subuid", "give your user ranges in /etc/subuid and /etc/subgid, then: podman system migrate"),
        ),
    ),
    "finch": Flavor(
        rootless_user="0:0",
        sees_platforms=True,
        streams_copies=False,
        volume_modes=False,
        unmountable=',:"=',
        last_words=_EXEC_FAILED,
        inline=frozenset({"--build-arg"}),
        hints=(
            ("vm init", "finch vm init"),
            ("vm start", "finch vm start"),
            ("vm is not running", "finch vm start"),
            ("no such file or directory", _DIRECTORIES),
            ("buildctl", "finch vm stop && finch vm start"),
        ),
    ),
    "nerdctl": Flavor(
        rootless_user="0:0",
        sees_platforms=True,
        streams_copies=False,
        volume_modes=False,
        unmountable=',:"',
        last_words=_EXEC_FAILED,
        inline=frozenset({"--build-arg", "--env"}),
        hints=(
            (
                "rootless containerd not running",
                "containerd-rootless-setuptool.sh install starts one for your user; the system's is for root only",
            ),
            ("containerd socket", "start containerd: systemctl start containerd"),
            (
                "buildctl",
                "start BuildKit: systemctl start buildkit, or containerd-rootless-setuptool.sh install-buildkit",
            ),
        ),
    ),
}
"""By their program, which is also their name in the settings, in the order in which they are looked for."""
