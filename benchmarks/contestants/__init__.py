"""Everybody who takes part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.contestants.cdk import Cdk
from benchmarks.contestants.floor import Floor
from benchmarks.contestants.ours import Ours, Setuptools
from benchmarks.contestants.pex import Pex
from benchmarks.contestants.sam import Sam
from benchmarks.contestants.scripted import Scripted
from benchmarks.contestants.serverless import Serverless

if TYPE_CHECKING:
    from benchmarks.model import Contestant
    from benchmarks.tools import Tools

__all__ = ["contestants"]


def contestants(tools: Tools) -> tuple[Contestant, ...]:
    """All of them, ours first; the first peer is what the others are compared with."""
    return (
        Ours(tools=tools, start="hooks"),
        Ours(tools=tools, start="hooks", engine="docker"),
        Ours(tools=tools, start="hooks", engine="podman"),
        Ours(tools=tools, start="cli"),
        Ours(tools=tools, start="cli", engine="docker"),
        Ours(tools=tools, start="build-n"),
        Ours(tools=tools, start="build-pip"),
        Ours(tools=tools, start="build-uv"),
        Scripted(tools=tools, installer="uv"),
        Scripted(tools=tools, installer="uv", keeps=True),
        Scripted(tools=tools, installer="pip"),
        Sam(tools=tools, installer="uv"),
        Sam(tools=tools, installer="pip"),
        Pex(tools=tools),
        Cdk(tools=tools),
        Serverless(tools=tools),
        Setuptools(tools=tools, start="hooks"),
        Setuptools(tools=tools, start="build-n"),
        Setuptools(tools=tools, start="build-pip"),
        Setuptools(tools=tools, start="build-uv"),
        Floor(tools=tools, what="start"),
        Floor(tools=tools, what="install"),
    )
