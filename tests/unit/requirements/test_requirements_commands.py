from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.requirements.commands import ALL, compile_command, export_command, install_command
from lambda_backend.requirements.pylock import select
from lambda_backend.requirements.requirements_txt import parse
from lambda_backend.targets import target as target_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lambda_backend.targets import Target


def write_project(folder: Path, name: str, more: str = "", dependencies: str = "[]") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "1"\nrequires-python = ">=3.10"\n'
        f"dependencies = {dependencies}\n{more}\n"
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    )


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_all_arguments_of_compile(target: Target) -> None:
    command = compile_command(
        ["a.in"],
        target=target,
        uv_platform="x86_64-manylinux_2_34",
        only_binary=(),
        constraints=["c.txt"],
        options=[("--pre", None), ("--trusted-host", "example.com"), ("--no-index", None)],
        python="/py",
        output_path="pylock.toml",
    )
    assert command[:3] == ["uv", "pip", "compile"]
    assert command[-11:] == [
        *("--python", "/py", "--constraints", "c.txt", "--prerelease", "allow"),
        *("--allow-insecure-host", "example.com", "--output-file", "pylock.toml", "a.in"),
    ]
    assert "--only-binary" not in command


def test_uv_compiles_a_requirements_file(
    tmp_path: Path, target: Target, uv: Callable[..., str], make_wheel: Callable[..., str]
) -> None:
    make_wheel(tmp_path / "wheels/one-1-py3-none-any.whl")
    make_wheel(tmp_path / "wheels/one-2-py3-none-any.whl")
    two = make_wheel(tmp_path / "fn/two-1-py3-none-any.whl")
    write_project(tmp_path / "fn/lib", "lib", dependencies='["one"]')
    (tmp_path / "fn/c.txt").write_text("one<2\n")
    (tmp_path / "fn/requirements.txt").write_text(
        "--no-index\n--find-links ../wheels\n-c c.txt\n-e ./lib\ntwo @ file:two-1-py3-none-any.whl\n"
    )
    found = parse(tmp_path / "fn/requirements.txt", tmp_path)
    (tmp_path / "constraints.txt").write_text(found.constraints_text())
    before = snapshot(tmp_path)
    command = compile_command(
        ["-"],
        target=target,
        uv_platform=target.uv_platforms[0],
        only_binary=ALL,
        constraints=["constraints.txt"],
        options=found.options,
    )
    text = uv(command, tmp_path, found.text())
    pins = select(text, target=target, source="requirements.txt", root=tmp_path)
    assert [(pin.name, pin.kind, pin.path, pin.version) for pin in pins] == [
        ("lib", "directory", "fn/lib", None),
        ("one", "wheel", "wheels/one-1-py3-none-any.whl", "1"),
        ("two", "wheel", "fn/two-1-py3-none-any.whl", "1"),
    ]
    assert pins[2].sha256 == two
    assert snapshot(tmp_path) == before


def test_uv_exports_a_member_of_a_workspace(tmp_path: Path, target: Target, uv: Callable[..., str]) -> None:
    write_project(tmp_path, "root", '[tool.uv.workspace]\nmembers = ["packages/*"]')
    sources = '[tool.uv.sources]\nb = {workspace = true}\next = {path = "../../ext", editable = true}\n'
    extra = '[project.optional-dependencies]\nx = ["ext"]\n[dependency-groups]\nprod = ["ext"]\ndev = ["root"]\n'
    sources += "root = {workspace = true}\n"
    write_project(tmp_path / "packages/a", "a", extra + sources, '["b"]')
    write_project(tmp_path / "packages/b", "b")
    write_project(tmp_path / "ext", "ext")
    uv(["uv", "lock"], tmp_path)
    before = snapshot(tmp_path)

    def names(text: str, directory: str) -> list[tuple[str, str | None]]:
        pins = select(text, target=target, source="uv.lock", root=tmp_path, directory=directory, project="a")
        return [(pin.name, pin.path) for pin in pins]

    member = tmp_path / "packages/a"
    assert names(uv(export_command(), member), "packages/a") == [("b", "packages/b")]
    both = [("b", "packages/b"), ("ext", "ext")]
    assert names(uv(export_command(["x"]), member), "packages/a") == both
    assert names(uv(export_command([], ["prod"], package="a"), tmp_path), "") == both
    assert snapshot(tmp_path) == before


def test_installing_takes_the_widest_platform() -> None:
    command = install_command("p", "t", target=target_of("python3.11", "arm64"), build=False, link=False)
    assert "aarch64-manylinux_2_28" in command
    assert command[-1] == "--no-build"
