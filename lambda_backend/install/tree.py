"""Pins and a workbench in; an installed tree, or a wheel of a local folder, out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from lambda_backend.bundle.wheel import fits
from lambda_backend.errors import InstallError
from lambda_backend.requirements import commands, writer
from lambda_backend.settings.interpolate import without_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.install.workbench import Workbench
    from lambda_backend.requirements.model import Pin
    from lambda_backend.targets import Target

__all__ = ["build_wheel", "default_index", "install"]


def install(
    pins: Sequence[Pin],
    target: Target,
    workbench: Workbench,
    *,
    name: str,
    variables: Mapping[str, str],
    index: Callable[[], str | None] | None = None,
    fresh: bool = False,
) -> Path:
    """Install pins that are no local folders; gives the tree, one of the workbench's.

    Args:
        pins: what to install.
        target: what for.
        workbench: where.
        name: of the tree, no two the same at a workbench.
        variables: for uv's environment; secrets.
        index: gives the default index; by default uv is asked.
        fresh: take nothing from uv's cache.

    Raises:
        InstallError: a download or build failed; on the host also for a distribution that has no wheel for the target
            and is not pure Python.
    """
    lock = workbench.input / f"pylock.{name}.toml"
    # Without it uv would fetch what its cache has.
    place = (index() if index else default_index(workbench)) if any(map(_is_of_default_index, pins)) else None
    lock.write_text(writer.pylock_text(pins, default_index=place), "utf-8")
    workbench.push(lock)
    tree = workbench.trees / name
    built = [pin for pin in pins if pin.kind in {"sdist", "vcs"}]
    command = commands.install_command(
        workbench.inside(lock),
        workbench.inside(tree),
        target=target,
        build=bool(built),
        link=workbench.links and not fresh,
        fresh=fresh,
        python=workbench.interpreter,
        uv=(),
    )
    try:
        workbench.uv(
            command, cwd=workbench.input, what=f"installing the dependencies for {target.name}", variables=variables
        )
    except InstallError as error:
        if not workbench.native and built:
            raise _needs_container(built, target, cause=str(error)) from None
        raise
    workbench.pull(tree)
    if not workbench.native and (compiled := [pin for pin in built if not _is_pure_in(tree, pin)]):
        raise _needs_container(compiled, target)
    tree.mkdir(exist_ok=True)
    return tree


def default_index(workbench: Workbench) -> str | None:
    """The default index of uv, without user part."""
    said = workbench.uv(
        commands.default_index_command(uv=()), cwd=workbench.input, what="asking uv for the default index"
    )
    words = (line.split() for line in said.splitlines())
    return next((without_user(line[1]) for line in words if len(line) > 1 and line[0] == "--index-url"), None)


def _is_of_default_index(pin: Pin) -> bool:
    """Whether it is from that one; of all others uv says that an archive is from there."""
    return bool(pin.url) and pin.kind in {"wheel", "sdist"} and not (pin.direct or pin.index)


def build_wheel(source: Path, target: Target, workbench: Workbench, *, name: str) -> Path:
    """Build a wheel of a folder below the workbench's input.

    Raises:
        InstallError: the build failed, or on the host gave a wheel that is not pure Python.
    """
    # Two folders of a project may hold distributions of one name, for two of its entries.
    count = len(list(workbench.output.glob("wheel-*")))
    folder = workbench.output / f"wheel-{count}"
    folder.mkdir()
    workbench.push(folder)
    workbench.uv(
        ["build", "--wheel", "--quiet", "--no-create-gitignore", "--out-dir", workbench.inside(folder),
         workbench.inside(source)],
        cwd=source,
        what=f"building {name} from its folder",
    )  # fmt: skip
    workbench.pull(folder)
    wheel = next(folder.glob("*.whl"))
    if not fits(wheel, target, native=workbench.native):
        raise InstallError(
            f"{name} is not pure Python ({wheel.name}), so its wheel has to be built for {target.name}",
            hint="install or start a container engine (docker, podman), or name it with tool.lambda.engine",
        )
    return wheel


def _is_pure_in(tree: Path, pin: Pin) -> bool:
    import email.parser

    for info in tree.glob("*.dist-info"):
        if canonicalize_name(info.name.removesuffix(".dist-info").rpartition("-")[0]) == pin.name:
            wheel = email.parser.HeaderParser().parsestr((info / "WHEEL").read_text("utf-8"))
            tags: list[str] = wheel.get_all("Tag", [])
            return wheel.get("Root-Is-Purelib", "").lower() == "true" and all(tag.endswith("-any") for tag in tags)
    return False


def _needs_container(pins: Iterable[Pin], target: Target, cause: str | None = None) -> InstallError:
    lines = "\n".join(f"  - {pin.name} {pin.version or ''}".rstrip() for pin in pins)
    glibc = ".".join(map(str, target.runtime.glibc))
    text = (
        f"no wheel for {target.name} (glibc {glibc} or older), and on the host only pure Python is built from source:"
        f"\n{lines}"
    )
    return InstallError(
        text if cause is None else f"{text}\n{cause}",
        hint="install or start a container engine (docker, podman), or pin versions that have wheels",
    )
