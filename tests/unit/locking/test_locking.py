"""Locks made by real uv from a folder of wheels: who gets one, what is in it, what it stays with."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from lambda_backend.cache import Cache
from lambda_backend.errors import InstallError, LockError
from lambda_backend.locking.locker import Locker, NewLock
from lambda_backend.locking.places import Place, places
from lambda_backend.pipeline import Build
from lambda_backend.report.words import Words
from lambda_backend.requirements.pylock import select
from lambda_backend.targets import target
from tests.helpers.package_index import serving
from tests.helpers.wheels import make_wheel
from tests.unit.install.conftest import make_folder, make_sdist

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAD = '[project]\nname = "shop"\nversion = "1"\ndependencies = {dependencies}\n{more}\n[tool.lambda]\n{table}\n'
SECRET = {"TOKEN": "hunter2"}
TABLE = 'runtime = ["python3.13", "python3.11"]\nhandler = "shop.app.handler"\n'


@dataclass(frozen=True, kw_only=True)
class World:
    """A project, and the only archives there are."""

    root: Path
    links: Path
    cache: Cache
    environ: dict[str, str]
    spoken: StringIO = field(default_factory=StringIO)

    def project(self, dependencies: str = "[]", *, table: str = TABLE, more: str = "") -> None:
        self.write("pyproject.toml", HEAD.format(dependencies=dependencies, table=table, more=more))

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def wheels(self, *names: str, tag: str = "py3-none-any", requires: tuple[str, ...] = ()) -> None:
        for name in names:
            make_wheel(self.links, *name.split("-"), tag=tag, requires=requires)

    def build(self) -> Build:
        return Build.load(self.root, {}, self.environ)

    def places(self) -> tuple[Place, ...]:
        return places(self.build().all_artifacts(), self.root)

    def locks(self, *, upgrade: bool = False) -> list[NewLock | None]:
        build = self.build()
        with self.cache.scratch() as scratch:
            (scratch / "metadata").mkdir()
            locker = Locker(
                build.all_artifacts(),
                root=self.root,
                project=build.metadata(scratch / "metadata"),
                environ=self.environ,
                cache=self.cache,
                scratch=scratch,
                words=Words(self.spoken),
                upgrade=upgrade,
            )
            with closing(locker):
                return [locker.lock(place) for place in self.places()]

    def lock(self, *, upgrade: bool = False) -> NewLock:
        """The one lock, which is written too."""
        (made,) = self.locks(upgrade=upgrade)
        assert made is not None
        made.path.write_text(made.text, "utf-8")
        return made

    def taken(self, lock: NewLock, runtime: str = "python3.13", *, extras: str = "", groups: str = "") -> set[str]:
        pins = select(
            lock.text,
            target=target(runtime, "x86_64"),
            source=lock.path.name,
            root=self.root,
            directory=lock.path.parent.relative_to(self.root).as_posix(),
            extras=extras.split(),
            groups=groups.split(),
        )
        return {f"{pin.name}-{pin.version}" for pin in pins}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    for name in ("project", "links"):
        (tmp_path / name).mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    environ = {
        **kept,
        "UV_NO_CACHE": "1",
        "UV_NO_CONFIG": "1",
    }
    with serving(tmp_path / "links") as index:
        environ["UV_DEFAULT_INDEX"] = index.url
        cache = Cache(tmp_path / "cache")
        yield World(root=tmp_path / "project", links=tmp_path / "links", cache=cache, environ=environ)


class TestPlaces:
    def test_the_project_and_its_entries(self, world: World) -> None:
        table = """
runtime = "python3.13"
architecture = ["x86_64", "arm64"]
[tool.lambda.functions.b]
entry = "b"
[tool.lambda.functions.a]
entry = "a"
runtime = "python3.11"
[tool.lambda.functions.api]
handler = "shop.api.handler"
runtime = ["python3.11", "python3.12"]
[tool.lambda.functions.named]
entry = "named"
lock = "uv.lock"
[tool.lambda.functions.ours]
handler = "shop.api.handler"
lock = "pylock.lambda.toml"
[tool.lambda.functions.own]
entry = "own"
bundling = { command = ["true"] }
"""
        world.project(table=table)
        found = world.places()
        assert [place.path.relative_to(world.root).as_posix() for place in found] == [
            "pylock.lambda.toml",
            "a/pylock.lambda.toml",
            "b/pylock.lambda.toml",
        ]
        assert [artifact.name for artifact in found[0].artifacts] == ["api", "ours"]
        assert [one.name for one in found[0].targets()] == [
            "python3.13-x86_64",
            "python3.13-arm64",
            "python3.12-x86_64",
            "python3.12-arm64",
            "python3.11-x86_64",
            "python3.11-arm64",
        ]

    @pytest.mark.parametrize(
        ("name", "text", "in_use"),
        [
            ("uv.lock", "version = 1\n", "uv.lock"),
            ("pylock.toml", 'lock-version = "1.0"\n', "pylock.toml"),
            ("requirements.txt", f"a==1 --hash=sha256:{'0' * 64}\n", "requirements.txt"),
            ("requirements.txt", "a==1\n", None),
            ("pylock.lambda.toml", 'lock-version = "1.0"\n', None),
        ],
    )
    def test_a_lock_that_is_there(self, world: World, name: str, text: str, in_use: str | None) -> None:
        world.project()
        world.write(name, text)
        (place,) = world.places()
        assert place.lock_in_use == in_use


def test_extras_and_groups_are_taken_only_where_they_are_asked_for(world: World) -> None:
    world.wheels("base-1", "pdf-2", "prod-3", "deep-4", "dev-5")
    world.wheels("mid-1", requires=("deep",))
    more = """
[project.optional-dependencies]
print = ["pdf", "mid; python_version < '3.12'"]
all = ["shop[print]", "deep"]
unused = ["nothing-like-it"]
[dependency-groups]
prod = ["prod"]
dev = ["dev"]
"""
    table = """
runtime = ["python3.13", "python3.11"]
[tool.lambda.functions.api]
handler = "shop.api.handler"
groups = ["prod"]
[tool.lambda.functions.print]
handler = "shop.api.handler"
extras = ["print"]
[tool.lambda.functions.both]
handler = "shop.api.handler"
extras = ["all"]
groups = ["prod"]
"""
    world.project('["base"]', table=table, more=more)
    made = world.lock()
    for runtime, mid in (("python3.13", set()), ("python3.11", {"mid-1", "deep-4"})):
        assert world.taken(made, runtime) == {"base-1"}
        assert world.taken(made, runtime, groups="prod") == {"base-1", "prod-3"}
        assert world.taken(made, runtime, extras="print") == {"base-1", "pdf-2"} | mid
        everything = {"base-1", "pdf-2", "prod-3", "deep-4"} | mid
        assert world.taken(made, runtime, extras="all", groups="prod") == everything
    assert "dev" not in made.text
    with pytest.raises(LockError, match="has no extra 'unused'"):
        world.taken(made, extras="unused")


def test_one_set_of_versions_for_all_that_may_be_chosen(world: World) -> None:
    world.wheels("base-1", "base-2")
    world.wheels("old-1", requires=("base<2",))
    world.project('["base"]', table=f'{TABLE}extras = ["old"]', more='optional-dependencies.old = ["old"]')
    made = world.lock()
    assert world.taken(made) == {"base-1"}
    assert world.taken(made, extras="old") == {"base-1", "old-1"}


def test_extras_that_contradict_each_other(world: World) -> None:
    world.wheels("base-1", "base-2")
    more = 'optional-dependencies = { old = ["base<2"], new = ["base>1"] }'
    world.project(table=f'{TABLE}extras = ["old", "new"]', more=more)
    with pytest.raises(InstallError, match=r"(?s)^tool\.lambda: .*unsatisfiable"):
        world.lock()


def test_targets_stay_together_where_they_can(world: World) -> None:
    world.wheels("pure-1", "pure-2")
    for version, minors in (("1", (10, 11, 12, 13)), ("2", (12, 13))):
        for minor in minors:
            world.wheels(f"native-{version}", tag=f"cp3{minor}-cp3{minor}-manylinux_2_17_x86_64")
    world.project('["native", "pure"]')
    made = world.lock()
    assert world.taken(made, "python3.13") == {"native-2", "pure-2"}
    assert world.taken(made, "python3.11") == {"native-1", "pure-2"}
    assert made.sources == ()


def test_the_runtimes_libc_counts(world: World) -> None:
    """What a universal resolution does not know: python3.11 runs on a glibc of 2.26."""
    for minor in (11, 13):
        world.wheels("native-1", tag=f"cp3{minor}-cp3{minor}-manylinux_2_17_x86_64")
        world.wheels("native-2", tag=f"cp3{minor}-cp3{minor}-manylinux_2_28_x86_64")
    world.project('["native"]')
    made = world.lock()
    assert world.taken(made, "python3.13") == {"native-2"}
    assert world.taken(made, "python3.11") == {"native-1"}


def test_a_source_distribution_drags_no_other_along(world: World, tmp_path: Path) -> None:
    """One that has no wheel at all lets source distributions in; what has wheels still comes as one that fits."""
    make_sdist(world.links, tmp_path / "sources", "plain")
    world.wheels("native-1", tag="cp311-cp311-manylinux_2_17_x86_64")
    world.wheels("native-2", tag="cp311-cp311-manylinux_2_28_x86_64")
    make_folder(tmp_path / "native-2", "native")
    native = make_sdist(world.links, tmp_path / "more", "native")
    native.rename(native.with_name("native-2.tar.gz"))
    world.project('["native", "plain"]', table='runtime = "python3.11"\nhandler = "shop.app.handler"')
    made = world.lock()
    assert world.taken(made, "python3.11") == {"native-1", "plain-1.0"}
    assert made.sources == ("plain 1.0 for python3.11-x86_64",)


def test_a_new_lock_stays_with_the_versions_of_the_old_one(world: World) -> None:
    world.wheels("a-1", "b-1")
    world.project('["a", "b"]')
    assert world.taken(world.lock()) == {"a-1", "b-1"}
    world.wheels("a-2", "b-2", "c-2")
    world.project('["a>1", "b", "c"]', table=TABLE.replace('"python3.11"', '"python3.11", "python3.10"'))
    made = world.lock()
    assert world.taken(made, "python3.11") == world.taken(made, "python3.10") == {"a-2", "b-1", "c-2"}
    assert made.before.all_versions() == {"a": {"1"}, "b": {"1"}}
    assert world.taken(world.lock(upgrade=True)) == {"a-2", "b-2", "c-2"}


@pytest.mark.parametrize("text", ["no toml [", "[[packages]]\nname = 1\n", 'lock-version = "9.0"\n'])
def test_an_old_lock_that_cannot_be_read(world: World, text: str) -> None:
    world.wheels("a-1")
    world.project('["a"]')
    world.write("pylock.lambda.toml", text)
    assert world.taken(world.lock()) == {"a-1"}


def test_a_lock_is_made_again_as_it_was(world: World) -> None:
    world.wheels("a-1", "b-1")
    world.project('["a", "b"]')
    assert world.lock().text == world.lock().text


def test_a_requirements_file(world: World) -> None:
    world.wheels("a-1", "a-2", "b-1")
    make_folder(world.root / "libs/common", "common")
    world.write("requirements.txt", "-c limits.txt\na\n./libs/common\n")
    world.write("limits.txt", "a<2\n")
    world.project(table=f'{TABLE}extras = ["x"]', more='optional-dependencies.x = ["a"]')
    made = world.lock()
    # It knows nothing of extras, and whoever asks for one gets all the same.
    assert world.taken(made) == world.taken(made, extras="x") == {"a-1", "common-None"}
    assert 'directory = { path = "libs/common" }' in made.text


def test_a_requirements_file_that_lacks_what_is_declared(world: World) -> None:
    world.wheels("a-1", "b-1")
    world.write("requirements.txt", "a\n")
    world.project('["b"]')
    with pytest.raises(LockError, match=r"requirements\.txt does not cover"):
        world.lock()


def test_entries_have_their_own(world: World) -> None:
    world.wheels("base-1", "base-2", "a-1", "b-1")
    make_folder(world.root / "libs/common", "common")
    table = """
runtime = "python3.13"
[tool.lambda.functions.a]
entry = "functions/a"
layers = ["deps"]
[tool.lambda.functions.b]
entry = "functions/b"
[tool.lambda.functions.none]
entry = "functions/none"
[tool.lambda.layers.deps]
"""
    world.project('["base<2"]', table=table)
    world.write("functions/a/requirements.txt", "a\nbase\n../../libs/common\n")
    world.write(
        "functions/b/pyproject.toml", '[project]\nname = "b-code"\nversion = "1"\ndependencies = ["b", "base"]\n'
    )
    world.write("functions/none/index.py", "")
    root, of_a, of_b, none = world.locks()
    assert none is None
    assert root is not None
    assert of_a is not None
    assert of_b is not None
    assert world.taken(root) == {"base-1"}
    # The layer has an old one: function and layer shall have the same.
    assert world.taken(of_a) == {"a-1", "base-1", "common-None"}
    assert world.taken(of_b) == {"b-1", "base-2"}
    assert 'path = "../../libs/common"' in of_a.text


def test_nothing_to_lock(world: World) -> None:
    world.project()
    assert world.locks() == [None]


def test_an_archive_of_this_machine_is_no_ones_elses(world: World, tmp_path: Path) -> None:
    make_wheel(tmp_path, "a", "1")
    world.project(f'["a @ {(tmp_path / "a-1-py3-none-any.whl").as_uri()}"]')
    with pytest.raises(LockError, match=r"a-1-py3-none-any\.whl is outside the project"):
        world.lock()


def test_a_target_without_any_archive(world: World) -> None:
    world.wheels("native-1", tag="cp313-cp313-manylinux_2_17_x86_64")
    world.project('["native"]')
    with pytest.raises(InstallError, match=r"(?s)^tool\.lambda: .* for python3\.11-x86_64.*native"):
        world.lock()


@pytest.mark.parametrize("address", ["${TOKEN}/a-1-py3-none-any.whl", "a/a-1-py3-none-any.whl?token=${TOKEN}"])
def test_no_secret_is_written(world: World, address: str) -> None:
    world.wheels("a-1")
    world.environ.update(SECRET)
    world.write("requirements.txt", f"a @ {world.environ['UV_DEFAULT_INDEX']}{address}\n")
    world.project()
    with pytest.raises(LockError) as error:
        world.lock()
    assert "the addresses of a hold a value of the environment" in error.value.message
    assert "hunter2" not in str(error.value)


def test_user_and_password_of_an_index_are_not_written(world: World) -> None:
    world.wheels("a-1")
    with serving(world.links, user="me", password=SECRET["TOKEN"]) as index:
        url = index.url_of("me", "${TOKEN}")
        world.environ.update(SECRET, UV_DEFAULT_INDEX="http://127.0.0.1:1/simple")
        table = f'{TABLE}bundling = {{ environment = {{ PIP_INDEX_URL = "{url}" }} }}\n'
        world.project('["a"]', table=table)
        made = world.lock()
    assert world.taken(made) == {"a-1"}
    assert "hunter2" not in made.text
    assert f"127.0.0.1:{index.port}" in made.text


def test_dynamic_dependencies_are_the_backends_to_say(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.wheels("a-1")
    monkeypatch.chdir(world.root)
    world.write("deps.txt", "a\n")
    world.write(
        "pyproject.toml",
        '[project]\nname = "shop"\nversion = "1"\ndynamic = ["dependencies"]\n'
        '[tool.setuptools]\npackages = []\ndynamic.dependencies.file = "deps.txt"\n'
        f"[tool.lambda]\n{TABLE}",
    )
    assert world.taken(world.lock()) == {"a-1"}


def test_words(world: World) -> None:
    world.wheels("a-1")
    world.project('["a"]')
    world.lock()
    assert world.spoken.getvalue().splitlines() == [
        "lambda-backend: locking project for python3.13-x86_64",
        "lambda-backend: locking project for python3.11-x86_64",
    ]
