from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambda_backend.cache import Cache
from lambda_backend.running import host
from lambda_backend.running.model import Configuration, Function, Surroundings
from lambda_backend.running.open import staged
from lambda_backend.targets import target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lambda_backend.running.model import Imported, Invocation, Stage

RUNTIME = "python{}.{}".format(*sys.version_info)


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lambda's runtime client as this environment has it, and nothing else of the environment."""
    pytest.importorskip("awslambdaric", reason="awslambdaric is not installed (dependency group test)")
    folder = tmp_path_factory.mktemp("client")
    for name in ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py"):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)
    return folder


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Makes zips of modules and runs them on this machine."""

    folder: Path
    surroundings: Surroundings
    log: list[str] = field(default_factory=list)

    def zip(self, name: str, files: Mapping[str, str]) -> Path:
        """A zip of texts by their paths."""
        path = self.folder / name
        with zipfile.ZipFile(path, "w") as archive:
            for inner, text in files.items():
                archive.writestr(inner, text)
        return path

    @contextlib.contextmanager
    def stage(
        self,
        files: Mapping[str, str],
        handler: str = "app.handler",
        layers: Sequence[Mapping[str, str]] = (),
        engine: str = "host",
    ) -> Iterator[Stage]:
        function = Function(
            name="shop",
            zip=self.zip("function.zip", files),
            layers=tuple(self.zip(f"layer{number}.zip", layer) for number, layer in enumerate(layers)),
            target=target(RUNTIME, "x86_64"),
            handler=handler,
        )
        with staged(function, engine, self.surroundings) as stage:
            yield stage

    def invoke(
        self,
        code: str,
        event: str = "{}",
        *,
        handler: str = "app.handler",
        layers: Sequence[Mapping[str, str]] = (),
        files: Mapping[str, str] | None = None,
        timeout: int = 10,
        memory: int = 128,
        environment: Mapping[str, str] | None = None,
    ) -> Invocation:
        """Run a handler; ``code`` is the module ``app``."""
        configuration = Configuration(timeout=timeout, memory=memory, environment=environment or {})
        with self.stage({"app.py": code, **(files or {})}, handler, layers) as stage:
            return stage.invoke(event, configuration)

    def imported(self, code: str, handler: str = "app.handler", files: Mapping[str, str] | None = None) -> Imported:
        """Import a handler only."""
        with self.stage({"app.py": code, **(files or {})}, handler) as stage:
            return stage.import_handler(Configuration())


@pytest.fixture
def runner(client: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    # Where it comes from is another test's (tests/integration); here is no network.
    monkeypatch.setattr(host, "runtime_client", lambda *_: client)
    log: list[str] = []
    surroundings = Surroundings(
        environ=os.environ,
        cache=Cache(tmp_path / "cache"),
        say=lambda _: None,
        detail=lambda _: None,
        log=log.append,
    )
    (tmp_path / "zips").mkdir()
    return Runner(folder=tmp_path / "zips", surroundings=surroundings, log=log)
