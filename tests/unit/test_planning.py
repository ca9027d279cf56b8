from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from lambda_backend.errors import LockError
from lambda_backend.metadata import ProjectMetadata
from lambda_backend.planning import may_install, wanted
from lambda_backend.requirements.exporters import Exporter
from lambda_backend.requirements.model import Pin
from lambda_backend.settings.load import load
from lambda_backend.settings.resolve import artifacts
from lambda_backend.targets import target

if TYPE_CHECKING:
    from pathlib import Path

    from lambda_backend.settings.resolve import ArtifactSettings

TARGET = target("python3.13", "x86_64")
PROJECT = ProjectMetadata(
    name="shop",
    version="1.0",
    requires_dist=("requests>=2", 'tomli; python_version < "3.11"', 'pandas; extra == "data"'),
    provides_extra=("data",),
    stem="shop-1.0",
)


def artifact(root: Path, more: str = "", name: str = "function", project: str = "") -> ArtifactSettings:
    """One artefact of a project whose table has more than a runtime."""
    pyproject = root / "pyproject.toml"
    text = '[project]\nname = "shop"\nversion = "1.0"\n'
    pyproject.write_text(f'{text}{project}\n[tool.lambda]\nruntime = "python3.13"\n{more}\n', "utf-8")
    settings = load(pyproject, config_settings=None, environ={}).settings
    assert settings is not None
    return {found.name: found for found in artifacts(settings)}[name]


HANDLER = 'handler = "shop.api.handler"\n'


def test_the_project_is_asked_by_its_wheel(tmp_path: Path) -> None:
    found = wanted(artifact(tmp_path, HANDLER), TARGET, PROJECT, tmp_path, base=tmp_path)
    assert (found.key, found.project, found.folder, found.lock) == ("tool.lambda", "shop", tmp_path, None)
    assert found.declared == ("requests>=2",)
    assert not found.empty
    assert found.relative(tmp_path / "a" / "b") == "a/b"


def test_extras_groups_and_the_pins_of_layers(tmp_path: Path) -> None:
    table = HANDLER + 'extras = ["data"]\ngroups = ["prod"]\n[dependency-groups]\nprod = ["boto3"]\n'
    pins = [
        Pin(name="idna", version="3.20", kind="wheel"),  # type: ignore[arg-type]
        Pin(name="local", version=None, kind="directory"),  # type: ignore[arg-type]
        Pin(name="attrs", version="26.1", kind="wheel"),  # type: ignore[arg-type]
    ]
    found = wanted(artifact(tmp_path, table), TARGET, PROJECT, tmp_path, base=tmp_path, layer_pins=pins)
    assert found.declared == ("requests>=2", "pandas", "boto3")
    assert found.constraints == ("attrs==26.1", "idna==3.20")


def test_an_unknown_extra_names_its_key(tmp_path: Path) -> None:
    with pytest.raises(LockError, match=r"tool\.lambda\.extras: the project has no extra 'dta'; did you mean 'data'"):
        wanted(artifact(tmp_path, HANDLER + 'extras = ["dta"]'), TARGET, PROJECT, tmp_path, base=tmp_path)


def test_an_entry_is_asked_by_its_own_pyproject(tmp_path: Path) -> None:
    entry = tmp_path / "functions" / "worker"
    entry.mkdir(parents=True)
    (entry / "pyproject.toml").write_text(
        '[project]\nname = "worker"\nversion = "1"\ndependencies = ["idna"]\n'
        "[project.optional-dependencies]\n"
        "fast = [\"orjson; python_version > '3.9' or sys_platform == 'win32'\", \"uvloop\"]\n"
        'slow = ["simplejson"]\n'
    )
    table = '[tool.lambda.functions.worker]\nentry = "functions/worker"\nextras = ["fast"]\n'
    found = wanted(artifact(tmp_path, table, "worker"), TARGET, PROJECT, tmp_path, base=tmp_path)
    assert (found.project, found.folder) == ("worker", entry)
    assert found.declared == ("idna", "orjson", "uvloop")


def test_an_entry_without_a_pyproject_has_its_lock_alone(tmp_path: Path) -> None:
    (tmp_path / "worker").mkdir()
    table = 'entry = "worker"\n'
    assert wanted(artifact(tmp_path, table), TARGET, PROJECT, tmp_path, base=tmp_path).empty
    (tmp_path / "worker" / "requirements.txt").write_text("idna==3.20\n")
    found = wanted(artifact(tmp_path, table), TARGET, PROJECT, tmp_path, base=tmp_path)
    assert not found.empty
    assert found.lock is not None
    assert found.lock.path == tmp_path / "worker" / "requirements.txt"
    assert found.requirements is not None


def test_folders_that_requirements_name_count_by_their_metadata(tmp_path: Path) -> None:
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "setup.py").write_text("setup()")
    (tmp_path / "vendor" / "code.py").write_text("")
    (tmp_path / "requirements.txt").write_text("./vendor\n")
    found = wanted(artifact(tmp_path, HANDLER), TARGET, PROJECT, tmp_path, base=tmp_path)
    assert found.metadata == (("vendor/setup.py", hashlib.sha256(b"setup()").hexdigest()),)


@pytest.mark.parametrize(
    ("table", "project", "files", "expected"),
    [
        (HANDLER, "", {}, False),
        (HANDLER, 'dependencies = ["idna"]', {}, True),
        (HANDLER, "dependencies = []", {}, False),
        (HANDLER, 'dynamic = ["dependencies"]', {}, True),
        (HANDLER, "", {"uv.lock": ""}, True),
        (HANDLER + 'extras = ["data"]', "", {}, True),
        (HANDLER + 'groups = ["prod"]', "", {}, True),
        (HANDLER, "", {"poetry.lock": "", "pyproject.toml": ""}, True),
        (HANDLER, '[tool.poetry.dependencies]\npython = "^3.10"', {}, False),
        (HANDLER, '[tool.poetry.dependencies]\nidna = "*"', {}, True),
        ('entry = "worker"', 'dependencies = ["idna"]', {"worker/index.py": ""}, False),
        ('entry = "worker"', "", {"worker/requirements.txt": "idna"}, True),
        ('entry = "worker"', "", {"worker/pyproject.toml": '[project]\ndependencies = ["idna"]'}, True),
    ],
)
def test_whether_an_artefact_may_have_dependencies(
    tmp_path: Path, table: str, project: str, files: dict[str, str], *, expected: bool
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert may_install(artifact(tmp_path, table, project=project), tmp_path) is expected


def test_a_source_of_uv_needs_a_lock(tmp_path: Path) -> None:
    table = HANDLER + '[tool.uv.sources]\nRequests = { path = "../requests" }\nother = { index = "ours" }\n'
    with pytest.raises(LockError, match=r"tool\.uv\.sources says where requests comes from"):
        wanted(artifact(tmp_path, table), TARGET, PROJECT, tmp_path, base=tmp_path)
    (tmp_path / "requirements.txt").write_text("requests==2.34.2\n")
    assert wanted(artifact(tmp_path, table), TARGET, PROJECT, tmp_path, base=tmp_path).declared == ("requests>=2",)


def test_a_lock_of_poetry(tmp_path: Path) -> None:
    project = '[tool.poetry]\nname = "x"\n[tool.poetry.group.Prod.dependencies]\nsix = "*"\n'
    (tmp_path / "poetry.lock").write_text('[extras]\npdf = []\n[metadata]\nlock-version = "2.1"\n')
    table = HANDLER + 'groups = ["prod"]\nextras = ["pdf", "data"]\n'
    found = wanted(artifact(tmp_path, table, project=project), TARGET, PROJECT, tmp_path, base=tmp_path)
    assert found.export is not None
    assert found.export.exporter == Exporter(tool="poetry", version="2.5")
    assert (found.export.groups, found.export.extras) == (("Prod",), ("pdf", "data"))
    assert found.declared == ("requests>=2", "pandas")
    table += "bundling = { tools = { poetry = '1.8' }, poetry = { hashes = false, urls = false } }\n"
    found = wanted(artifact(tmp_path, table, project=project), TARGET, PROJECT, tmp_path, base=tmp_path)
    assert found.export is not None
    assert found.export.exporter == Exporter(tool="poetry", version="1.8", hashes=False, urls=False)
    with pytest.raises(LockError, match=r"tool\.lambda\.groups: the project has no group 'pord'; did you mean 'Prod'"):
        wanted(
            artifact(tmp_path, HANDLER + 'groups = ["pord"]', project=project), TARGET, PROJECT, tmp_path, base=tmp_path
        )


def test_a_lock_of_pipenv(tmp_path: Path) -> None:
    (tmp_path / "Pipfile").write_text("[packages]\n[dev-packages]\n[docs]\n")
    (tmp_path / "Pipfile.lock").write_text("{}")
    table = HANDLER + 'groups = ["dev", "docs"]\nextras = ["data"]\n[tool.lambda.bundling.poetry]\nhashes = false\n'
    found = wanted(artifact(tmp_path, table), TARGET, PROJECT, tmp_path, base=tmp_path)
    assert found.export is not None
    assert found.export.exporter == Exporter(tool="pipenv", version=found.export.lock.version)
    assert (found.export.groups, found.export.extras) == (("dev-packages", "docs"), ())
    with pytest.raises(LockError, match="no group 'docz'; did you mean 'docs'"):
        wanted(artifact(tmp_path, HANDLER + 'groups = ["docz"]'), TARGET, PROJECT, tmp_path, base=tmp_path)


def test_groups_and_extras_of_a_pylock(tmp_path: Path) -> None:
    lock = 'extras = ["own"]\ndependency-groups = ["web"]\ndefault-groups = ["base"]\n'
    (tmp_path / "pylock.toml").write_text(lock)
    table = HANDLER + 'extras = ["own", "data"]\ngroups = ["web", "base"]\n'
    found = wanted(artifact(tmp_path, table), TARGET, PROJECT, tmp_path, base=tmp_path)
    assert (found.export, found.extras, found.groups) == (None, ("own", "data"), ("web", "base"))
    with pytest.raises(LockError, match="no group 'wob'; did you mean 'web'"):
        wanted(artifact(tmp_path, HANDLER + 'groups = ["wob"]'), TARGET, PROJECT, tmp_path, base=tmp_path)
    (tmp_path / "pylock.toml").write_text("extras = 1\n")
    assert wanted(artifact(tmp_path, HANDLER), TARGET, PROJECT, tmp_path, base=tmp_path).lock is not None


ENTRY = '[tool.lambda.functions.function]\nentry = "fn"\n'
DEPENDENCIES = "[tool.poetry.dependencies]\npython = '*'\nidna = '*'\n"


@pytest.mark.parametrize(
    ("table", "project", "of_entry", "message"),
    [
        ('entry = "fn"', "", DEPENDENCIES, "that it depends on idna"),
        (f'{ENTRY}groups = ["web"]', "", "[tool.poetry.group.Web]", "the group 'web'"),
        (HANDLER, DEPENDENCIES + "own = [{ path = 'own' }]", "", "where own comes from"),
        (HANDLER, DEPENDENCIES + "own = { source = 'x' }", "", "where own comes from"),
        (HANDLER, DEPENDENCIES + "[[tool.poetry.source]]\nname = 'x'", "", r"\[\[tool\.poetry\.source\]\]"),
    ],
)
def test_what_only_poetry_knows_needs_its_lock(
    tmp_path: Path, table: str, project: str, of_entry: str, message: str
) -> None:
    (tmp_path / "fn").mkdir()
    (tmp_path / "fn/pyproject.toml").write_text(of_entry)
    asked = artifact(tmp_path, table, project=project)
    with pytest.raises(LockError, match=rf"tool\.lambda.*: there is no poetry\.lock, .* {message}") as error:
        wanted(asked, TARGET, PROJECT, tmp_path, base=tmp_path)
    assert error.value.hint == "write one with `poetry lock`"
    (tmp_path / ("fn" if of_entry else ".") / "requirements.txt").write_text("")
    if "groups" not in table:
        wanted(asked, TARGET, PROJECT, tmp_path, base=tmp_path)


def test_an_entry_of_poetry(tmp_path: Path) -> None:
    (tmp_path / "fn").mkdir()
    (tmp_path / "fn/pyproject.toml").write_text(f"[tool.poetry]\nname = 'fn'\n{DEPENDENCIES}")
    (tmp_path / "fn/poetry.lock").write_text("")
    found = wanted(artifact(tmp_path, 'entry = "fn"'), TARGET, PROJECT, tmp_path, base=tmp_path)
    assert (found.project, found.declared) == ("fn", ())
    assert found.export is not None
    assert not found.empty
