"""Rootless Podman, as a user without rights: what a build leaves is the user's own, and the same bytes.

Run by root, the tests take the user ``lambda-rootless``, who needs ranges in /etc/subuid and /etc/subgid
(``useradd --create-home lambda-rootless`` gives them); run by another user, that user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.containers.conftest import absent
from tests.helpers.machine import artifacts, example, machine, manifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.helpers.machine import Machine

pytestmark = pytest.mark.engine

USER = "lambda-rootless"
IMAGE = "public.ecr.aws/sam/build-python3.13:latest-x86_64"
# A user's build knows where packages and certificates are, and how containers run here.
_KEPT = ("CONTAINERS_CONF", "PIP_", "UV_", "SSL_CERT", "REQUESTS_CA_BUNDLE", "HTTP", "NO_PROXY", "no_proxy", "http")


@dataclass(frozen=True, kw_only=True)
class Someone:
    """The user, with a folder of their own."""

    account: pwd.struct_passwd
    folder: Path

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
        own = {"HOME": self.account.pw_dir, "USER": self.account.pw_name, "XDG_RUNTIME_DIR": str(self.folder / "run")}
        return {**kept, **own, "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", **(more or {})}

    def run(self, *argv: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(word) for word in argv],
            cwd=self.folder,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **self.identity(),
        )

    def identity(self) -> dict[str, object]:
        if os.getuid() == self.account.pw_uid:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}

    def give(self, path: Path) -> Path:
        """Make the user own a folder."""
        for inner in (path, *path.rglob("*")):
            os.chown(inner, self.account.pw_uid, self.account.pw_gid, follow_symlinks=False)
        return path


@pytest.fixture(scope="module")
def someone() -> Iterator[Someone]:
    if shutil.which("podman") is None:
        absent("podman is not installed")
    try:
        account = pwd.getpwnam(USER) if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    except KeyError:
        absent(f"there is no user {USER}, as whom rootless Podman is run; useradd --create-home {USER}")
        raise
    # Not in pytest's folder, which only its own user may enter.
    with tempfile.TemporaryDirectory(prefix="lambda-backend-rootless-") as folder:
        found = Someone(account=account, folder=Path(folder))
        (found.folder / "run").mkdir(mode=0o700)
        found.give(found.folder)
        info = found.run("podman", "info", "--format", "{{.Host.Security.Rootless}}")
        if info.stdout.split()[-1:] != ["true"]:
            absent(f"rootless Podman does not work for {account.pw_name}: {info.stdout}")
        _load(found)
        yield found


def _load(someone: Someone) -> None:
    """Give the user's Podman the build image that root's has."""
    if someone.run("podman", "image", "inspect", IMAGE).returncode == 0:
        return
    with subprocess.Popen(["podman", "save", IMAGE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as saved:
        loaded = subprocess.run(
            ["podman", "load"],
            env=someone.environment(),
            cwd=someone.folder,
            stdin=saved.stdout,
            capture_output=True,
            check=False,
            **someone.identity(),  # type: ignore[call-overload]
        )
    if saved.returncode or loaded.returncode:
        absent(f"rootless Podman does not have {IMAGE}, and root's cannot give it: {loaded.stderr.decode()}")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return machine(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def python(someone: Someone, here: Machine) -> Path:
    """An interpreter that the user may run, with the backend and ``build`` on its path."""
    probe = "import sys; sys.exit(sys.version_info < (3, 10))"
    candidates = (sys.executable, "/usr/bin/python3")
    found = next((name for name in candidates if _runs(someone, name, "-I", "-c", probe)), None)
    if found is None:
        absent(f"{someone.account.pw_name} may run no Python of 3.10 or newer")
        raise AssertionError
    (wheel,) = here.wheelhouse().glob("*.whl")
    packages = (f"{wheel}[all]", "build>=1.3", "setuptools>=77")
    folder = someone.folder / "packages"
    install = [sys.executable, "-m", "uv", "pip", "install", "--python", found, "--target", str(folder), *packages]
    subprocess.run(install, check=True, capture_output=True)
    someone.give(folder)
    return Path(found)


def _runs(someone: Someone, *argv: str) -> bool:
    try:
        return someone.run(*argv).returncode == 0
    except PermissionError:
        return False


_SCRIPT = """
import os, sys
from pathlib import Path, PurePosixPath
from lambda_backend.engines.choice import choose
from lambda_backend.engines.protocol import ContainerSpec, Mount
engine = choose("podman", environ=os.environ, note=print)
folder = Path("made")
folder.mkdir()
mount = Mount(source=folder.resolve(), target=PurePosixPath("/made"))
spec = ContainerSpec(image=sys.argv[1], platform="linux/amd64", mounts=(mount,), network="host")
with engine.start(spec) as container:
    ids = container.exec(["sh", "-c", "id -u; id -g; touch /made/by-the-user"])
    assert ids.output.split() == [str(os.getuid()), str(os.getgid())], ids
    container.copy_in(folder, PurePosixPath("/opt/deep/in"))
    owners = container.exec(["stat", "-c", "%u:%g", "/opt/deep/in", "/opt/deep/in/by-the-user"]).output.split()
    assert owners == [f"{os.getuid()}:{os.getgid()}"] * 2, owners
    assert container.exec(["touch", "/opt/deep/in/more"]).exit_code == 0
    assert container.exec(["touch", "/opt/root"], as_root=True).exit_code == 0
    container.copy_out(PurePosixPath("/opt/deep/in"), Path("back"))
assert sorted(os.listdir("back")) == ["by-the-user", "more"], os.listdir("back")
for path in (folder / "by-the-user", Path("back/more")):
    assert (path.stat().st_uid, path.stat().st_gid) == (os.getuid(), os.getgid()), path
"""


def test_the_containers_user_is_the_hosts(someone: Someone, python: Path) -> None:
    done = someone.run(python, "-c", _SCRIPT, IMAGE, env={"PYTHONPATH": str(someone.folder / "packages")})
    assert done.returncode == 0, done.stdout
    assert someone.run("podman", "ps", "--all", "--quiet").stdout == ""


@pytest.mark.network
def test_quickstart(someone: Someone, python: Path, here: Machine, tmp_path: Path) -> None:
    project = someone.give(example("quickstart", someone.folder / "quickstart"))
    settings = {
        "LAMBDA_BACKEND_ENGINE": "podman",
        "LAMBDA_BACKEND_BUNDLING_NETWORK": "host",
        "LAMBDA_BACKEND_CACHE_DIR": str(someone.folder / "cache"),
        "PYTHONPATH": str(someone.folder / "packages"),
    }
    build = (python, "-m", "build", "--wheel", "--no-isolation", "--skip-dependency-check", project)
    done = someone.run(*build, env=settings)
    assert done.returncode == 0, done.stdout
    (artifact,) = manifest(project / "dist")["artifacts"]
    assert artifact["engine"].startswith("podman")
    for path in (*(project / "dist").iterdir(), *(someone.folder / "cache").rglob("*")):
        assert path.lstat().st_uid == someone.account.pw_uid, path
    assert someone.run("podman", "ps", "--all", "--quiet").stdout == ""

    other = example("quickstart", tmp_path / "quickstart")
    rooted = {name: value for name, value in settings.items() if name.startswith("LAMBDA") and "CACHE" not in name}
    here.build(other, env=rooted)
    # The manifest names the image, which got another id on its way from one Podman to the other.
    assert _zips(project / "dist") == _zips(other / "dist")


def _zips(dist: Path) -> dict[str, str]:
    return {name: digest for name, digest in artifacts(dist).items() if name.endswith(".zip")}
