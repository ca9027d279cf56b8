from __future__ import annotations

import contextlib
import hashlib
import socket
import tempfile
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines import choice
from lambda_backend.engines.protocol import Container, ContainerSpec, ExecResult, Image, ImageBuild, Mount
from lambda_backend.errors import EngineError, EngineUnavailableError, InstallError, SettingsError
from lambda_backend.install.builder import Builder
from lambda_backend.install.listener import Listener
from lambda_backend.install.open import DEFAULT_UV, Opener
from lambda_backend.install.workbench import ContainerWorkbench, HostWorkbench
from lambda_backend.report.words import Words
from lambda_backend.settings.model import BundlingSettings, Secret, Volume

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.targets import Target

BASE = Image(reference="base", id="sha256:base", digest="sha256:registry")
KEY = "tool.lambda.bundling"


class FakeContainer:
    def __init__(self, python: str) -> None:
        self.python = python
        self.mounts: tuple[Mount, ...] = ()
        self.environments: list[Mapping[str, str]] = []

    def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: PurePosixPath | None = None,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        as_root: bool = False,
    ) -> ExecResult:
        del cwd, as_root
        if environment is not None:
            self.environments.append(environment)
        if argv[0] == "sha256sum":
            digests = (hashlib.sha256(self._mounted(PurePosixPath(name)).read_bytes()).hexdigest() for name in argv[1:])
            return ExecResult(exit_code=0, output="".join(f"{digest}  name\n" for digest in digests), log="")
        if "pwd" in argv[-1]:
            return ExecResult(exit_code=0, output="", log="")
        if argv[0] == "uv":
            if on_line is not None:
                on_line(f"uv has {(environment or {}).get('TOKEN')}")
            return ExecResult(exit_code=1, output="", log="")
        return ExecResult(exit_code=0, output=f"{self.python}\n", log="")

    def _mounted(self, path: PurePosixPath) -> Path:
        (mount,) = [mount for mount in self.mounts if path.is_relative_to(mount.target)]
        return mount.source / path.relative_to(mount.target)

    def copy_in(self, source: Path, target: PurePosixPath) -> None:
        raise NotImplementedError

    def copy_out(self, source: PurePosixPath, target: Path) -> None:
        raise NotImplementedError


class FakeEngine:
    """Has every image that is asked for, or none."""

    name = "fake"

    def __init__(self, python: str, *, has_base: bool = True) -> None:
        self.container = FakeContainer(python)
        self.has_base = has_base
        self.base = BASE
        self.asked: list[str] = []
        self.started: list[ContainerSpec] = []
        self.running = 0

    def version(self) -> str:
        return "1"

    def image(self, reference: str, platform: str) -> Image | None:
        del platform
        self.asked.append(reference)
        if reference.startswith("lambda-backend/"):
            return Image(reference=reference, id="sha256:0123456789abcdef0123", digest=None)
        return replace(self.base, reference=reference) if self.has_base else None

    def pull(self, reference: str, platform: str, on_line: Callable[[str], None] | None = None) -> Image:
        del platform, on_line
        raise EngineUnavailableError(f"pulling {reference}\nfailed")

    def build(self, asked: ImageBuild, on_line: Callable[[str], None] | None = None) -> Image:
        raise NotImplementedError

    @contextlib.contextmanager
    def start(self, spec: ContainerSpec) -> Iterator[Container]:
        self.started.append(spec)
        self.container.mounts = spec.mounts
        self.running += 1
        try:
            yield self.container
        finally:
            self.running -= 1


@pytest.fixture
def engine(target: Target) -> FakeEngine:
    return FakeEngine(target.runtime.python_version)


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> list[str]:
    """What the choice was asked for; it gives the fake engine, or none for the host."""
    asked = []

    def choose(name: str, *, environ: Mapping[str, str], note: Callable[[str], None]) -> FakeEngine | None:
        del environ, note
        asked.append(name)
        return None if name == "host" else engine

    monkeypatch.setattr(choice, "choose", choose)
    return asked


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def opener(tmp_path: Path, spoken: io.StringIO) -> Callable[..., Opener]:
    def make(name: str = "fake", environ: Mapping[str, str] | None = None) -> Opener:
        environ = {"HOME": str(tmp_path), **(environ or {})}
        return Opener(name, root=tmp_path, environ=environ, cache=tmp_path / "cache", words=Words(spoken, verbose=True))

    return make


def test_sources_lie_in_the_input(
    tmp_path: Path, target: Target, scratch: Path, opener: Callable[..., Opener], chosen: list[str]
) -> None:
    (tmp_path / "uv.lock").write_text("lock")
    sources = {"uv.lock": tmp_path / "uv.lock", "deep/er/a": tmp_path / "uv.lock"}
    with opener("host").open(target, BundlingSettings(), scratch, {"input": sources}, KEY) as workbench:
        assert isinstance(workbench, HostWorkbench)
        assert (workbench.input / "uv.lock").read_text() == "lock"
        assert (workbench.input / "deep" / "er" / "a").is_file()
        assert list(workbench.output.iterdir()) == []
    assert chosen == ["host"]


def test_one_choice_serves_the_whole_build(
    tmp_path: Path, target: Target, opener: Callable[..., Opener], chosen: list[str]
) -> None:
    one = opener("host")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        with one.open(target, BundlingSettings(), tmp_path / name, {}, KEY):
            pass
    assert chosen == ["host"]


@pytest.mark.usefixtures("chosen")
def test_a_container(
    tmp_path: Path,
    target: Target,
    scratch: Path,
    opener: Callable[..., Opener],
    engine: FakeEngine,
    *,
    spoken: io.StringIO,
) -> None:
    bundling = BundlingSettings(environment={"A": "${TOKEN:-b}"}, network="host", user="1:1")
    environ = {"PIP_INDEX_URL": "https://index.example", "SHELL": "/bin/zsh"}
    with opener(environ=environ).open(target, bundling, scratch, {}, KEY) as workbench:
        assert isinstance(workbench, ContainerWorkbench)
        assert engine.running == 1
        assert workbench.builder == Builder(engine="fake", image=target.build_image, digest="sha256:registry")
        workbench.run(["true"], cwd=workbench.input, what="nothing")
    assert engine.running == 0
    (spec,) = engine.started
    assert (spec.platform, spec.network, spec.user) == ("linux/amd64", "host", "1:1")
    assert dict(spec.environment) == {}
    assert [(mount.source, str(mount.target)) for mount in spec.mounts] == [
        (scratch / "input", "/lambda-backend/input"),
        (scratch / "output", "/lambda-backend/output"),
        (scratch / "source", "/asset-input"),
        (scratch / "tree", "/asset-output"),
        (tmp_path / "cache" / "uv-cache" / spec.image.partition(":")[2], "/var/cache/uv"),
    ]
    environment = engine.container.environments[-1]
    assert environment["A"] == "b"
    assert environment["UV_DEFAULT_INDEX"] == "https://index.example"
    assert environment["UV_PYTHON"] == target.runtime.name
    assert environment["UV_CACHE_DIR"] == "/var/cache/uv"
    assert "SHELL" not in environment
    assert f"starting a container for {target.name} (fake)" in spoken.getvalue()


@pytest.mark.usefixtures("chosen")
def test_an_image_is_asked_once_for_its_python(
    tmp_path: Path, target: Target, opener: Callable[..., Opener], engine: FakeEngine
) -> None:
    def opened(name: str, bundling: BundlingSettings) -> str:
        scratch = tmp_path / name
        scratch.mkdir()
        with opener().open(target, bundling, scratch, {}, KEY) as workbench:
            return workbench.interpreter

    first = opened("first", BundlingSettings())
    engine.container.python = "none"
    assert opened("second", BundlingSettings()) == first == target.runtime.name
    # What is mounted may hide it, and another image may have none.
    mounted = BundlingSettings(volumes=(Volume(host_path=str(tmp_path), container_path="/usr"),))
    for number, bundling in enumerate((mounted, BundlingSettings(image="other"))):
        engine.base = replace(BASE, id=f"sha256:other{number}" if bundling is not mounted else BASE.id)
        with pytest.raises(EngineError, match="has no Python"):
            opened(f"more{number}", bundling)


@pytest.mark.usefixtures("chosen")
def test_trees_lie_in_the_mount_of_uvs_cache(
    tmp_path: Path, target: Target, scratch: Path, opener: Callable[..., Opener], engine: FakeEngine
) -> None:
    with opener().open(target, BundlingSettings(), scratch, {}, KEY) as workbench:
        cache = tmp_path / "cache" / "uv-cache" / engine.started[0].image.partition(":")[2]
        assert workbench.links
        assert workbench.trees.is_dir()
        inside = workbench.inside(workbench.trees / "tree")
        assert inside == f"/var/cache/uv/{(workbench.trees / 'tree').relative_to(cache).as_posix()}"
        (workbench.trees / "tree").mkdir()
    assert not workbench.trees.exists()


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize(
    "bundling",
    [BundlingSettings(user="1:1"), BundlingSettings(environment={"UV_CACHE_DIR": "/mine"})],
    ids=["another user", "another cache"],
)
def test_trees_that_cannot_be_linked_lie_in_the_output(
    target: Target, scratch: Path, opener: Callable[..., Opener], bundling: BundlingSettings
) -> None:
    with opener().open(target, bundling, scratch, {}, KEY) as workbench:
        assert not workbench.links
        assert workbench.trees == workbench.output


@pytest.mark.usefixtures("chosen")
def test_an_image_of_the_project_that_came_from_no_registry(
    target: Target, scratch: Path, opener: Callable[..., Opener], engine: FakeEngine
) -> None:
    engine.base = replace(BASE, digest=None)
    with opener().open(target, BundlingSettings(image="mine"), scratch, {}, KEY) as workbench:
        assert workbench.builder == Builder(engine="fake", image="mine", digest="sha256:base")
    assert engine.asked[0] == "mine"


@pytest.mark.usefixtures("chosen")
def test_certificates_and_netrc_are_mounted_and_nothing_else_says_so(
    tmp_path: Path, target: Target, scratch: Path, opener: Callable[..., Opener], engine: FakeEngine
) -> None:
    (tmp_path / "ca.pem").write_text("")
    (tmp_path / ".netrc").write_text("")
    with opener(environ={"SSL_CERT_FILE": str(tmp_path / "ca.pem")}).open(
        target, BundlingSettings(), scratch, {}, KEY
    ) as workbench:
        workbench.run(["true"], cwd=workbench.input, what="nothing")
    mounted = {str(mount.target): mount for mount in engine.started[0].mounts[5:]}
    assert {mount.source.name for mount in mounted.values()} == {"ca.pem", ".netrc"}
    assert all(mount.read_only for mount in mounted.values())
    environment = engine.container.environments[-1]
    assert environment["NETRC"] in mounted
    assert environment["SSL_CERT_FILE"] in mounted


@pytest.mark.usefixtures("chosen")
def test_a_netrc_of_another_name(
    tmp_path: Path, target: Target, scratch: Path, opener: Callable[..., Opener], engine: FakeEngine
) -> None:
    (tmp_path / "other").write_text("")
    environ = {"NETRC": str(tmp_path / "other")}
    with opener(environ=environ).open(target, BundlingSettings(ca_bundle="off"), scratch, {}, KEY):
        assert [mount.source.name for mount in engine.started[0].mounts[5:]] == ["other"]


@pytest.mark.usefixtures("chosen")
def test_secrets_of_the_environment_are_redacted(
    target: Target, scratch: Path, opener: Callable[..., Opener], spoken: io.StringIO
) -> None:
    bundling = BundlingSettings(environment={"TOKEN": "${TOKEN}"})
    with (
        opener(environ={"TOKEN": "s3cret"}).open(target, bundling, scratch, {}, KEY) as workbench,
        pytest.raises(InstallError) as error,
    ):
        workbench.uv(["pip"], cwd=workbench.input, what="asking")
    assert error.value.message == "asking failed (exit code 1):\n    uv has ***"
    assert "    uv has ***\n" in spoken.getvalue()
    assert "s3cret" not in spoken.getvalue()


@pytest.mark.usefixtures("chosen")
def test_secret_files_are_mounted_and_redacted(
    tmp_path: Path,
    target: Target,
    scratch: Path,
    opener: Callable[..., Opener],
    engine: FakeEngine,
    *,
    spoken: io.StringIO,
) -> None:
    (tmp_path / "token").write_text("TOKEN=s3cret\n")
    bundling = BundlingSettings(
        environment={"TOKEN": "s3cret"}, secrets=(Secret(id="token", source="${WHERE}/token", target="${THERE}"),)
    )
    environ = {"WHERE": str(tmp_path), "THERE": "/etc/token"}
    with opener(environ=environ).open(target, bundling, scratch, {}, KEY) as workbench, pytest.raises(InstallError):
        workbench.uv(["pip"], cwd=workbench.input, what="asking")
    mount = engine.started[0].mounts[-1]
    assert (mount.source, str(mount.target), mount.read_only) == (tmp_path / "token", "/etc/token", True)
    assert "    uv has ***\n" in spoken.getvalue()


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize("name", ["fake", "host"])
def test_passwords_of_netrc_and_of_urls_are_redacted(
    tmp_path: Path, target: Target, scratch: Path, opener: Callable[..., Opener], name: str
) -> None:
    (tmp_path / ".netrc").write_text("machine index.example login u password s3cret\n")
    environ = {"PIP_INDEX_URL": "https://u:hush-hush@index.example/", "PATH": "/usr/bin:/bin"}
    with opener(name, environ).open(target, BundlingSettings(), scratch, {}, KEY) as workbench:
        hear = Listener(workbench._secrets, print)
        hear.hear("s3cret and hush-hush")
        with pytest.raises(InstallError, match=r"\*\*\* and \*\*\*\n"):
            hear.output(ExecResult(exit_code=1, output="", log=""), "saying")


@pytest.mark.usefixtures("chosen")
def test_a_secret_file_that_is_not_there(target: Target, scratch: Path, opener: Callable[..., Opener]) -> None:
    bundling = BundlingSettings(secrets=(Secret(id="token", source="nowhere"),))
    with pytest.raises(SettingsError, match=r"tool\.lambda\.bundling\.secrets\[0\]\.source: nowhere"):
        opener().open(target, bundling, scratch, {}, KEY).__enter__()


@pytest.mark.usefixtures("chosen")
def test_passwords_of_the_keyring_are_in_the_container_s_commands_alone(
    tmp_path: Path, target: Target, scratch: Path, opener: Callable[..., Opener], engine: FakeEngine
) -> None:
    command = tmp_path / "bin" / "keyring"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\necho hush-hush\n")
    command.chmod(0o755)
    environ = {
        "PATH": f"{command.parent}:/usr/bin:/bin",
        "UV_KEYRING_PROVIDER": "subprocess",
        "PIP_INDEX_URL": "https://u@index.example/",
    }
    with opener(environ=environ).open(target, BundlingSettings(), scratch, {}, KEY) as workbench:
        workbench.run(["true"], cwd=workbench.input, what="nothing")
        assert "hush-hush" in workbench._secrets
    assert engine.container.environments[-1]["UV_DEFAULT_INDEX"] == "https://u:hush-hush@index.example/"
    assert dict(engine.started[0].environment) == {}
    with opener("host", environ).open(target, BundlingSettings(), _empty(tmp_path), {}, KEY) as workbench:
        assert "hush-hush" not in workbench.run(["env"], cwd=workbench.input, what="nothing")


@pytest.mark.usefixtures("chosen")
def test_the_agent(
    tmp_path: Path, target: Target, scratch: Path, opener: Callable[..., Opener], engine: FakeEngine
) -> None:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{folder}/agent")
        server.listen()
        bundling = BundlingSettings(ssh="${AGENT}")
        one = opener(environ={"AGENT": f"{folder}/agent"})
        with one.open(target, bundling, scratch, {}, KEY) as workbench:
            workbench.run(["true"], cwd=workbench.input, what="nothing")
    mounted = {str(mount.target): str(mount.source) for mount in engine.started[0].mounts}
    assert mounted[engine.container.environments[-1]["SSH_AUTH_SOCK"]] == f"{folder}/agent"
    # On this machine ssh does as it always does, also where nobody listens.
    environ = {"AGENT": "/nowhere", "PATH": "/usr/bin:/bin"}
    with opener("host", environ).open(target, bundling, _empty(tmp_path), {}, KEY) as workbench:
        said = workbench.run(["sh", "-c", "echo $SSH_AUTH_SOCK"], cwd=workbench.input, what="asking")
    assert said == "/nowhere\n"


def _empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


@pytest.mark.usefixtures("chosen")
def test_an_unset_variable_names_its_key(target: Target, scratch: Path, opener: Callable[..., Opener]) -> None:
    bundling = BundlingSettings(environment={"TOKEN": "${NOT_SET}"})
    opened = opener().open(target, bundling, scratch, {}, KEY)
    with pytest.raises(SettingsError, match=r"tool\.lambda\.bundling\.environment\.TOKEN: .*NOT_SET is not set"):
        opened.__enter__()


@pytest.mark.usefixtures("chosen")
def test_auto_falls_back_to_the_host_and_says_why(
    target: Target, scratch: Path, opener: Callable[..., Opener], engine: FakeEngine, spoken: io.StringIO
) -> None:
    engine.has_base = False
    with opener("auto").open(target, BundlingSettings(), scratch, {}, KEY) as workbench:
        assert isinstance(workbench, HostWorkbench)
    said = [line for line in spoken.getvalue().splitlines() if line.startswith("lambda-backend:")]
    assert len(said) == 1
    assert said[0].endswith("failed: building on the host")


@pytest.mark.usefixtures("chosen")
def test_auto_falls_back_where_the_container_cannot_run(
    target: Target, scratch: Path, opener: Callable[..., Opener], engine: FakeEngine, spoken: io.StringIO
) -> None:
    def no_emulator(*_: object, **__: object) -> ExecResult:
        raise EngineUnavailableError("the engine cannot run programs for linux/arm64")

    engine.container.exec = no_emulator  # type: ignore[method-assign]
    with opener("auto").open(target, BundlingSettings(), scratch, {}, KEY) as workbench:
        assert isinstance(workbench, HostWorkbench)
        assert engine.running == 0
    assert "cannot run programs for linux/arm64: building on the host" in spoken.getvalue()


@pytest.mark.usefixtures("chosen")
def test_a_named_engine_never_falls_back(
    target: Target, scratch: Path, opener: Callable[..., Opener], engine: FakeEngine
) -> None:
    engine.has_base = False
    with pytest.raises(EngineUnavailableError, match="is not there"):
        opener("podman").open(target, BundlingSettings(), scratch, {}, KEY).__enter__()


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize("name", ["host", "fake"])
def test_the_index_of_the_settings_wins_over_the_host_s(
    target: Target, scratch: Path, opener: Callable[..., Opener], engine: FakeEngine, name: str
) -> None:
    bundling = BundlingSettings(environment={"PIP_INDEX_URL": "https://ours.example"})
    environ = {"UV_DEFAULT_INDEX": "https://host.example", "PATH": "/usr/bin:/bin"}
    with opener(name, environ).open(target, bundling, scratch, {}, KEY) as workbench:
        said = workbench.run(["sh", "-c", "echo $UV_DEFAULT_INDEX"], cwd=workbench.input, what="asking")
    found = said.strip() if name == "host" else engine.container.environments[-1]["UV_DEFAULT_INDEX"]
    assert found == "https://ours.example"


@pytest.mark.usefixtures("chosen")
def test_the_host_has_the_environment_of_the_settings(
    target: Target, scratch: Path, opener: Callable[..., Opener]
) -> None:
    bundling = BundlingSettings(environment={"PIP_INDEX_URL": "https://u:${TOKEN}@index.example"})
    with opener("host", {"TOKEN": "s3cret", "PATH": "/usr/bin:/bin"}).open(
        target, bundling, scratch, {}, KEY
    ) as workbench:
        said = workbench.run(["sh", "-c", "echo $UV_DEFAULT_INDEX"], cwd=workbench.input, what="asking")
        assert said == "https://u:s3cret@index.example\n"
        with pytest.raises(InstallError, match=r"\*\*\*@index\.example") as error:
            workbench.run(["sh", "-c", "echo $UV_DEFAULT_INDEX >&2; exit 1"], cwd=workbench.input, what="asking")
    assert "s3cret" not in str(error.value)


def test_the_default_uv_is_an_exact_release() -> None:
    assert DEFAULT_UV.count(".") == 2
