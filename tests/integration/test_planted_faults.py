"""Planted faults in real zips, each found by the command with the right words; the good twin of each has no finding."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers import compiled
from tests.helpers.credentials import PLANTS
from tests.helpers.machine import project, snapshot
from tests.helpers.near_misses import NEAR_MISSES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.helpers.machine import Machine

HERE = compiled.HERE
MACHINE = {"x86_64": "x86_64", "arm64": "aarch64"}[HERE]
HANDLER = "def handler(event, context):\n    return event\n"
MODULE = f"fast.cpython-313-{MACHINE}-linux-gnu.so"
LIBC = ("libc.so.6", "GLIBC_2.17")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the command said of one zip."""

    code: int
    text: str
    """For a person."""
    findings: list[dict[str, Any]]

    def only(self, rule: str, level: str = "error") -> tuple[str, str]:
        """Message and hint of the one finding, which both forms of the answer tell."""
        (finding,) = self.findings
        assert (finding["check"], finding["level"]) == (rule, level)
        assert self.code == (1 if level == "error" else 0)
        assert f"{level}: [{rule}] {finding['message'].splitlines()[0]}" in self.text
        assert f"→ {finding['hint']}" in self.text
        return finding["message"], finding["hint"]


def check(path: Path, *options: object, runtime: str = "python3.13", architecture: str = HERE) -> Answer:
    argv = [sys.executable, "-m", "lambda_backend", "check", path, "--runtime", runtime]
    argv += ["--architecture", architecture, "--handler", "app.handler", *options]
    plain, document = (
        subprocess.run([*map(str, argv), *more], capture_output=True, text=True, check=False)
        for more in ([], ["--json"])
    )
    assert plain.returncode == document.returncode
    assert plain.stderr == document.stderr == ""
    (found,) = json.loads(document.stdout)["zips"]
    return Answer(code=plain.returncode, text=plain.stdout, findings=found["findings"])


def is_good(path: Path, *options: object, **target: str) -> bool:
    answer = check(path, *options, **target)
    return (answer.code, answer.text, answer.findings) == (0, f"{path.name}: nothing found\n", [])


def zipped(path: Path, files: Mapping[str, str | bytes] | None = None, *, handler: str = "app.py") -> Path:
    """A zip as Python makes it, with a handler."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {handler: HANDLER, **(files or {})}.items():
            archive.writestr(name, data)
    return path


def layer(path: Path, files: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"python/{name}", data)
    return path


def installed(folder: Path, requirement: str, *, python: str, platform: str) -> Path:
    """A zip made by hand, as many people do: installed into a folder for some platform, and zipped."""
    from uv import find_uv_bin

    tree = folder / "tree"
    argv = [find_uv_bin(), "pip", "install", "-q", "--target", tree, "--only-binary", ":all:", "--no-deps", requirement]
    subprocess.run([*argv, "--python-version", python, "--python-platform", platform], check=True)
    files = {path.relative_to(tree).as_posix(): path.read_bytes() for path in sorted(tree.rglob("*")) if path.is_file()}
    return zipped(folder / "function.zip", files)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A real package with compiled code, for python3.13 on Linux."""
    return installed(tmp_path, "markupsafe==3.0.3", python="3.13", platform=f"{MACHINE}-manylinux_2_17")


@pytest.mark.network
def test_a_real_wheel(wheel: Path) -> None:
    assert is_good(wheel)


@pytest.mark.network
def test_the_wrong_architecture(wheel: Path) -> None:
    other = {"x86_64": "arm64", "arm64": "x86_64"}[HERE]
    message, hint = check(wheel, architecture=other).only("binaries")
    assert message.startswith(f"markupsafe is for {HERE}, and the function runs on {other}: markupsafe/_speedups.")
    assert hint == f'install it for {other}, or set architecture = "{HERE}"'


@pytest.mark.network
def test_the_wrong_python(wheel: Path) -> None:
    message, hint = check(wheel, runtime="python3.14").only("binaries")
    assert message.startswith("markupsafe is for CPython 3.13, and python3.14 does not load it: markupsafe/_speedups.")
    assert hint.startswith("install it for Python 3.14 on Linux with glibc")


@pytest.mark.network
def test_a_mac_s_binary(tmp_path: Path) -> None:
    made = installed(tmp_path, "markupsafe==3.0.3", python="3.13", platform="aarch64-apple-darwin")
    message, hint = check(made).only("binaries")
    assert message == (
        "markupsafe is for macOS (Mach-O), and Lambda runs Linux: markupsafe/_speedups.cpython-313-darwin.so"
    )
    assert hint == f"install it for Linux on {HERE}: a build of ours does that, on any machine"


@pytest.mark.parametrize(
    ("runtime", "system", "has", "needs"),
    [("python3.13", "Amazon Linux 2023", "2.34", "2.38"), ("python3.11", "Amazon Linux 2", "2.26", "2.28")],
)
def test_a_glibc_that_is_too_new(runtime: str, system: str, has: str, needs: str, tmp_path: Path) -> None:
    name = f"fast.cpython-3{runtime[-2:]}-{MACHINE}-linux-gnu.so"
    bad, good = (compiled.library(needs=(("libc.so.6", f"GLIBC_{version}"),)) for version in (needs, has))
    message, hint = check(zipped(tmp_path / "bad.zip", {name: bad}), runtime=runtime).only("binaries")
    lacks = f"{runtime} ({system}) has GLIBC up to {has}"
    assert message == f"the zip needs GLIBC_{needs} of libc.so.6, and {lacks}: {name}"
    glibc = has.replace(".", "_")
    assert hint.startswith(
        f"pin a version that has a wheel for manylinux_{glibc} or older, or build it in the container"
    )
    assert is_good(zipped(tmp_path / "good.zip", {name: good}), runtime=runtime)


def test_a_library_that_is_missing(tmp_path: Path) -> None:
    module = compiled.library(needs=(LIBC, ("libgomp.so.1", None)))
    message, hint = check(zipped(tmp_path / "bad.zip", {MODULE: module})).only("binaries")
    assert message == (
        "the zip needs libgomp.so.1, which is neither in the zip or its layers nor in python3.13 (Amazon Linux 2023): "
        + MODULE
    )
    assert hint.startswith("put it into the folder lib/ of the zip, which Lambda's library path has")
    library = compiled.library(needs=(LIBC,), soname="libgomp.so.1")
    assert is_good(zipped(tmp_path / "good.zip", {MODULE: module, "lib/libgomp.so.1": library}))


def test_251_mib(tmp_path: Path) -> None:
    for size in (249, 251):
        with zipfile.ZipFile(tmp_path / f"{size}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("app.py", HANDLER)
            archive.writestr("numpy-2.0.dist-info/RECORD", "numpy/model.bin,,\n")
            archive.writestr("numpy/model.bin", bytes(size << 20))
    message, hint = check(tmp_path / "251.zip").only("size")
    assert "(251.0 MiB) unzipped" in message
    assert "more than Lambda takes 262,144,000; the largest:\n  numpy" in message
    assert "lambda-backend inspect" in hint
    assert is_good(tmp_path / "249.zip")


def test_six_layers(tmp_path: Path) -> None:
    function = zipped(tmp_path / "function.zip")
    layers = [layer(tmp_path / f"{number}.zip", {f"module{number}.py": ""}) for number in range(6)]
    options = [option for path in layers for option in ("--layer", path)]
    message, hint = check(function, *options).only("size")
    assert message == "6 layers; Lambda takes 5 for a function"
    assert hint == "put two layers into one"
    assert is_good(function, *options[:10])


def test_a_handler_s_module_that_is_missing(tmp_path: Path) -> None:
    message, hint = check(zipped(tmp_path / "bad.zip", handler="src/app.py")).only("handler")
    assert message == "the handler 'app.handler': there is no module app in bad.zip"
    assert hint == "did you mean src.app.handler?"
    assert is_good(zipped(tmp_path / "good.zip"))


def test_a_handler_that_is_missing(tmp_path: Path) -> None:
    made = zipped(tmp_path / "function.zip", {"other.py": "def lambda_handler(event, context): ...\n"})
    message, hint = check(made, "--handler", "other.handler").only("handler")
    assert message == "the handler 'other.handler': other.py defines no handler"
    assert hint == "did you mean other.lambda_handler?"
    assert is_good(made, "--handler", "other.lambda_handler")


def test_one_package_in_two_versions(tmp_path: Path) -> None:
    function = zipped(tmp_path / "function.zip", {"six.py": "", "six-1.17.0.dist-info/METADATA": "Name: six\n"})
    old, same = (
        layer(tmp_path / f"{version}.zip", {"six.py": "", f"six-{version}.dist-info/METADATA": "Name: six\n"})
        for version in ("1.16.0", "1.17.0")
    )
    message, hint = check(function, "--layer", old).only("collisions")
    assert message == "six is there in two versions: 1.17.0 in function.zip and 1.16.0 in 1.16.0.zip"
    assert hint == "lock both from one file, or drop the layer from the function"
    assert is_good(function, "--layer", same)


@pytest.mark.parametrize("path", ["json.py", "email/__init__.py", MODULE.replace("fast", "_json")])
def test_a_module_that_hides_the_standard_library(path: str, tmp_path: Path) -> None:
    data = compiled.library(needs=(LIBC,)) if path.endswith(".so") else b""
    message, hint = check(zipped(tmp_path / "bad.zip", {path: data})).only("collisions")
    assert message == f"{path} hides the module {path.replace('/', '.').partition('.')[0]} of Python's standard library"
    assert hint == "rename it; a backport for older Pythons is not needed"
    assert is_good(zipped(tmp_path / "good.zip", {f"shop/{path}": data}))


def test_a_runtime_that_is_deprecated(tmp_path: Path) -> None:
    """It can still be deployed to, so the exit code stays 0."""
    message, hint = check(zipped(tmp_path / "function.zip"), runtime="python3.10").only("runtime-support", "warn")
    assert message.startswith("python3.10 is deprecated since 2026-10-31")
    assert "python3.14" in hint


SHOWN = {name: plant for name, plant in PLANTS.items() if name != "url record"}
"""A RECORD makes its folder a distribution, in which passwords do not count; see the unit tests."""


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """Of a zip with every kind of credentials, each in a folder of its own."""
    folder = tmp_path_factory.mktemp("secrets")
    planted = {f"case{number}/{plant.path}": plant.data for number, plant in enumerate(SHOWN.values())}
    return check(zipped(folder / "function.zip", planted))


@pytest.mark.parametrize("name", SHOWN)
def test_credentials(name: str, secrets: Answer) -> None:
    plant = SHOWN[name]
    (finding,) = (one for one in secrets.findings if one["path"].startswith(f"case{list(SHOWN).index(name)}/"))
    assert (finding["check"], finding["level"], secrets.code) == ("secrets", "error", 1)
    assert plant.kind in finding["message"]
    assert finding["message"].startswith(f"{finding['path']} holds ")
    assert "revoke it if the zip has been anywhere" in finding["hint"]
    assert f"error: [secrets] {finding['message']}\n    → {finding['hint']}" in secrets.text


def test_no_credentials_are_shown(secrets: Answer) -> None:
    assert len(secrets.findings) == len(SHOWN)
    assert [name for name, plant in SHOWN.items() if plant.value[:12] in secrets.text] == []


def test_what_looks_like_credentials(tmp_path: Path) -> None:
    files = {f"case{number}/{path}": written for number, (path, written) in enumerate(NEAR_MISSES.values())}
    assert is_good(zipped(tmp_path / "function.zip", files))


def test_a_build_that_would_ship_credentials(machine: Machine, tmp_path: Path) -> None:
    token, address = PLANTS["npm"], PLANTS["url python"]
    table = '[tool.lambda]\nruntime = "python3.13"\nhandler = "tiny.app.handler"\n'
    made = project(tmp_path / "tiny", table, files={"tiny/settings.py": token.data + address.data})
    outcome = machine.build(made, out=tmp_path / "dist", check=False)
    assert outcome.exit_code != 0
    assert "[secrets] tiny/settings.py holds an npm token and a URL with a password" in outcome.message
    assert snapshot(tmp_path / "dist") == {}
    assert token.value not in outcome.log
    assert address.value not in outcome.log
    (made / "tiny/settings.py").write_text("TOKEN = os.environ['NPM_TOKEN']\n", "utf-8")
    machine.build(made, out=tmp_path / "dist")
