"""One lock for many targets, extras and groups: each takes out of it what was put in for it."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.pylock import Pylock

from lambda_backend.errors import LockError
from lambda_backend.requirements.model import Pin
from lambda_backend.requirements.own_lock import Selection, own_lock_text
from lambda_backend.requirements.pylock import select
from lambda_backend.targets import target

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambda_backend.targets import Target

    Wish = tuple[tuple[str, str], dict[str, str], bool, dict[str, set[str]]]

TARGETS = [(f"python3.{minor}", name) for minor in (10, 11, 13) for name in ("x86_64", "arm64")]
SELECTIONS = {
    "": Selection(),
    "pdf": Selection(extra="PDF"),
    "data": Selection(extra="data"),
    "prod": Selection(group="prod"),
}
ROOT = Path("/nowhere")


def wheel(name: str, version: str, tag: str = "py3-none-any") -> Pin:
    digest = f"{hash((name, version, tag)) % 16**8:064x}"
    return Pin(
        name=name,  # type: ignore[arg-type]
        version=version,
        kind="wheel",
        url=f"https://x.example/{name}-{version}-{tag}.whl",
        sha256=digest,
        hashes=(("sha256", digest),),
    )


def chosen(text: str, of: Target, *extras: str, groups: Iterable[str] = ()) -> tuple[Pin, ...]:
    return select(text, target=of, source="pylock.lambda.toml", root=ROOT, extras=extras, groups=tuple(groups))


def packages(text: str) -> list[dict[str, object]]:
    document = tomllib.loads(text)
    Pylock.from_dict(document)  # raises for what the standard does not allow
    found: list[dict[str, object]] = document["packages"]
    return found


@st.composite
def wishes(draw: st.DrawFn) -> list[Wish]:
    """Targets, each with a version of every distribution, whether they are compiled, and what is chosen by what."""
    made = []
    for one in draw(st.lists(st.sampled_from(TARGETS), min_size=1, unique=True)):
        base = draw(st.sets(st.sampled_from("abcd")))
        chosen = {"": base}
        for name in draw(st.sets(st.sampled_from(["pdf", "data", "prod"]))):
            chosen[name] = base | draw(st.sets(st.sampled_from("abcd")))
        made.append((one, {name: draw(st.sampled_from("12")) for name in "abcd"}, draw(st.booleans()), chosen))
    return made


def found_for(
    wishes: list[Wish],
) -> dict[tuple[Target, Selection], tuple[Pin, ...]]:
    found = {}
    for names, versions, native, chosen in wishes:
        one = target(*names)
        minor = one.runtime.version[1]
        tag = f"cp3{minor}-cp3{minor}-manylinux_2_17_{one.machine}" if native else "py3-none-any"
        for name, some in chosen.items():
            found[one, SELECTIONS[name]] = tuple(wheel(each, versions[each], tag) for each in sorted(some))
    return found


@settings(deadline=None)
@given(wishes())
def test_each_target_takes_what_was_found_for_it(
    wishes: list[Wish],
) -> None:
    found = found_for(wishes)
    text = own_lock_text(found, prefix="")
    packages(text)
    offered = sorted({name for *_, by in wishes for name in by} - {""})
    for one in {of for of, _ in found}:
        for count in range(len(offered) + 1):
            for some in itertools.combinations(offered, count):
                expected = {pin for name in ("", *some) for pin in found.get((one, SELECTIONS[name]), ())}
                extras = [name for name in some if name != "prod"]
                assert set(chosen(text, one, *extras, groups=set(some) & {"prod"})) == expected


@settings(deadline=None)
@given(wishes())
def test_the_order_of_things_is_of_no_account(
    wishes: list[Wish],
) -> None:
    found = found_for(wishes)
    shuffled = {key: pins[::-1] for key, pins in found.items()}
    assert own_lock_text(shuffled, prefix="") == own_lock_text(found, prefix="")


X86, ARM = target("python3.13", "x86_64"), target("python3.13", "arm64")
OLD = target("python3.11", "x86_64")
OF_OLD = "(python_version == '3.11' and platform_machine == 'x86_64')"


@pytest.mark.parametrize(
    ("where", "marker"),
    [
        ({Selection(): [X86, ARM, OLD]}, None),
        ({Selection(): [X86, ARM]}, "python_version == '3.13'"),
        ({Selection(): [X86, OLD]}, "platform_machine == 'x86_64'"),
        ({Selection(): [X86]}, "python_version == '3.13' and platform_machine == 'x86_64'"),
        (
            {Selection(): [ARM, OLD]},
            f"({OF_OLD} or (python_version == '3.13' and platform_machine == 'aarch64'))",
        ),
        ({Selection(extra="PDF"): [X86, ARM, OLD]}, "'pdf' in extras"),
        ({Selection(group="prod"): [OLD]}, "'prod' in dependency_groups and python_version == '3.11'"),
        (
            {Selection(extra="a"): [X86, ARM, OLD], Selection(group="b"): [X86, ARM, OLD]},
            "('a' in extras or 'b' in dependency_groups)",
        ),
        (
            {Selection(): [OLD], Selection(extra="a"): [X86, ARM, OLD]},
            "python_version == '3.11' or 'a' in extras",
        ),
        (
            {Selection(): [OLD], Selection(extra="a"): [X86, OLD]},
            "python_version == '3.11' or ('a' in extras and platform_machine == 'x86_64')",
        ),
    ],
)
def test_markers_are_as_short_as_they_can_be(where: Mapping[Selection, list[Target]], marker: str | None) -> None:
    everything = {(one, Selection()): (wheel("all", "1"),) for one in (X86, ARM, OLD)}
    for selection, targets in where.items():
        for one in targets:
            everything[one, selection] = (*everything.get((one, selection), ()), wheel("some", "1"))
    (some,) = (package for package in packages(own_lock_text(everything, prefix="")) if package["name"] == "some")
    assert some.get("marker") == marker


def test_the_head() -> None:
    text = own_lock_text({(OLD, Selection()): (), (X86, Selection(extra="P_D.F")): ()}, prefix="")
    assert text == (
        'lock-version = "1.0"\n'
        "environments = [\n"
        "    \"sys_platform == 'linux' and python_version == '3.11' and platform_machine == 'x86_64'\",\n"
        "    \"sys_platform == 'linux' and python_version == '3.13' and platform_machine == 'x86_64'\",\n"
        "]\n"
        'requires-python = ">=3.11"\n'
        'extras = ["p-d-f"]\n'
        "dependency-groups = []\n"
        'created-by = "lambda-backend"\n'
        "packages = []\n"
    )


def test_what_it_was_not_written_for_is_refused() -> None:
    text = own_lock_text({(OLD, Selection()): (wheel("a", "1"),)}, prefix="")
    for of, extras in ((X86, ()), (OLD, ("pdf",))):
        with pytest.raises(LockError) as error:
            chosen(text, of, *extras)
        assert error.value.hint == "lambda-backend lock"


def test_everything_that_a_pin_may_be() -> None:
    pins = [
        Pin(name="d", version=None, kind="directory", path="libs/d", subdirectory="x"),  # type: ignore[arg-type]
        Pin(
            name="g",  # type: ignore[arg-type]
            version="1",
            kind="vcs",
            url="https://x.example/g.git",
            vcs="git",
            commit="c" * 40,
        ),
        Pin(
            name="s",  # type: ignore[arg-type]
            version="1",
            kind="sdist",
            url="https://x.example/s-1.tar.gz",
            sha256="0" * 64,
            hashes=(("sha256", "0" * 64),),
        ),
        Pin(
            name="snapshot",  # type: ignore[arg-type]
            version="1",
            kind="sdist",
            url="https://x.example/main.zip",
            direct=True,
            sha256="0" * 64,
            hashes=(("sha256", "0" * 64),),
        ),
        Pin(
            name="w",  # type: ignore[arg-type]
            version="1",
            kind="wheel",
            path="libs/w-1-py3-none-any.whl",
            sha256="0" * 64,
            hashes=(("sha256", "0" * 64),),
        ),
    ]
    text = own_lock_text({(X86, Selection()): pins}, prefix="../..")
    packages(text)
    taken = select(text, target=X86, source="pylock.lambda.toml", root=ROOT / "project", directory="entries/worker")
    assert list(taken) == pins


def test_an_sdist_where_there_is_no_wheel() -> None:
    sdist = Pin(
        name="a",  # type: ignore[arg-type]
        version="1",
        kind="sdist",
        url="https://x.example/a-1.tar.gz",
        sha256="0" * 64,
        hashes=(("sha256", "0" * 64),),
    )
    native = wheel("a", "1", "cp313-cp313-manylinux_2_28_x86_64")
    text = own_lock_text({(X86, Selection()): (native,), (OLD, Selection()): (sdist,)}, prefix="")
    (package,) = packages(text)
    assert {"wheels", "sdist"} <= package.keys()
    assert chosen(text, X86) == (native,)
    assert chosen(text, OLD) == (sdist,)
