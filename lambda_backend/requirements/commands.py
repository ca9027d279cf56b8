"""The commands that turn a lock or requirements file into a pylock text, and a pylock into an installed tree.

Only argv lists are made here; nothing runs. Each ``compile_command`` and ``export_command`` leaves the pylock text on
stdout. uv writes the paths of local folders relative to the folder it runs in, so the folder that a command runs in is
the ``directory`` of ``pylock.select``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambda_backend.targets import Target

__all__ = ["ALL", "compile_command", "default_index_command", "export_command", "install_command"]

ALL = (":all:",)
"""Every distribution, in pip's words."""


def compile_command(  # noqa: PLR0913 - all by keyword; each is one of uv's options
    inputs: Sequence[str],
    *,
    target: Target,
    uv_platform: str,
    only_binary: Sequence[str],
    constraints: Sequence[str] = (),
    options: Sequence[tuple[str, str | None]] = (),
    python: str | None = None,
    output_path: str | None = None,
    uv: Sequence[str] = ("uv",),
) -> list[str]:
    """``uv pip compile``: resolve requirements for a target.

    uv takes relative paths in its input as relative to the folder it runs in, not to the file that names them: give it
    ``RequirementsFile.text()`` on stdin (``-``) and run it in the project's root.

    Args:
        inputs: requirements files, or ``-`` for stdin.
        target: gives the Python version.
        uv_platform: one of ``target.uv_platforms``.
        only_binary: distributions that are refused where they have no wheel for the target, or ``:all:``.
        constraints: files for ``-c``.
        options: ``RequirementsFile.options``; uv ignores those of pip's options that this gives it in its own words.
        python: the interpreter that builds sdists for their metadata.
        output_path: None for stdout; uv wants a file's name to be ``pylock.toml`` or ``pylock.NAME.toml``.
        uv: how uv is called.
    """
    command = [*uv, "pip", "compile", "--quiet", "--format", "pylock.toml", "--no-header", "--no-python-downloads"]
    command += ["--python-version", target.runtime.python_version, "--python-platform", uv_platform]
    if python is not None:
        command += ["--python", python]
    for name in only_binary:
        command += ["--only-binary", name]
    for constraint in constraints:
        command += ["--constraints", constraint]
    for option, value in options:
        if option == "--pre":
            command += ["--prerelease", "allow"]
        elif option == "--trusted-host" and value is not None:
            command += ["--allow-insecure-host", value]
    if output_path is not None:
        command += ["--output-file", output_path]
    return [*command, *inputs]


def default_index_command(*, uv: Sequence[str] = ("uv",)) -> list[str]:
    """``uv pip compile`` of nothing: prints ``--index-url`` and the default index, and asks nobody."""
    return [*uv, "pip", "compile", "--quiet", "--emit-index-url", "--no-header", "--no-python-downloads", "/dev/null"]


def export_command(
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    *,
    package: str | None = None,
    uv: Sequence[str] = ("uv",),
) -> list[str]:
    """``uv export`` of the project in the folder it runs in: no network, no write, no check whether it is stale.

    Workspace members and path dependencies other than the project itself stay in, as directories. What comes out holds
    just the chosen extras and groups, so ``pylock.select`` is called with none.

    Args:
        extras: extras of the project.
        groups: dependency groups; the default ones (``dev``) stay out unless named.
        package: a member of the workspace, when uv runs in the workspace's root and not in the member's folder.
        uv: how uv is called.
    """
    command = [*uv, "export", "--quiet", "--frozen", "--format", "pylock.toml", "--no-header", "--no-python-downloads"]
    command += ["--no-emit-project", "--no-default-groups", "--no-editable"]
    if package is not None:
        command += ["--package", package]
    for extra in extras:
        command += ["--extra", extra]
    for group in groups:
        command += ["--group", group]
    return command


def install_command(
    pylock_path: str,
    target_dir: str,
    *,
    target: Target,
    build: bool,
    link: bool,
    fresh: bool = False,
    python: str | None = None,
    uv: Sequence[str] = ("uv",),
) -> list[str]:
    """``uv pip install`` of a pylock made by ``writer.pylock_text`` into a folder.

    Args:
        pylock_path: uv wants the name to be ``pylock.toml`` or ``pylock.NAME.toml``.
        target_dir: made if it is missing.
        target: gives Python version and platform.
        build: sdists and repositories may be built; right only where the running Python is the target's.
        link: the files may be those of uv's cache, which nobody must change then.
        fresh: take nothing from uv's cache.
        python: the interpreter to work with.
        uv: how uv is called.
    """
    # The pylock holds one archive for each distribution, chosen by the target's exact tags. uv knows no
    # manylinux_2_26, so it is told the widest platform there is, which takes every archive that was chosen.
    platform = target.uv_platforms[-1]
    command = [*uv, "pip", "install", "--preview-features", "pylock", "-r", pylock_path, "--target", target_dir]
    command += ["--python-platform", platform, "--python-version", target.runtime.python_version]
    command += ["--no-python-downloads", "--no-deps", "--link-mode", "hardlink" if link else "copy"]
    if python is not None:
        command += ["--python", python]
    if fresh:
        command.append("--no-cache")
    if not build:
        command.append("--no-build")
    return command
