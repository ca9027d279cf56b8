"""Bills of materials, as whole builds leave them, held against what Python itself says of the unzipped artefacts."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import subprocess
import tarfile
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.helpers.engine_answers import engine_environment
from tests.helpers.interpreters import require_interpreter
from tests.helpers.leaks import folder_leaks, planted
from tests.helpers.locked_projects import wheel
from tests.helpers.machine import example, manifest, project, write
from tests.helpers.package_index import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.machine import Machine
    from tests.helpers.package_index import PackageIndex

pytestmark = pytest.mark.network

VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)
ASKED = ("--wheel", "-C", "lambda.sbom=true")
ENGINES = ["host", *(pytest.param(name, marks=pytest.mark.engine) for name in ("docker", "podman"))]
TABLE = """
[tool.lambda]
runtime = "python3.13"
handler = "tiny.app.handler"
sbom = true
"""


def bills(dist: Path) -> dict[str, dict[str, Any]]:
    """The bill of each artefact by its name and target, after the checks that every one has to stand."""
    found = {}
    for item in manifest(dist)["artifacts"]:
        assert item["sbom"] == item["file"].removesuffix(".zip") + ".cdx.json"
        text = (dist / item["sbom"]).read_text("utf-8")
        assert VALIDATOR.validate_str(text) is None
        bill = json.loads(text)
        component = bill["metadata"]["component"]
        zip_hash = hashlib.sha256((dist / item["file"]).read_bytes()).hexdigest()
        assert component["hashes"] == [{"alg": "SHA-256", "content": zip_hash}]
        properties = {one["name"].removeprefix("lambda-backend:"): one["value"] for one in component["properties"]}
        assert properties["content-digest"] == item["content_digest"]
        assert properties["architecture"] == item["architecture"]
        assert [properties["runtime"]] == item["runtimes"]
        assert properties.get("handler") == item["handler"]
        found[item["file"].partition("-")[2].removesuffix(".zip").partition("-")[2]] = bill
    assert len(list(dist.glob("*.cdx.json"))) == len(found) > 0
    return found


def named(bill: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["name"], one["version"]) for one in bill["components"]}


def graph(bill: dict[str, Any]) -> dict[str, list[str]]:
    return {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["api", "data"])
def test_it_names_what_python_finds(name: str, engine: str, machine: Machine, tmp_path: Path) -> None:
    dist = example(name, tmp_path / name) / "dist"
    machine.build(dist.parent, *ASKED, env=engine_environment(engine))
    found = bills(dist)
    for item in manifest(dist)["artifacts"]:
        with zipfile.ZipFile(dist / item["file"]) as archive:
            archive.extractall(tmp_path / item["name"])  # noqa: S202 - made by us
        folder = tmp_path / item["name"] / ("python" if item["kind"] == "layer" else "")
        there = {one.metadata["Name"]: one for one in distributions(path=[str(folder)])}
        bill = found[f"{item['name']}-python3.13-x86_64"]
        assert named(bill) == {(title, one.version) for title, one in there.items()} != set()
        pinned = {one["name"]: one["sha256"] for one in item["requirements"]}
        for component in bill["components"]:
            ref = component["bom-ref"].partition("==")[0]
            hashes = [one["content"] for one in component.get("hashes", [])]
            assert hashes == ([pinned[ref]] if ref in pinned else [])
            assert ("purl" in component) is (ref in pinned)
            expression = there[component["name"]].metadata["License-Expression"]
            shown = {
                one.get("expression") or one["license"].get("id") or one["license"]["name"]
                for one in component.get("licenses", [])
            }
            assert expression is None or shown == {expression}
    if name == "api":
        needs = graph(found["api-python3.13-x86_64"])
        refs = {ref.partition("==")[0]: [other.partition("==")[0] for other in others] for ref, others in needs.items()}
        assert refs["shop-1.0.0-api-python3.13-x86_64.zip"] == ["shop"]
        assert refs["shop"] == ["fastapi", "mangum", "pydantic"]
        assert {"starlette", "pydantic"} <= set(refs["fastapi"])
        assert "pydantic-core" in refs["pydantic"]


def test_the_same_zip_has_the_same_bill(machine: Machine, tmp_path: Path) -> None:
    found = []
    for version in ("3.10", "3.13"):
        require_interpreter(version)
        made = example("data", tmp_path / version / "a folder" / "data")
        environment = {
            "LAMBDA_BACKEND_CACHE_DIR": str(tmp_path / version / "cache"),
            "PYTHONHASHSEED": version.replace(".", ""),
            "TZ": "Asia/Kolkata" if version == "3.10" else "UTC",
            "LC_ALL": "C" if version == "3.10" else "C.UTF-8",
        }
        machine.build(made, *ASKED, python=version, env=environment)
        texts = {path.name: path.read_bytes() for path in (made / "dist").glob("*.cdx.json")}
        assert len(texts) == 2
        found.append(texts)
    assert found[0] == found[1]


def test_one_for_each_target_and_the_time_that_was_asked_for(machine: Machine, tmp_path: Path) -> None:
    targets = 'runtime = ["python3.13", "python3.11"]\narchitecture = ["x86_64", "arm64"]'
    table = TABLE.replace('runtime = "python3.13"', targets) + "[tool.lambda.layers.deps]\n"
    made = project(tmp_path / "p", table, dependencies='["markupsafe==3.0.2", "idna==3.10"]')
    machine.build(made, env={"SOURCE_DATE_EPOCH": "1700000000"})
    found = bills(made / "dist")
    names = {f"python{python}-{machine}" for python in ("3.13", "3.11") for machine in ("x86_64", "arm64")}
    assert set(found) == {f"{kind}-{name}" for kind in ("function", "deps") for name in names}
    of_markupsafe = {
        name: one["hashes"][0]["content"]
        for name, bill in found.items()
        for one in bill["components"]
        if one["bom-ref"] == "markupsafe==3.0.2"
    }
    assert len(set(of_markupsafe.values())) == 4
    assert {bill["metadata"]["timestamp"] for bill in found.values()} == {"2023-11-14T22:13:20+00:00"}
    assert len({bill["serialNumber"] for bill in found.values()}) == 8


def sdist(folder: Path, name: str) -> None:
    """A source distribution that needs nothing to be built but what is here already."""
    text = f'[project]\nname="{name}"\nversion="1.0"\n[build-system]\nrequires=[]\n'
    text += 'build-backend="make"\nbackend-path=["."]\n'
    make = f"""\
import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{{folder}}/{{name}}", "w") as archive:
        archive.writestr("{name}.py", "x = 1")
        archive.writestr("{name}-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n")
        wheel = "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        archive.writestr("{name}-1.0.dist-info/WHEEL", wheel)
        archive.writestr("{name}-1.0.dist-info/RECORD", "{name}.py,,\\n")
    return name
"""
    with tarfile.open(folder / f"{name}-1.0.tar.gz", "w:gz") as archive:
        for path, content in {"pyproject.toml": text, "make.py": make, "PKG-INFO": f"Name: {name}\n"}.items():
            info = tarfile.TarInfo(f"{name}-1.0/{path}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content.encode()))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[PackageIndex]:
    folder = tmp_path / "index"
    wheel(folder, "indexed", requires=["built"])
    wheel(folder, "direct")
    sdist(folder, "built")
    (folder / "built-1.0.tar.gz").rename(folder / "snapshot.tar.gz")
    sdist(folder, "built")
    with serving(folder, user=planted("user").partition("/")[0], password=planted("index")) as served:
        yield served


@pytest.fixture
def repositories(tmp_path: Path) -> Iterator[str]:
    """Serves what lies beside a project; git reads repositories that way too."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def committed(repository: Path, files: dict[str, str]) -> str:
    """Make a repository with one commit, and give that."""

    def git(*arguments: str) -> str:
        argv = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
        return subprocess.run(argv, cwd=repository, check=True, capture_output=True, text=True).stdout.strip()

    write(repository, files)
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"], ["update-server-info"]):
        git(*arguments)
    return git("rev-parse", "HEAD")


def test_wherever_a_distribution_is_from_no_secret_is_told(
    index: PackageIndex, repositories: str, machine: Machine, tmp_path: Path
) -> None:
    pyproject = (
        '[build-system]\nrequires=["setuptools"]\nbuild-backend="setuptools.build_meta"\n[project]\nname="{0}"\n'
    )
    pyproject += 'version="1.0"\nlicense="MIT"\ndependencies=["indexed"]\n[tool.setuptools]\npackages=["{0}"]\n'
    files = {
        f"{folder}/pyproject.toml": pyproject.format(name) for folder, name in (("sub", "versioned"), ("here", "here"))
    }
    files |= {"sub/versioned/__init__.py": "", "here/here/__init__.py": ""}
    commit = committed(tmp_path / "repository", files)
    server = index.url.removesuffix("/simple/")
    git = repositories.replace("://", f"://{index.url_with_user.partition('://')[2].partition('@')[0]}@")
    lines = [
        f"--extra-index-url {index.url_with_user}",
        "indexed==1.0",
        f"direct @ {index.url}direct/direct-1.0-py3-none-any.whl",
        f"versioned @ git+{git}/repository/.git@{commit}#subdirectory=sub",
        f"here @ git+file://{tmp_path}/repository@{commit}#subdirectory=here",
        "./local",
    ]
    files = {
        "requirements.txt": "\n".join(lines),
        "local/pyproject.toml": pyproject.format("local"),
        "local/local/__init__.py": "",
    }
    made = project(tmp_path / "p", TABLE, files=files)
    machine.build(made, env={"NO_PROXY": "127.0.0.1"})
    (bill,) = bills(made / "dist").values()
    qualifiers = {
        one["name"]: one.get("purl", "none").removeprefix(f"pkg:pypi/{one['name']}@1.0") for one in bill["components"]
    }
    assert qualifiers == {
        "built": f"?repository_url={server}",
        "direct": f"?repository_url={server}",
        "here": "none",
        "indexed": f"?repository_url={server}",
        "local": "none",
        "tiny": "none",
        "versioned": f"?vcs_url=git%2B{repositories}/repository/.git%40{commit}#sub",
    }
    assert graph(bill) == {
        "tiny-1.0.0-function-python3.13-x86_64.zip": [
            "direct==1.0",
            "here==1.0",
            "local==1.0",
            "tiny==1.0.0",
            "versioned==1.0",
        ],
        "tiny==1.0.0": [],
        "here==1.0": ["indexed==1.0"],
        "local==1.0": ["indexed==1.0"],
        "versioned==1.0": ["indexed==1.0"],
        "indexed==1.0": ["built==1.0"],
        "direct==1.0": [],
        "built==1.0": [],
    }
    assert folder_leaks(made / "dist", {"password": index.password or "", "user": index.user or ""}) == {}


def test_an_isolated_build_gets_the_library_by_itself(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "p", TABLE)
    machine.run([machine.python(), "-m", "build", "--wheel", made], cwd=tmp_path)
    (bill,) = bills(made / "dist").values()
    assert named(bill) == {("tiny", "1.0.0")}


def test_all_or_nothing(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "p", TABLE)
    in_the_way = made / "dist/tiny-1.0.0-function-python3.13-x86_64.cdx.json/x"
    write(in_the_way.parent, {"x": ""})
    outcome = machine.build(made, check=False)
    assert outcome.exit_code != 0
    assert "cannot write to the output folder" in outcome.message
    assert [path.name for path in (made / "dist").iterdir()] == [in_the_way.parent.name]
    (in_the_way).unlink()
    in_the_way.parent.rmdir()
    machine.build(made)
    assert len(list((made / "dist").iterdir())) == 4


def test_the_command_names_it(machine: Machine, tmp_path: Path) -> None:
    made = project(tmp_path / "p", TABLE)
    argv = [machine.python(), "-m", "lambda_backend", "build", made]
    environment = machine.environment()
    done = subprocess.run(map(str, argv), cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert sorted(done.stdout.splitlines()) == sorted(map(str, (made / "dist").iterdir()))
    assert len(done.stdout.splitlines()) == 4
