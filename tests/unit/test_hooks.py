from __future__ import annotations

import errno
import inspect
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lambda_backend
from lambda_backend import hooks
from lambda_backend.errors import LockError

if TYPE_CHECKING:
    from collections.abc import Callable

# PEP 517 and PEP 660, word for word.
SIGNATURES = {
    "build_wheel": "(wheel_directory, config_settings=None, metadata_directory=None)",
    "build_sdist": "(sdist_directory, config_settings=None)",
    "build_editable": "(wheel_directory, config_settings=None, metadata_directory=None)",
    "get_requires_for_build_wheel": "(config_settings=None)",
    "get_requires_for_build_sdist": "(config_settings=None)",
    "get_requires_for_build_editable": "(config_settings=None)",
    "prepare_metadata_for_build_wheel": "(metadata_directory, config_settings=None)",
    "prepare_metadata_for_build_editable": "(metadata_directory, config_settings=None)",
}
BACKEND = """\
import json, pathlib

def write(folder, name, *said):
    (pathlib.Path(folder) / name).write_text(json.dumps(said))
    return name

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return write(wheel_directory, "a.whl", config_settings, metadata_directory)

def build_sdist(sdist_directory, config_settings=None):
    return write(sdist_directory, "a.tar.gz", config_settings)
"""
OPTIONAL = """
def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return write(wheel_directory, "e.whl", config_settings, metadata_directory)

def get_requires_for_build_wheel(config_settings=None):
    return ["for-wheel"]

def get_requires_for_build_sdist(config_settings=None):
    return ["for-sdist"]

def get_requires_for_build_editable(config_settings=None):
    return ["for-editable"]

def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    return write(metadata_directory, "a.dist-info", config_settings)

def prepare_metadata_for_build_editable(metadata_directory, config_settings=None):
    return write(metadata_directory, "e.dist-info", config_settings)
"""


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes a project without the Lambda step, whose wheel backend is a module with this text; gives its folder."""

    def make(text: str) -> Path:
        (tmp_path / "tiny_backend.py").write_text(text)
        table = '[tool.lambda]\nruntime = "python3.13"\nhandler = "a.b"\nwheel-backend = "tiny_backend"\n'
        (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "a"\nversion = "1"\n{table}')
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "tiny_backend", raising=False)
        monkeypatch.setenv("LAMBDA_BACKEND", "off")
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return make


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Lets every hook fail with an exception."""

    def fail(error: BaseException) -> None:
        def build(*_: object) -> None:
            raise error

        monkeypatch.setattr(hooks, "_build", build)

    return fail


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(name: str) -> None:
    signature = inspect.signature(getattr(hooks, name))
    plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    assert str(signature.replace(parameters=plain, return_annotation=inspect.Signature.empty)) == SIGNATURES[name]


def test_every_hook_reaches_the_wheel_backend(backend: Callable[[str], Path]) -> None:
    folder = backend(BACKEND + OPTIONAL)
    settings = {"lambda.engine": "host", "--other": "1"}
    place = str(folder)
    assert lambda_backend.build_wheel(place, settings, "metadata") == "a.whl"
    assert (folder / "a.whl").read_text() == '[{"--other": "1"}, "metadata"]'
    assert lambda_backend.build_sdist(place, settings) == "a.tar.gz"
    assert lambda_backend.build_editable(place, settings, "metadata") == "e.whl"
    assert (folder / "e.whl").read_text() == '[{"--other": "1"}, "metadata"]'
    assert lambda_backend.prepare_metadata_for_build_wheel(place, settings) == "a.dist-info"
    assert lambda_backend.prepare_metadata_for_build_editable(place, settings) == "e.dist-info"
    assert lambda_backend.get_requires_for_build_wheel() == ["for-wheel"]
    assert lambda_backend.get_requires_for_build_sdist() == ["for-sdist"]
    assert lambda_backend.get_requires_for_build_editable() == ["for-editable"]


def test_optional_hooks_are_absent_where_the_wheel_backend_lacks_them(backend: Callable[[str], Path]) -> None:
    backend(BACKEND)
    for name in SIGNATURES:
        mandatory = name in {"build_wheel", "build_sdist"} or name in {
            "get_requires_for_build_wheel",
            "get_requires_for_build_sdist",
        }
        assert hasattr(lambda_backend, name) is mandatory
    assert lambda_backend.get_requires_for_build_wheel() == []
    with pytest.raises(AttributeError, match="module 'lambda_backend' has no attribute 'build_editable'"):
        _ = lambda_backend.build_editable


def test_what_is_no_hook_is_absent_without_a_look_at_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not hasattr(lambda_backend, "get_requires_for_build_nothing")
    assert lambda_backend.__all__ == ["__version__"]


def test_known_errors_are_one_message(
    failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    failing(LockError("uv.lock is odd", hint="renew it"))
    with pytest.raises(SystemExit) as ended:
        hooks.build_wheel("dist")
    assert ended.value.code == 1
    assert ended.value.__suppress_context__
    assert capsys.readouterr() == ("", "lambda-backend: error: uv.lock is odd\n  → renew it\n")


def test_ctrl_c(failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]) -> None:
    failing(KeyboardInterrupt())
    with pytest.raises(SystemExit) as ended:
        hooks.build_sdist("dist")
    assert ended.value.code == 130
    assert capsys.readouterr().err == "\nlambda-backend: interrupted; nothing was written\n"


@pytest.mark.parametrize(
    ("error", "place"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/full/file"), "/full/file"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "a temporary folder, the cache or the output folder"),
    ],
)
def test_a_full_disk(
    failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str], error: OSError, place: str
) -> None:
    failing(error)
    with pytest.raises(SystemExit) as ended:
        hooks.build_wheel("dist")
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith(f"lambda-backend: error: no space left on the device: {place}\n  → make room")


@pytest.mark.parametrize("error", [ZeroDivisionError("ours"), OSError(errno.EIO, "Input/output error")])
def test_unknown_errors_keep_their_traceback(
    failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    failing(error)
    with pytest.raises(type(error)) as raised:
        hooks.get_requires_for_build_wheel()
    assert raised.value is error
    assert [entry.name for entry in raised.traceback][-1] == "build"
    assert capsys.readouterr() == ("", "")


def test_sigterm_unwinds(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    cleaned = []

    def build(*_: object) -> Any:  # noqa: ANN401
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            cleaned.append(True)

    monkeypatch.setattr(hooks, "_build", build)
    with pytest.raises(SystemExit) as ended:
        hooks.build_wheel("dist")
    assert ended.value.code == 143
    assert cleaned == [True]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_hook_in_a_thread_leaves_signals_alone(backend: Callable[[str], Path]) -> None:
    backend(BACKEND)
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(hooks.get_requires_for_build_wheel()))
    thread.start()
    thread.join()
    assert found == [[]]


def test_the_wheel_is_put_where_the_frontend_says(backend: Callable[[str], Path]) -> None:
    folder = backend(BACKEND)
    (folder / "dist").mkdir()
    assert hooks.build_wheel("dist") == "a.whl"
    assert Path("dist/a.whl").is_file()
