"""Planted faults, each in a real file, and what looks like one and is none."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Literal

import pytest

from lambda_backend.checks.binaries import check
from lambda_backend.checks.model import ForeignFile, Problem, Subject
from lambda_backend.targets import runtimes, target
from tests.helpers import compiled
from tests.helpers.facts import collect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = compiled.HERE
OTHER = {"x86_64": "arm64", "arm64": "x86_64"}[HERE]
MACHINE = {"x86_64": "x86_64", "arm64": "aarch64"}
TAG = f"cpython-312-{MACHINE[HERE]}-linux-gnu"
MACHO = struct.pack("<IiiI", 0xFEEDFACF, 0x0100000C, 0, 6) + bytes(100)
WINDOWS = b"MZ" + bytes(58) + struct.pack("<I", 128) + bytes(64) + b"PE\0\0" + bytes(20)
LIBC = ("libc.so.6", "GLIBC_2.17")


def lib(*needs: tuple[str, str | None], soname: str | None = None, search: str | None = None) -> bytes:
    return compiled.library(needs=needs or (LIBC,), soname=soname, search=search)


def wheel(*tags: str) -> bytes:
    return "".join(["Wheel-Version: 1.0\n", *(f"Tag: {tag}\n" for tag in tags)]).encode()


def subject(
    files: Mapping[str, bytes],
    *,
    owner: str = "fast",
    owners: Mapping[str, str] | None = None,
    runtime: str = "python3.12",
    architecture: str = HERE,
    kind: Literal["function", "layer"] = "function",
    layers: Sequence[Subject] = (),
) -> Subject:
    return Subject(
        name="made",
        kind=kind,
        target=target(runtime, architecture),
        handler=None,
        files={
            path: ForeignFile(
                path=path, size=len(data), compressed_size=len(data), owner=(owners or {}).get(path, owner)
            )
            for path, data in files.items()
        },
        facts=collect(files.items()),
        read=files.__getitem__,
        zip_size=0,
        unzipped_size=0,
        layers=layers,
    )


def only(found: Subject) -> Problem:
    (problem,) = check(found)
    assert problem.hint
    return problem


# Faults.


@pytest.mark.parametrize("name", [f"fast/_fast.{TAG}", "fast/_fast.abi3", "fast/_fast", "fast.libs/libfast-1234abcd"])
def test_another_processor(name: str) -> None:
    data = compiled.on(compiled.MACHINES[OTHER], lib())
    problem = only(subject({f"{name}.so": data}))
    assert problem.message == f"fast is for {OTHER}, and the function runs on {HERE}: {name}.so"
    assert f'architecture = "{OTHER}"' in (problem.hint or "")
    assert problem.path == f"{name}.so"


def test_a_file_named_for_another_processor() -> None:
    tag = f"cpython-312-{MACHINE[OTHER]}-linux-gnu"
    problem = only(subject({f"fast/_fast.{tag}.so": compiled.on(compiled.MACHINES[OTHER], lib())}))
    assert problem.message.startswith(f"fast is for {OTHER}, and the function runs on {HERE}")


def test_a_program_for_another_processor() -> None:
    data = compiled.on(compiled.MACHINES[OTHER], compiled.program("static"))
    assert only(subject({"tools/convert": data}, owner="include")).message.startswith(
        f"what is included is for {OTHER}"
    )


def test_a_processor_that_lambda_has_not() -> None:
    problem = only(subject({"fast/_fast.abi3.so": compiled.on(243, lib())}))
    assert "RISC-V" in problem.message
    assert "architecture" not in (problem.hint or "")


@pytest.mark.parametrize(
    ("runtime", "needs", "message"),
    [
        ("python3.12", ("libc.so.6", "GLIBC_2.38"), "python3.12 (Amazon Linux 2023) has GLIBC up to 2.34"),
        ("python3.11", ("libm.so.6", "GLIBC_2.27"), "python3.11 (Amazon Linux 2) has GLIBC up to 2.26"),
        ("python3.12", ("libstdc++.so.6", "GLIBCXX_3.4.30"), "GLIBCXX up to 3.4.29"),
        ("python3.11", ("libstdc++.so.6", "GLIBCXX_3.4.29"), "GLIBCXX up to 3.4.24"),
        ("python3.12", ("libstdc++.so.6", "CXXABI_1.3.14"), "CXXABI up to 1.3.13"),
        ("python3.11", ("libstdc++.so.6", "CXXABI_1.3.13"), "CXXABI up to 1.3.11"),
        ("python3.11", ("libgcc_s.so.1", "GCC_12.0.0"), "GCC up to 7.0.0"),
        ("python3.11", ("libz.so.1", "ZLIB_1.2.9"), "ZLIB up to 1.2.7.1"),
    ],
)  # fmt: skip
def test_a_system_library_that_is_too_old(runtime: str, needs: tuple[str, str], message: str) -> None:
    problem = only(subject({"fast/_fast.abi3.so": lib(needs)}, runtime=runtime))
    assert problem.message.startswith(f"fast needs {needs[1]} of {needs[0]}, and {runtime}")
    assert message in problem.message
    assert problem.message.endswith(": fast/_fast.abi3.so")
    glibc = "_".join(map(str, runtimes()[runtime].glibc))
    assert f"manylinux_{glibc}" in (problem.hint or "")


def test_the_highest_version_of_all_files_is_told_once() -> None:
    files = {
        f"fast/{name}.{TAG}.so": lib(("libc.so.6", f"GLIBC_2.{minor}"))
        for name, minor in (("a", 35), ("b", 39), ("c", 36), ("d", 38), ("e", 17))
    }
    problem = only(subject(files))
    assert "needs GLIBC_2.39 of libc.so.6" in problem.message
    assert problem.message.endswith(f"fast/a.{TAG}.so, fast/b.{TAG}.so, fast/c.{TAG}.so and 1 more")
    assert problem.path is None


def test_own_code_is_told_to_be_built_elsewhere() -> None:
    problem = only(subject({"shop/_fast.abi3.so": lib(("libc.so.6", "GLIBC_2.40"))}, owner="project"))
    assert problem.message.startswith("the project needs GLIBC_2.40")
    assert problem.hint == "build it in the container of the runtime"


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        (f"cpython-311-{MACHINE[HERE]}-linux-gnu", "CPython 3.11"),
        (f"cpython-312t-{MACHINE[HERE]}-linux-gnu", "CPython 3.12, free-threaded"),
        (f"pypy310-pp73-{MACHINE[HERE]}-linux-gnu", "PyPy"),
        (f"cpython-312-{MACHINE[HERE]}-linux-musl", "systems with musl"),
    ],
)
def test_another_python(tag: str, words: str) -> None:
    files = {f"fast/{name}.{tag}.so": lib() for name in "abcde"}
    problem = only(subject(files))
    assert problem.message.startswith(f"fast is for {words}, and python3.12 does not load it: fast/a.")
    assert problem.message.endswith("and 2 more")


@pytest.mark.parametrize(
    ("name", "tag", "words"),
    [
        ("_fast", "cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311"),
        ("_fast.abi3", "cp313-abi3-manylinux_2_17_x86_64", "cp313-abi3"),
    ],
)
def test_a_name_without_a_python_is_known_by_its_wheel(name: str, tag: str, words: str) -> None:
    files = {f"fast/{name}.so": lib(), "fast-1.0.dist-info/WHEEL": wheel(tag)}
    assert (
        only(subject(files)).message
        == f"fast came from a wheel for {words}, which python3.12 cannot use: fast/{name}.so"
    )


@pytest.mark.parametrize("needed", ["libc.so", "libc.musl-x86_64.so.1"])
def test_musl(needed: str) -> None:
    problem = only(subject({"fast/_fast.abi3.so": lib((needed, None))}))
    assert "is for systems with musl" in problem.message
    assert "manylinux" in (problem.hint or "")


@pytest.mark.parametrize("name", ["_fast.cpython-312-darwin.so", f"_fast.{TAG}.so", "_fast.abi3.so", "_fast.so"])
def test_macos(name: str) -> None:
    problem = only(subject({f"fast/{name}": MACHO}))
    assert problem.message == f"fast is for macOS (Mach-O), and Lambda runs Linux: fast/{name}"
    assert HERE in (problem.hint or "")


def test_windows() -> None:
    problem = only(subject({"fast/_fast.cp312-win_amd64.pyd": WINDOWS, "fast/fast.dll": WINDOWS}))
    assert problem.message == "fast is for Windows (PE), and Lambda runs Linux: fast/_fast.cp312-win_amd64.pyd"


@pytest.mark.parametrize(
    ("name", "data", "platform"),
    [("lib_fast.dylib", MACHO, "macosx_11_0_arm64"), ("lib_fast.dll", WINDOWS, "win_amd64")],
)
def test_a_library_of_a_wheel_for_another_system(name: str, data: bytes, platform: str) -> None:
    files = {f"fast/{name}": data, "fast-1.0.dist-info/WHEEL": wheel(f"py3-none-{platform}")}
    assert f": fast/{name}" in only(subject(files)).message


def test_a_damaged_file() -> None:
    assert "cut off or damaged" in only(subject({"fast/_fast.abi3.so": lib()[:3000]})).message


def test_a_library_that_is_missing() -> None:
    files = {f"fast/_fast.{TAG}.so": lib(LIBC, ("libgomp.so.1", None)), "fast/_other.abi3.so": lib()}
    problem = only(subject(files))
    assert problem.message == (
        "fast needs libgomp.so.1, which is neither in the zip or its layers nor in python3.12 (Amazon Linux 2023): "
        f"fast/_fast.{TAG}.so"
    )
    assert "lib/" in (problem.hint or "")


def test_opencv() -> None:
    """The classic, with a sister that has it all."""
    data = lib(LIBC, ("libGL.so.1", None), ("libX11.so.6", None), ("libICE.so.6", None), ("libSM.so.6", None))
    problem = only(subject({"cv2/cv2.abi3.so": data}, owner="opencv-python"))
    assert "needs libGL.so.1, libICE.so.6, libSM.so.6 and 1 more" in problem.message
    assert "opencv-python-headless" in (problem.hint or "")


@pytest.mark.parametrize(
    ("runtime", "library", "there"),
    [
        ("python3.11", "libexpat.so.1", True),
        ("python3.12", "libexpat.so.1", False),
        ("python3.11", "libglib-2.0.so.0", False),
        ("python3.12", "libglib-2.0.so.0", True),
        ("python3.12", "libpython3.12.so.1.0", True),
        ("python3.12", "libpython3.11.so.1.0", False),
        ("python3.12", "libcrypt.so.1", True),
        ("python3.12", "libatomic.so.1", False),
        ("python3.12", "libgfortran.so.5", False),
    ],
)
def test_what_a_runtime_has(runtime: str, library: str, there: bool) -> None:
    assert (not list(check(subject({"fast/_fast.abi3.so": lib((library, None))}, runtime=runtime)))) is there


def test_users_libraries_lie_where_the_loader_searches() -> None:
    files = {"shop/_fast.abi3.so": lib(("libown.so.1", None)), "vendor/libown.so.1": lib(soname="libown.so.1")}
    problem = only(subject(files, owner="project", owners={"vendor/libown.so.1": "include"}))
    assert "the project needs libown.so.1" in problem.message
    assert "$ORIGIN" in (problem.hint or "")


def test_the_wrong_place_in_a_layer() -> None:
    files = {"python/shop/_fast.abi3.so": lib(("libown.so.1", None)), "python/libown.so.1": lib(soname="libown.so.1")}
    assert "needs libown.so.1" in only(subject(files, owner="project", kind="layer")).message


def test_a_library_for_another_processor_is_none() -> None:
    files = {
        "fast/_fast.abi3.so": lib(("libown.so.1", None), search="$ORIGIN"),
        "fast/libown.so.1": compiled.on(compiled.MACHINES[OTHER], lib(soname="libown.so.1")),
    }
    assert {problem.message.split(",")[0] for problem in check(subject(files))} == {
        f"fast is for {OTHER}",
        "fast needs libown.so.1",
    }


# No faults.


@pytest.mark.parametrize(
    "path",
    [
        f"fast/_fast.{TAG}.so",
        "fast/_fast.abi3.so",
        "fast/_fast.so",
        "_fast.so",
        "fast.libs/libfast-12ab.so.1.2",
        "bin/x",
    ],
)
@pytest.mark.parametrize("runtime", ["python3.12"])
def test_what_fits(path: str, runtime: str) -> None:
    data = lib(("libc.so.6", "GLIBC_2.34"), ("libstdc++.so.6", "GLIBCXX_3.4.29"), ("libstdc++.so.6", "CXXABI_1.3.13"))
    assert list(check(subject({path: data}, runtime=runtime))) == []


@pytest.mark.parametrize("symbol", ["GLIBC_PRIVATE", "CXXABI_FLOAT128", "OTHER_9.9", "GLIBC_2.2.5"])
def test_versions_that_tell_no_number_or_are_old(symbol: str) -> None:
    assert list(check(subject({"fast/_fast.abi3.so": lib(("libc.so.6", symbol))}))) == []


def test_versions_that_the_loader_does_without() -> None:
    data = compiled.library(needs=(("libc.so.6", "GLIBC_2.99"),), weak=True)
    assert list(check(subject({"fast/_fast.abi3.so": data}))) == []


@pytest.mark.parametrize(
    ("search", "place"),
    [
        ("$ORIGIN", "fast/libown-12ab.so.1"),
        ("${ORIGIN}/../fast.libs", "fast.libs/libown-12ab.so.1"),
        ("/nowhere:$ORIGIN/lib", "fast/lib/libown-12ab.so.1"),
        ("/var/task/own", "own/libown-12ab.so.1"),
        (None, "libown-12ab.so.1"),
        (None, "lib/libown-12ab.so.1"),
    ],
)
def test_where_the_loader_searches(search: str | None, place: str) -> None:
    files = {"fast/_fast.abi3.so": lib(("libown-12ab.so.1", None), search=search), place: lib()}
    assert list(check(subject(files, owner="project"))) == []


def test_libraries_of_a_layer() -> None:
    layer = subject({"lib/libown.so.1": lib(soname="libown.so.1")}, owner="include", kind="layer")
    function = subject({"shop/_fast.abi3.so": lib(("libown.so.1", None))}, owner="project", layers=[layer])
    assert list(check(function)) == []
    alone = subject({"shop/_fast.abi3.so": lib(("libown.so.1", None))}, owner="project")
    assert len(list(check(alone))) == 1


def test_libraries_in_the_same_layer() -> None:
    files = {
        "python/fast/_fast.abi3.so": lib(("libown-12ab.so.1", None), search="$ORIGIN/../fast.libs"),
        "python/fast.libs/libown-12ab.so.1": lib(),
        "python/shop/_shop.abi3.so": lib(("libput.so.1", None)),
        "lib/libput.so.1": lib(),
    }
    assert list(check(subject(files, owner="project", kind="layer"))) == []


def test_a_library_that_a_distribution_has_loaded_before() -> None:
    """Torch and pyarrow load theirs before the modules that need them, by their SONAMEs."""
    files = {
        "torch/lib/libc10.so": lib(soname="libc10.so"),
        "torchvision/_C.so": lib(("libc10.so", None)),
    }
    owners = {"torch/lib/libc10.so": "torch", "torchvision/_C.so": "torchvision"}
    assert list(check(subject(files, owners=owners))) == []


def test_a_newer_library_that_is_shipped() -> None:
    files = {
        "fast/_fast.abi3.so": lib(("libstdc++.so.6", "GLIBCXX_3.4.33"), search="$ORIGIN/../fast.libs"),
        "fast.libs/libstdc++.so.6": lib(soname="libstdc++.so.6"),
    }
    assert list(check(subject(files))) == []


def test_modules_for_several_platforms_side_by_side() -> None:
    files = {
        f"fast/_fast.cpython-312-{MACHINE[HERE]}-linux-gnu.so": lib(),
        f"fast/_fast.cpython-312-{MACHINE[OTHER]}-linux-gnu.so": compiled.on(compiled.MACHINES[OTHER], lib()),
        f"fast/_fast.cpython-311-{MACHINE[HERE]}-linux-gnu.so": lib(("libc.so.6", "GLIBC_2.2.5")),
        "fast/_fast.cpython-312-darwin.so": MACHO,
        "fast/_fast.cp312-win_amd64.pyd": WINDOWS,
    }
    assert list(check(subject(files))) == []


def test_a_layer_for_two_runtimes() -> None:
    files = {
        f"python/lib/python3.{minor}/site-packages/fast/_fast.cpython-3{minor}-{MACHINE[HERE]}-linux-gnu.so": lib()
        for minor in (12, 13)
    }
    for runtime in ("python3.12", "python3.13"):
        assert list(check(subject(files, kind="layer", runtime=runtime))) == []


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("setuptools/cli-64.exe", WINDOWS),
        ("setuptools/gui.exe", WINDOWS),
        ("fast/msvcp140.dll", WINDOWS),
        ("fast/portaudio.dylib", MACHO),
        ("fast/tests/data/hello.so", MACHO),
        ("fast/attach_darwin.so", MACHO),
        ("fast/bin/macos/tool", MACHO),
        ("fast/tool.cpp.o", compiled.on(247, lib())),
        ("fast/_fast.cp312-win_amd64.pyd", WINDOWS),
    ],
)
def test_what_no_code_loads_here(path: str, data: bytes) -> None:
    files = {path: data, "fast/_fast.py": b"", "fast-1.0.dist-info/WHEEL": wheel("py3-none-any")}
    assert list(check(subject(files))) == []


def test_files_that_code_chooses_by_the_platform() -> None:
    there = compiled.on(compiled.MACHINES[OTHER], lib())
    files = {
        f"debugpy/attach_linux_{'arm64' if OTHER == 'arm64' else 'amd64'}.so": there,
        f"fast/data/linux-{MACHINE[OTHER]}/libfast.so": there,
        "fast/libfast-musl.so": lib(("libc.so", None)),
    }
    assert list(check(subject(files))) == []


def test_what_code_chooses_need_not_keep_from_deploying() -> None:
    word = {"x86_64": "amd64", "arm64": "aarch64"}[HERE]
    newer = lib(("libc.so.6", "GLIBC_2.38"))
    files = {f"debugpy/attach_linux_{word}.so": newer, f"fast/_fast.{TAG}.so": newer}
    owners = {f"debugpy/attach_linux_{word}.so": "debugpy"}
    assert {problem.message.split()[0]: problem.warns for problem in check(subject(files, owners=owners))} == {
        "debugpy": True,
        "fast": False,
    }


def test_a_program_of_a_package_for_every_platform() -> None:
    there = compiled.on(compiled.MACHINES[OTHER], compiled.program("static"))
    files = {"selenium/webdriver/common/linux/manager": there, "selenium-4.0.dist-info/WHEEL": wheel("py3-none-any")}
    assert list(check(subject(files, owner="selenium"))) == []


@pytest.mark.parametrize("kind", ["static", "object"])
def test_what_needs_no_library(kind: str) -> None:
    assert list(check(subject({f"fast/made.{kind[0]}": compiled.program(kind)}))) == []


def test_a_library_archive_is_no_program() -> None:
    assert list(check(subject({"fast/libfast.a": b"!<arch>\n" + lib()}))) == []


@pytest.mark.parametrize(
    "tag", ["cp312-cp312-linux_x86_64", "cp38-abi3-manylinux_2_17_x86_64", "py3-none-linux_x86_64"]
)
def test_wheels_that_fit(tag: str) -> None:
    files = {"fast/_fast.so": lib(), "fast-1.0.dist-info/WHEEL": wheel("cp311-cp311-linux_x86_64", tag)}
    assert list(check(subject(files))) == []


GUARDED = "try:\n    from fast import {}\nexcept ImportError:\n    pass\n"


@pytest.mark.parametrize(
    ("sources", "optional"),
    [
        ([GUARDED.format("_pool")], True),
        (["def f():\n    try:\n        from ._pool import run\n    except (OSError, ImportError): pass\n"], True),
        (["try:\n    import fast._pool\nexcept Exception:\n    pass\n"], True),
        (["from fast import _pool\n"], False),
        ([GUARDED.format("_pool"), "import fast._pool\n"], False),
        (["try:\n    from fast import _pool\nexcept ValueError:\n    pass\n"], False),
        (["try:\n    pass\nexcept ImportError:\n    from fast import _pool\n"], False),
        (["_pool = 1\n"], False),
        (["def _pool(:\n  import\n"], False),
        ([], False),
    ],
)  # fmt: skip
def test_a_module_that_its_package_can_do_without(sources: list[str], optional: bool) -> None:
    files = {"fast/_pool.abi3.so": lib(("libtbb.so.12", None))}
    files |= {f"fast/source{index}.py": text.encode() for index, text in enumerate(sources)}
    assert (not list(check(subject(files)))) is optional


def test_nothing_compiled() -> None:
    assert list(check(subject({"shop/app.py": b"print()\n", "fast-1.0.dist-info/WHEEL": wheel("py3-none-any")}))) == []
