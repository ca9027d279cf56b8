from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from lambda_backend.engines.protocol import ExecResult
from lambda_backend.errors import InstallError, MissingExtraError
from lambda_backend.install.builder import Builder
from lambda_backend.install.workbench import FOLDERS, ContainerWorkbench, HostWorkbench

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SHOW = "import os, sys; print(*(os.environ.get(name, '-') for name in sys.argv[1:]), sep='|')"
FAIL = "import sys; sys.stderr.write(sys.argv[1]); sys.exit(3)"
TOKEN = "t0p/secret"  # noqa: S105
URL = "https://aws:t0p%2Fsecret@x.example/simple"


class FakeContainer:
    """Runs nothing; remembers."""

    def __init__(self, result: ExecResult, lines: Sequence[str] = ()) -> None:
        self.result = result
        self.lines = lines
        self.argv: Sequence[str] = ()
        self.cwd: PurePosixPath | None = None
        self.environment: Mapping[str, str] = {}

    def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: PurePosixPath | None = None,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> ExecResult:
        self.argv, self.cwd, self.environment = argv, cwd, environment or {}
        for line in self.lines:
            if on_line is not None:
                on_line(line)
        return self.result

    def copy_in(self, source: Path, target: PurePosixPath) -> None:
        raise NotImplementedError

    def copy_out(self, source: PurePosixPath, target: Path) -> None:
        raise NotImplementedError


def host(scratch: Path, environ: Mapping[str, str], heard: list[str] | None = None) -> HostWorkbench:
    scratch.mkdir(exist_ok=True)
    said: list[str] = [] if heard is None else heard
    return HostWorkbench(scratch, environ=environ, secrets=[TOKEN], on_line=said.append)


def container(scratch: Path, running: FakeContainer, heard: list[str], **environment: str) -> ContainerWorkbench:
    builder = Builder(engine="fake", image="image")
    return ContainerWorkbench(
        running,
        scratch,
        builder=builder,
        interpreter="python3.13",
        environment=environment,
        secrets=[TOKEN],
        on_line=heard.append,
        leave=lambda: None,
    )


def shown(workbench: HostWorkbench, *names: str, variables: Mapping[str, str] | None = None) -> list[str]:
    said = workbench.run([sys.executable, "-c", SHOW, *names], cwd=workbench.input, what="showing", variables=variables)
    return said.strip().split("|")


def test_the_host_runs_uv(tmp_path: Path, environ: dict[str, str]) -> None:
    workbench = host(tmp_path / "scratch", environ)
    assert workbench.uv(["--version"], cwd=workbench.output, what="asking").startswith("uv ")
    assert workbench.inside(workbench.input / "a") == str(tmp_path / "scratch" / "input" / "a")
    assert (workbench.builder.engine, workbench.native) == ("host", False)


def test_the_host_s_own_environments_do_not_count(tmp_path: Path) -> None:
    names = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "CONDA_PREFIX")
    workbench = host(tmp_path, dict.fromkeys(names, "/nowhere") | {"KEPT": "kept"})
    assert shown(workbench, *names, "KEPT", "UV_PYTHON_DOWNLOADS") == ["-", "-", "-", "-", "kept", "never"]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {"PIP_INDEX_URL": "https://a", "PIP_EXTRA_INDEX_URL": "https://b https://c"},
            "https://a|https://b https://c|-",
        ),
        ({"PIP_INDEX_URL": "https://a", "UV_INDEX_URL": "https://b"}, "https://b|-|-"),
        ({"PIP_INDEX_URL": "https://a", "UV_DEFAULT_INDEX": "https://c", "UV_INDEX_URL": "https://b"}, "https://c|-|-"),
        ({"UV_DEFAULT_INDEX": "", "PIP_INDEX_URL": "https://a"}, "https://a|-|-"),
        ({"PIP_FIND_LINKS": "/a /b,/c"}, "-|-|/a,/b,/c"),
        ({"UV_FIND_LINKS": "/a,/b", "PIP_FIND_LINKS": "/c"}, "-|-|/a,/b"),
        ({}, "-|-|-"),
    ],
)
def test_pip_s_index_reaches_uv(tmp_path: Path, environ: dict[str, str], expected: str) -> None:
    names = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS")
    assert shown(host(tmp_path / "scratch", environ), *names) == expected.split("|")
    running = FakeContainer(ExecResult(exit_code=0, output="", log=""))
    workbench = container(tmp_path, running, [], **environ)
    workbench.uv(["--version"], cwd=workbench.input, what="asking")
    assert "|".join(running.environment.get(name, "-") for name in names) == expected


def test_pip_s_other_words_on_indexes_reach_uv(tmp_path: Path) -> None:
    workbench = host(tmp_path, {"PIP_NO_INDEX": "1", "PIP_TRUSTED_HOST": "a b"})
    assert shown(workbench, "UV_NO_INDEX", "UV_INSECURE_HOST") == ["1", "a b"]


def test_variables_of_one_step(tmp_path: Path) -> None:
    workbench = host(tmp_path, {"UV_INDEX": "https://a"})
    assert shown(workbench, "UV_INDEX", "MORE", variables={"UV_INDEX": "https://b", "MORE": "m"}) == [
        "https://a https://b",
        "m",
    ]
    assert shown(workbench, "UV_INDEX", "MORE", variables={"MORE": "m"}) == ["https://a", "m"]
    assert shown(host(tmp_path, {}), "UV_INDEX", variables={"UV_INDEX": "https://b"}) == ["https://b"]


def test_a_failing_step_shows_its_last_lines_without_secrets(tmp_path: Path) -> None:
    heard: list[str] = []
    workbench = host(tmp_path, {}, heard)
    log = "\n".join([*(f"line {number}" for number in range(50)), f"{TOKEN} at {URL}", "and v4lue"])
    with pytest.raises(InstallError) as error:
        workbench.run(
            [sys.executable, "-c", FAIL, log], cwd=workbench.input, what="one step", variables={"NAME": "v4lue"}
        )
    lines = error.value.message.splitlines()
    assert lines[0] == "one step failed (exit code 3):"
    assert lines[1] == "    line 12"
    assert lines[-2:] == ["    *** at https://***@x.example/simple", "    and ***"]
    assert len(heard) == 52
    assert not any("secret" in line or "v4lue" in line for line in heard)


def test_a_step_that_fails_without_a_word(tmp_path: Path) -> None:
    workbench = host(tmp_path, {})
    with pytest.raises(InstallError, match=r"^one step failed \(exit code 3\)\n  → mend what it names"):
        workbench.run([sys.executable, "-c", FAIL, ""], cwd=workbench.input, what="one step")


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("invalid peer certificate: UnknownIssuer", "SSL_CERT_FILE"),
        ("a lack of valid authentication credentials (401 Unauthorized)", "netrc"),
        ("error sending request for url", "proxy variables"),
        ("Hash mismatch for idna", "lock again"),
        ("No solution found when resolving dependencies", "loosen the requirement"),
    ],
)
def test_the_usual_causes_have_a_next_step(tmp_path: Path, said: str, hint: str) -> None:
    workbench = host(tmp_path, {})
    with pytest.raises(InstallError) as error:
        workbench.run([sys.executable, "-c", FAIL, said], cwd=workbench.input, what="one step")
    assert error.value.hint is not None
    assert hint in error.value.hint


def test_which_python_uv_uses_is_no_part_of_an_error(tmp_path: Path) -> None:
    workbench = host(tmp_path, {})
    with pytest.raises(InstallError) as error:
        workbench.run(
            [sys.executable, "-c", FAIL, "Using CPython 3.11.7 interpreter at: /python\nit broke"],
            cwd=workbench.input,
            what="one step",
        )
    assert "Using CPython" not in error.value.message
    assert "it broke" in error.value.message


def test_uv_of_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    folder = tmp_path / "bin"
    folder.mkdir()
    workbench = host(tmp_path / "scratch", {"PATH": str(folder)})
    with pytest.raises(MissingExtraError, match="uv is not installed") as error:
        workbench.uv(["--version"], cwd=workbench.input, what="asking")
    assert "lambda-backend[uv]" in str(error.value.hint)
    (folder / "uv").write_text(f"#!{sys.executable}\nprint('mine')\n")
    (folder / "uv").chmod(0o755)
    assert workbench.uv(["--version"], cwd=workbench.input, what="asking") == "mine\n"


def test_a_container_sees_its_mounts(tmp_path: Path) -> None:
    running = FakeContainer(ExecResult(exit_code=0, output="out", log=""), [f"got {TOKEN}"])
    heard: list[str] = []
    workbench = container(tmp_path, running, heard, KEPT="kept")
    assert workbench.inside(workbench.input) == "/lambda-backend/input"
    assert workbench.inside(workbench.output / "tree") == "/lambda-backend/output/tree"
    assert [workbench.inside(workbench.source), workbench.inside(workbench.tree)] == ["/asset-input", "/asset-output"]
    with pytest.raises(ValueError, match="elsewhere"):
        workbench.inside(tmp_path / "elsewhere")
    assert workbench.uv(["pip"], cwd=workbench.input / "a", what="w", variables={"MORE": "m"}) == "out"
    assert (running.argv, running.cwd) == (["uv", "pip"], PurePosixPath("/lambda-backend/input/a"))
    assert running.environment == {
        "KEPT": "kept",
        "MORE": "m",
        "UV_PYTHON": "python3.13",
        "LAMBDA_INPUT_DIR": "/asset-input",
        "LAMBDA_OUTPUT_DIR": "/asset-output",
    }
    assert heard == ["got ***"]


def test_a_failing_step_in_a_container(tmp_path: Path) -> None:
    running = FakeContainer(ExecResult(exit_code=2, output="", log=""), [f"no {URL}"])
    with pytest.raises(
        InstallError, match=r"^one step failed \(exit code 2\):\n    no https://\*\*\*@x\.example/simple\n  → "
    ):
        container(tmp_path, running, []).run(["false"], cwd=tmp_path / "input", what="one step")


class CopyingContainer(FakeContainer):
    """Remembers what was copied; has one file."""

    def __init__(self) -> None:
        super().__init__(ExecResult(exit_code=0, output="", log=""))
        self.said: list[Sequence[str]] = []
        self.copied: list[tuple[Path, PurePosixPath]] = []

    def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: PurePosixPath | None = None,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        as_root: bool = False,
    ) -> ExecResult:
        del cwd, environment, on_line
        assert as_root == (argv[0] == "chown")
        self.said.append(argv)
        there = argv[0] != "test" or argv[-1].endswith("there")
        return ExecResult(exit_code=0 if there else 1, output="", log="")

    def copy_in(self, source: Path, target: PurePosixPath) -> None:
        self.copied.append((source, target))

    def copy_out(self, source: PurePosixPath, target: Path) -> None:
        del source
        target.write_text("theirs")


def bench(scratch: Path, running: FakeContainer, **more: bool) -> ContainerWorkbench:
    for name in FOLDERS:
        (scratch / name).mkdir()
    return ContainerWorkbench(
        running,
        scratch,
        builder=Builder(engine="fake"),
        interpreter="python3",
        environment={},
        on_line=print,
        leave=lambda: None,
        **more,  # type: ignore[arg-type]
    )


def test_copies_where_nothing_is_shared(tmp_path: Path) -> None:
    running = CopyingContainer()
    workbench = bench(tmp_path, running, shared=False)
    workbench.push(workbench.tree)
    assert running.copied == [(tmp_path / "tree", PurePosixPath("/asset-output"))]
    (workbench.output / "there").write_text("ours")
    workbench.pull(workbench.output / "there")
    assert (workbench.output / "there").read_text() == "theirs"
    # What a command removed is gone here too.
    (workbench.output / "gone").mkdir()
    workbench.pull(workbench.output / "gone")
    assert not (workbench.output / "gone").exists()


def test_shared_folders_are_neither_copied_nor_given_away(tmp_path: Path) -> None:
    running = CopyingContainer()
    workbench = bench(tmp_path, running)
    workbench.push(workbench.tree)
    workbench.pull(workbench.tree)
    workbench.close()
    assert (running.copied, running.said) == ([], [])


def test_another_user_gives_back_what_it_wrote(tmp_path: Path) -> None:
    running = CopyingContainer()
    workbench = bench(tmp_path, running, reclaims=True)
    workbench.pull(workbench.tree)
    chown = ["chown", "-R", "--reference=/lambda-backend/input"]
    assert running.said == [[*chown, "/asset-output"]]
    workbench.close()
    assert running.said[-1][:3] == chown
    assert {"/lambda-backend/output", "/var/cache/uv"} <= set(running.said[-1])
